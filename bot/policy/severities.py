"""Kinds of disaster, how severe an incident is, whom it concerns and how often they hear of it."""

from typing import Literal

from pydantic import Field

from bot.policy.durations import DeadlineText, PositiveDuration
from bot.policy.section import Key, Section, Text

SeverityName = Literal["P1", "P2", "P3", "P4"]


class Category(Section):
    """A kind of disaster (document: Disaster Categories)."""

    title: Text
    """Name of the category."""
    examples: list[Text]
    """What belongs to it."""
    severity_label: Literal["Critical", "High", "Medium", "Low"]
    """How severe the category is as a whole."""
    response_time: DeadlineText
    """By when somebody must be working on it."""
    default_severity: SeverityName
    """Severity offered when such an incident is declared."""
    disaster_types: list[Key]
    """Keys of `disasters` that belong to it; their RTO applies. Empty where the document names none."""


class Cadence(Section):
    """When people hear about an incident (document: Stakeholder Updates)."""

    first_update: PositiveDuration
    """Longest time from the declaration to the first update."""
    ongoing: PositiveDuration
    """Longest time from one update to the next."""
    resolution: DeadlineText
    """By when the resolution is announced, counted from the resolution."""


class Severity(Section):
    """One of P1 to P4 (document: Severity Classification)."""

    title: Text
    """Name of the severity."""
    meaning: Text
    """What an incident of this severity looks like."""
    instruction: Text
    """What to do about it."""
    action_within: DeadlineText
    """By when something must be done about it."""
    cadence: Cadence
    """How often people hear about it."""
    audiences: list[Key] = Field(min_length=1)
    """Keys of `audiences` that are told."""


class Audience(Section):
    """People who must know (document: Stakeholders); which severities, `severities.*.audiences` says."""

    title: Text
    """Who they are."""
    how: Text
    """How they are told."""
