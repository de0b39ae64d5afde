"""Forms of the card of a group of alerts: declare, attach, mute."""

from __future__ import annotations

from typing import Any

from bot.policy import AlertRule, Policy
from bot.slack.blocks import parts
from bot.slack.blocks.alert import name_group
from bot.slack.views.forms import choice, choices, modal, text_input
from bot.store.tables import AlertGroup, Incident

DECLARE, ATTACH, MUTE = "alerts.declare", "alerts.attach", "alerts.mute"
MUTES = (("1h", "1 hour"), ("4h", "4 hours"), ("1d", "1 day"))


def declare_form(policy: Policy, group: AlertGroup, rule: AlertRule | None, components: list[str]) -> dict[str, Any]:
    """Filled in with what the rule makes of the alerts; every word of it can be changed."""
    severities = [(key, f"{key} {one.title}: {one.meaning}") for key, one in policy.severities.items()]
    categories = [(key, f"{one.title}: {', '.join(one.examples)}") for key, one in policy.categories.items()]
    known = [(key, one.title) for key, one in policy.components.items()]
    return modal(
        DECLARE,
        "Declare an incident",
        [
            choice("severity", "Severity", severities, initial=rule.severity if rule else None),
            text_input("title", "What is broken?", initial=group.title, max_length=200),
            choice("category", "Category", categories, initial=rule.category if rule else None),
            choices("components", "Affected components", known, initial=components, optional=True),
            text_input("impact", "Whom does it hurt, and how?", multiline=True, optional=True),
        ],
        submit="Declare",
        metadata={"group": group.id},
    )


def attach_form(group: AlertGroup, incidents: list[Incident]) -> dict[str, Any]:
    """`incidents`: those that are open and that the person may know of; at least one."""
    options = [(str(one.id), f"#{one.id} {one.severity} {one.title}") for one in incidents]
    return modal(
        ATTACH,
        "Attach alerts",
        [
            parts.marked(f"{name_group(group)} and what follows of it goes on the incident's timeline."),
            choice("incident", "Incident", options, initial=options[0][0] if len(options) == 1 else None),
        ],
        submit="Attach",
        metadata={"group": group.id},
    )


def mute_form(group: AlertGroup) -> dict[str, Any]:
    """For how long."""
    return modal(
        MUTE,
        "Mute alerts",
        [
            parts.marked(f"{name_group(group)} is kept all the same; its card says who muted it, and until when."),
            choice("time", "For how long?", MUTES, initial=MUTES[0][0]),
        ],
        submit="Mute",
        metadata={"group": group.id},
    )
