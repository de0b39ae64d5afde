"""The home tab: what is open, and what waits for approval."""

from __future__ import annotations

from typing import Any

from slack_sdk.models.blocks import Block

from bot.slack.blocks import parts
from bot.slack.blocks.incident import Name, show_list
from bot.slack.text import literal, show_time
from bot.store.tables import Incident, Plan


def show_home(product: str, incidents: list[Incident], plans: list[Plan], name: Name) -> dict[str, Any]:
    blocks: list[Block] = [
        parts.header(f"{product}: {len(incidents)} open incident{'s' if len(incidents) != 1 else ''}"),
        parts.actions([parts.button("Declare an incident", "incident.declare", {}, "danger")]),
        *show_list(incidents, name),
        parts.divider(),
        parts.header("Waiting for approval"),
        *(_waiting(plan, name) for plan in plans),
    ]
    if not plans:
        blocks.append(parts.marked("Nothing."))
    return {"type": "home", "blocks": parts.pack(blocks)}


def _waiting(plan: Plan, name: Name) -> Block:
    until = f", until {show_time(plan.expires_at)}" if plan.expires_at else ""
    return parts.marked(
        f"*Plan {plan.id}* {plan.action} on {literal(plan.target)}, asked by {literal(name(plan.requested_by))}{until}"
    )
