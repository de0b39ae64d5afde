"""Forms of the incident desk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import JsonValue

from bot.policy import Policy
from bot.slack.blocks import parts
from bot.slack.text import literal
from bot.slack.views.forms import choice, modal, text_input
from bot.store.tables import Incident

DECLARE, UPDATE, PIN = "incident.declare", "incident.update", "incident.pin"


@dataclass(frozen=True)
class Prefill:
    """What is known of an incident before somebody declares it; all of it can be changed in the form."""

    severity: str = ""
    title: str = ""
    category: str = ""
    impact: str = ""
    origin: Mapping[str, JsonValue] = field(default_factory=dict)
    """Where it comes from; comes back with the form."""


def declare_form(policy: Policy, known: Prefill, channel_id: str) -> dict[str, Any]:
    severities = [(key, f"{key} {one.title}: {one.meaning}") for key, one in policy.severities.items()]
    categories = [(key, f"{one.title}: {', '.join(one.examples)}") for key, one in policy.categories.items()]
    chosen = known.severity.upper() if known.severity.upper() in policy.severities else None
    return modal(
        DECLARE,
        "Declare an incident",
        [
            choice("severity", "Severity", severities, initial=chosen),
            text_input(
                "title",
                "What is broken?",
                initial=known.title,
                max_length=200,
                placeholder="Database connection failure",
            ),
            choice("category", "Category", categories, initial=known.category or None),
            text_input("impact", "Whom does it hurt, and how?", initial=known.impact, multiline=True, optional=True),
        ],
        submit="Declare",
        metadata={"channel": channel_id, "origin": dict(known.origin)},
    )


def update_form(incident: Incident) -> dict[str, Any]:
    return modal(
        UPDATE,
        f"Update #{incident.id}",
        [
            parts.marked(f"*{literal(incident.title)}* is {incident.status}."),
            text_input(
                "text",
                "How do things stand?",
                multiline=True,
                hint="It goes to the channel, the summary and the timeline.",
            ),
        ],
        submit="Post",
        metadata={"incident": incident.id},
    )


def pin_form(incidents: list[Incident], channel_id: str, ts: str) -> dict[str, Any]:
    """Which of the open incidents does a message belong to?"""
    options = [(str(one.id), f"{one.severity} #{one.id} {one.title}") for one in incidents]
    return modal(
        PIN,
        "Add to the timeline",
        [choice("incident", "Which incident?", options, initial=options[0][0])],
        submit="Add",
        metadata={"channel": channel_id, "ts": ts},
    )
