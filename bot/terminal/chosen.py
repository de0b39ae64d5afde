"""Which incident is meant in a terminal, and how one is printed."""

from __future__ import annotations

from typing import Any

import click

from bot.incidents.reading import Reading
from bot.outcome import Refused
from bot.store.tables import Incident
from bot.terminal.session import NUMBER, TerminalSession, answer

WORK_LIMIT_S = 60.0
number_option = click.option("--incident", "number", type=NUMBER, help="Its number; not needed while one is open.")


def reading_of(session: TerminalSession) -> Reading:
    """Incidents as whoever is at the keyboard may see them."""
    return Reading(session.services.database, session.viewer)


def find_meant(session: TerminalSession, number: int | None) -> Incident:
    """The one with that number, else the only open one. Raises `Refused` where that cannot be told."""
    reading = reading_of(session)
    if number is not None:
        return reading.find(number)
    still_open = reading.list_open()
    if len(still_open) != 1:
        reason = "Several incidents are open." if still_open else "No incident is open."
        raise Refused(reason, "Name one with --incident NUMBER; holdfast incident list --all shows them.")
    return still_open[0]


def answer_incident(as_json: bool, made: Incident, done: str) -> None:
    """Print an incident and what was done to it."""
    channel = f" in #{made.channel_name}" if made.channel_name else ""
    answer(as_json, describe(made), f"#{made.id} {made.severity} {made.title}: {done}{channel}.")


def describe(one: Incident) -> dict[str, Any]:
    """For programs."""
    return {
        "incident": one.id, "severity": one.severity, "title": one.title, "status": one.status,
        "category": one.category, "channel": one.channel_name, "channel_id": one.channel_id,
        "declared_at": one.declared_at.isoformat(), "impact": one.impact, "components": one.components,
        "private": one.private, "drill": one.drill, "merged_into": one.merged_into_id, "closed": one.closed_at,
    }  # fmt: skip
