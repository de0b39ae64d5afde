"""Duplicates: two incidents that turn out to be one."""

from __future__ import annotations

import sqlalchemy as sa

from bot.incidents.changes import Changes, Changing
from bot.incidents.closing import finish
from bot.incidents.members import let_in, list_members
from bot.incidents.reading import find_visible, list_same
from bot.outcome import Refused
from bot.store.tables import Incident, Task


class Merging:
    def __init__(self, changes: Changes) -> None:
        self.changes = changes

    def check(self, incident_id: int, into: int, *, actor: str) -> tuple[Incident, Incident]:
        """Both of them. Raises `Refused` where they cannot be merged."""
        viewer = self.changes.viewer(actor)
        with self.changes.database.read() as session:
            duplicate, target = find_visible(session, incident_id, viewer), find_visible(session, into, viewer)
            _refuse(duplicate, target, list_same(session, incident_id))
            return duplicate, target

    def merge(self, incident_id: int, *, actor: str, into: int) -> Incident:
        """Close this one as the same as another, which is given; its tasks and its timeline go there."""
        # The lower number is locked first in any case: two that merge crosswise wait for one another in turn.
        lower, higher = sorted((incident_id, into))
        with self.changes.to_any(lower, actor) as one:
            row = find_visible(one.session, higher, self.changes.viewer(actor), lock=True)
            both = {lower: one, higher: Changing(self.changes, one.session, row, actor)}
            change, other = both[incident_id], both[into]
            _refuse(change.incident, other.incident, list_same(one.session, incident_id))
            self._move(change, other)
            change.record("incident.merged", f"The same as #{into} {other.incident.title}", {"into": into})
            text = f"#{incident_id} {change.incident.title} is the same"
            other.record("incident.merged", text, {"from": incident_id})
            change.tell("merged")
            other.tell("absorbed")
            return other.incident

    def _move(self, change: Changing, other: Changing) -> None:
        incident, target, now = change.incident, other.incident, self.changes.clock()
        incident.merged_into_id = target.id
        incident.status, incident.resolved_at = "resolved", incident.resolved_at or now
        if incident.closed_at is None:
            finish(change, f"Closed: it is part of #{target.id}")
        moved = sa.update(Task).where(Task.incident_id == incident.id).values(incident_id=target.id)
        change.session.execute(moved)
        members = list_members(change.session, incident.id)
        let_in(
            change.session, target, members, added_by=other.actor, changes=self.changes,
            why=f"was one of #{incident.id}",
        )  # fmt: skip


def _refuse(duplicate: Incident, target: Incident, parts: list[int]) -> None:
    example = "Example: `/incident merge 12` in the channel of the duplicate."
    if duplicate.id == target.id:
        raise Refused(f"#{duplicate.id} cannot be merged into itself.", example)
    if duplicate.merged_into_id:
        raise Refused(f"#{duplicate.id} is part of #{duplicate.merged_into_id} already.", "Nothing was changed.")
    if target.merged_into_id:
        raise Refused(f"#{target.id} is itself part of #{target.merged_into_id}.", "Merge into that one.")
    if target.id in parts:
        raise Refused(f"#{target.id} is part of #{duplicate.id}.", "Nothing was changed.")
    if duplicate.private is not target.private:
        raise Refused("A private incident and one that everybody knows cannot be merged.", "Nothing was changed.")
