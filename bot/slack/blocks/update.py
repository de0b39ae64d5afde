"""Reminders of updates and of an empty coordinator's seat, and what to press."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import JsonValue
from slack_sdk.models.blocks import Block

from bot.slack.blocks import parts
from bot.store.tables import Incident


def show_reminder(incident: Incident, notice_id: int, prose: str, *, may_act: bool) -> Iterator[Block]:
    """Once it is seen to, nothing can be pressed any more."""
    yield parts.marked(prose)
    if may_act:
        yield parts.actions(list(_offer(incident, notice_id)))


def _offer(incident: Incident, notice_id: int) -> Iterator[parts.ButtonElement]:
    value: dict[str, JsonValue] = {"incident": incident.id}
    if incident.is_open:
        yield parts.button("Post update…", "incident.update", value, "primary")
        yield parts.button("No change", "update.no_change", {**value, "reminder": notice_id})
    yield parts.button("Snooze…", "update.snooze", value)


def show_empty_seat(incident: Incident, prose: str, *, may_act: bool) -> Iterator[Block]:
    """Nobody coordinates, and how to change that with one press."""
    yield parts.marked(prose)
    if may_act:
        yield parts.actions([parts.button("Take the role", "coordinator.take", {"incident": incident.id}, "primary")])
