"""Forms of the incident desk."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import JsonValue

from bot.policy import Policy
from bot.slack.blocks import parts
from bot.slack.text import literal, strong
from bot.slack.views.forms import checkbox, choice, choices, modal, text_input
from bot.store.tables import Incident

DECLARE, UPDATE, PIN = "incident.declare", "incident.update", "incident.pin"
DETAILS, SEVERITY, MERGE = "incident.details", "incident.severity", "incident.merge"
TEXT_LIMIT = 3000


@dataclass(frozen=True)
class Prefill:
    """What is known of an incident before somebody declares it; all of it can be changed in the form."""

    severity: str = ""
    title: str = ""
    category: str = ""
    impact: str = ""
    private: bool = False
    origin: Mapping[str, JsonValue] = field(default_factory=dict)
    """Where it comes from; comes back with the form."""


def declare_form(policy: Policy, known: Prefill, channel_id: str) -> dict[str, Any]:
    categories = [(key, f"{one.title}: {', '.join(one.examples)}") for key, one in policy.categories.items()]
    chosen = known.severity.upper() if known.severity.upper() in policy.severities else None
    hidden = " and ".join(one.title for one in policy.categories.values() if one.private)
    return modal(
        DECLARE,
        "Declare an incident",
        [
            choice("severity", "Severity", _severities(policy), initial=chosen),
            text_input(
                "title",
                "What is broken?",
                initial=known.title,
                max_length=200,
                placeholder="Database connection failure",
            ),
            choice("category", "Category", categories, initial=known.category or None),
            text_input("impact", "Whom does it hurt, and how?", initial=known.impact, multiline=True, optional=True),
            choices("components", "What is affected?", _components(policy)),
            checkbox(
                "private", "Who may know?", "Only members: a private incident", ticked=known.private,
                hint=f"{hidden} incidents are private in any case." if hidden else "",
            ),
        ],
        submit="Declare",
        metadata={"channel": channel_id, "origin": dict(known.origin)},
    )  # fmt: skip


def update_form(incident: Incident) -> dict[str, Any]:
    return modal(
        UPDATE,
        f"Update #{incident.id}",
        [
            parts.marked(f"{strong(incident.title)} is {incident.status}."),
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


def severity_form(policy: Policy, incident: Incident, severity: str) -> dict[str, Any]:
    chosen = severity.upper() if severity.upper() in policy.severities else incident.severity
    return modal(
        SEVERITY,
        f"Severity of #{incident.id}",
        [
            parts.marked(f"{strong(incident.title)} is {incident.severity}."),
            choice("severity", "Severity", _severities(policy), initial=chosen),
            text_input(
                "reason", "Why?", max_length=500, placeholder="Only one gate is affected",
                hint="Who is told, and how often, follows the severity; people hear the reason.",
            ),
        ],
        submit="Change",
        metadata={"incident": incident.id},
    )  # fmt: skip


def details_form(policy: Policy, incident: Incident) -> dict[str, Any]:
    """All that is known, to be put right at once; what is left alone here may change elsewhere meanwhile."""
    return modal(
        DETAILS,
        f"Details of #{incident.id}",
        [
            text_input("title", "Title", initial=incident.title, max_length=200),
            text_input("impact", "Impact", initial=incident.impact, multiline=True, optional=True),
            text_input("next_steps", "Next steps", initial=incident.next_steps, multiline=True, optional=True),
            text_input(
                "estimated_recovery", "Estimated recovery", initial=incident.estimated_recovery, optional=True,
                max_length=200, placeholder="14:30 UTC, or an hour",
            ),
            choices("components", "What is affected?", _components(policy), initial=incident.components),
            text_input("link", "Add a link", optional=True, max_length=2000, placeholder="https://grafana.example.com"),
            text_input("link_title", "What is behind it?", optional=True, max_length=200, placeholder="Dashboard"),
        ],
        submit="Save",
        metadata={"incident": incident.id, "seen": dict(fingerprint(read_details(incident)))},
    )  # fmt: skip


def merge_form(duplicate: Incident, target: Incident) -> dict[str, Any]:
    return modal(
        MERGE,
        f"Merge #{duplicate.id} into #{target.id}",
        [
            parts.marked(f"*#{duplicate.id}* {literal(duplicate.title)}"),
            parts.marked(f"is the same as *#{target.id}* {literal(target.title)}."),
            parts.context(
                f"#{duplicate.id} is closed, its tasks go to #{target.id}, and the timelines are read as one. "
                "This cannot be taken back."
            ),
        ],
        submit="Merge",
        metadata={"incident": duplicate.id, "into": target.id},
    )


def read_details(incident: Incident) -> dict[str, str]:
    """The details as the form gives them back where nobody touches them."""
    return {
        "title": incident.title[:200],
        "impact": incident.impact[:TEXT_LIMIT],
        "next_steps": incident.next_steps[:TEXT_LIMIT],
        "estimated_recovery": incident.estimated_recovery[:200],
        "components": "\n".join(incident.components),
    }


def fingerprint(values: Mapping[str, str]) -> dict[str, int]:
    """By which a value is known again, in less room than a form's metadata has."""
    return {
        name: zlib.crc32(" ".join(value.split()).encode("utf-8", "surrogatepass")) for name, value in values.items()
    }


def _severities(policy: Policy) -> Sequence[tuple[str, str]]:
    return [(key, f"{key} {one.title}: {one.meaning}") for key, one in policy.severities.items()]


def _components(policy: Policy) -> Sequence[tuple[str, str]]:
    return [(key, one.title) for key, one in policy.components.items()]


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
