"""The end: an incident is resolved, and some time later everything about it is tidied up."""

from __future__ import annotations

from bot.incidents.changes import Changes, Changing
from bot.incidents.text import bounded, clean_line
from bot.outcome import Refused
from bot.store.tables import Incident

REASON_LIMIT = 500


class Closing:
    def __init__(self, changes: Changes) -> None:
        self.changes = changes

    def close(self, incident_id: int, *, actor: str, reason: str = "") -> Incident:
        """Tidy up a resolved incident. A false alarm, told by a reason, is resolved and closed at once.

        Raises `Refused` where it is open and no reason was given, or closed already.
        """
        reason = bounded(reason)
        with self.changes.to_any(incident_id, actor) as change:
            if change.incident.closed_at:
                raise Refused(f"#{incident_id} is closed already.", "Nothing was changed.")
            if change.incident.is_open:
                if not reason:
                    raise Refused(
                        f"#{incident_id} is still open; only what is resolved can be closed.",
                        "`/incident resolve` first; a false alarm closes with `/incident close REASON`.",
                    )
                end(change, clean_line(f"False alarm: {reason}", "the reason", REASON_LIMIT, "A test of the monitor"))
            finish(change, "Closed")
            change.tell("closed")
            return change.incident


def end(change: Changing, text: str) -> None:
    """Resolve, and tell."""
    incident, now = change.incident, change.changes.clock()
    incident.status, incident.resolved_at = "resolved", now
    if text:
        incident.last_update, incident.last_update_at = text, now
    change.record("incident.resolved", f"Resolved: {text}" if text else "Resolved")
    change.tell("resolved")


def finish(change: Changing, text: str) -> None:
    """Nothing is to be done about it any more."""
    change.incident.closed_at = change.changes.clock()
    change.record("incident.closed", text)
