"""What an incident's timeline says of its alerts: the first of each by name, then counts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from pydantic import JsonValue
from sqlalchemy.orm import Session

from bot.store import ledger
from bot.store.tables import Alert, AlertGroup, Incident, LedgerEntry

ACTOR = "holdfast"
NAMED = 3
KEPT = 100
"""Titles that an entry keeps beside its text."""
FLAPPING = timedelta(minutes=5)
"""An alert that has been told of as firing and as resolved is told of again only this long after the last time."""
FREE_TELLINGS = 2


def tell_changes(session: Session, group: AlertGroup, incident: Incident, now: datetime) -> tuple[bool, bool]:
    """Put what has changed on the timeline, at most one entry for each kind of change.

    Gives whether a resolution was told, and whether something was held back since it flaps.
    """
    rows = list(session.scalars(_changed(group).order_by(Alert.id)))
    due = [row for row in rows if _may_tell(row, now)]
    new = [row for row in due if not row.told]
    again = [row for row in due if row.told and row.state == "firing"]
    over = [row for row in due if row.state == "resolved"]
    if new:
        _append(session, incident, group, "alerts.firing", _say_new(new), new, min(row.began_at for row in new))
    if again:
        words = f"Firing again: {_name(again)}"
        _append(session, incident, group, "alerts.firing", words, again, min(row.began_at for row in again))
    if over:
        ended_at = max(row.resolved_at or now for row in over)
        _append(session, incident, group, "alerts.resolved", _say_over(session, group, over), over, ended_at)
    for row in due:
        row.told, row.told_at, row.tellings = row.state, now, row.tellings + 1
    return bool(over), len(due) < len(rows)


def _changed(group: AlertGroup) -> sa.Select[Alert]:
    return sa.select(Alert).where(Alert.group_id == group.id, Alert.told != Alert.state)


def _may_tell(row: Alert, now: datetime) -> bool:
    return row.tellings < FREE_TELLINGS or row.told_at is None or now - row.told_at >= FLAPPING


def _say_new(rows: Sequence[Alert]) -> str:
    return f"Alert: {_name(rows)}" if len(rows) == 1 else f"{len(rows)} alerts: {_name(rows)}"


def _say_over(session: Session, group: AlertGroup, rows: Sequence[Alert]) -> str:
    if group.closed_at is None:
        return f"Alert resolved: {_name(rows)}" if len(rows) == 1 else f"{len(rows)} alerts resolved: {_name(rows)}"
    counted = sa.select(sa.func.count(), sa.func.sum(Alert.received)).where(Alert.group_id == group.id)
    alerts, received = session.execute(counted).one()
    if alerts == 1:
        return f"Alert resolved: {_name(rows)} (received {received} times)"
    return f"All {alerts} alerts of “{group.title}” are resolved (received {received} times)"


def _name(rows: Sequence[Alert]) -> str:
    named = ", ".join(row.title for row in rows[:NAMED])
    return named if len(rows) <= NAMED else f"{named} and {len(rows) - NAMED} more"


def _append(
    session: Session, incident: Incident, group: AlertGroup, kind: str, text: str, rows: Sequence[Alert], at: datetime
) -> LedgerEntry:
    titles: list[JsonValue] = [row.title for row in rows[:KEPT]]
    data: dict[str, JsonValue] = {"group": group.id, "alerts": titles, "count": len(rows)}
    return ledger.append(session, kind=kind, actor=ACTOR, text=text, at=at, incident_id=incident.id, data=data)
