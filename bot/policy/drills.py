"""How often what is rehearsed, by whom, and what counts as success."""

from typing import Literal

from pydantic import Field

from bot.policy.durations import PositiveDuration
from bot.policy.section import DurationRange, Key, Section, Text


class DrillLimits(Section):
    """Success criteria that are measured; those left out are not."""

    restore_time: PositiveDuration | None = None
    """Longest restore."""
    rto: PositiveDuration | None = None
    """Longest recovery from beginning to end."""
    rpo: PositiveDuration | None = None
    """Longest loss of data."""


class DrillPlan(Section):
    """A rehearsal (document: Testing Frequency and the tests below it)."""

    title: Text
    """What it is called."""
    frequency: Literal["monthly", "quarterly", "semi-annually", "annually"]
    """How often it is due."""
    duration: DurationRange
    """How long it takes."""
    participants: list[Key] = Field(min_length=1)
    """Roles that take part."""
    objective: Text
    """What it shows."""
    success_criteria: list[Text] = Field(default_factory=list)
    """What must be true afterwards."""
    limits: DrillLimits = DrillLimits()
    """The measured ones among the criteria."""
