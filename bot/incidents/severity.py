"""Severity, up and down, with a reason; cadence, audiences and invitations follow."""

from __future__ import annotations

from bot.incidents.changes import Changes
from bot.incidents.text import clean_line, known_word
from bot.outcome import Refused
from bot.policy import Policy, SeverityName
from bot.store.tables import Incident

REASON_LIMIT = 500


class Severities:
    def __init__(self, changes: Changes) -> None:
        self.changes = changes

    def change(self, incident_id: int, *, actor: str, severity: str, reason: str) -> Incident:
        """Raises `Refused` without a reason, and where it has that severity already."""
        wanted = known_severity(self.changes.policy, severity)
        reason = clean_line(reason, "the reason", REASON_LIMIT, "/incident severity P2 only one gate is affected")
        with self.changes.to(incident_id, actor) as change:
            before = change.incident.severity
            if before == wanted:
                raise Refused(f"#{incident_id} is {wanted} already.", "Nothing was changed.")
            change.incident.severity = wanted
            data = {"severity": wanted, "before": before, "reason": reason}
            change.record("incident.severity", f"Severity: {before} → {wanted}: {reason}", {**data})
            change.tell("severity")
            return change.incident


def known_severity(policy: Policy, word: str) -> SeverityName:
    """Also as people write it, "p1:". Raises `Refused`, naming the nearest."""
    known = known_word(word.upper().rstrip(":,.;-"), tuple(policy.severities), "a severity", "P1")
    return next(name for name in policy.severities if name == known)
