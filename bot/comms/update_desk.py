"""What people may do about an update that is due: say that nothing has changed, or put it off for a reason."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from bot.comms.cadence import Cadence
from bot.comms.responsible import may_know
from bot.comms.update_clocks import DUE, REMIND, find_due, read_live, stage_of
from bot.incidents.desk import Desk
from bot.incidents.text import clean_line
from bot.outcome import Refused
from bot.policy import Person, format_duration
from bot.store import ledger
from bot.store.tables import Incident, UpdateClock
from bot.words import cut

REASON_LIMIT = 300
NO_CHANGE = "No change"
SAID_SHOWN = 1500
EXAMPLE = "/incident snooze 30m waiting for the vendor"


class UpdateDesk:
    """Acts for people on the clocks that `Cadence` winds."""

    def __init__(self, cadence: Cadence, desk: Desk) -> None:
        self.cadence, self.desk, self.policy, self.clock = cadence, desk, cadence.policy, cadence.clock

    def say_no_change(self, incident_id: int, person: Person, reminder_id: int) -> str:
        """Post an update that nothing has changed, as a reminder offers; its text.

        Raises `Refused` where somebody has seen to that reminder already: two presses make one update.
        """
        with self.desk.changes.to_any(incident_id, person.key) as change:
            _require_open(change.incident)
            ledger.hold(change.session)
            if not self.cadence.see_to(change.session, change.incident, reminder_id):
                raise Refused(f"The update of #{incident_id} has been seen to already.", "Nothing was posted now.")
            text = self._word_no_change(change.incident)
            self.desk.say(change, text)
            return text

    def snooze(self, incident_id: int, person: Person, lasting: timedelta, reason: str) -> datetime:
        """Put off what is due before then; until when. Raises `Refused`, also beyond `updates.longest_snooze`."""
        why = clean_line(reason, "the reason", REASON_LIMIT, EXAMPLE)
        if lasting <= timedelta(0):
            raise Refused(
                "An update is put off by some time.", "Example: `/incident snooze 30m waiting for the vendor`."
            )
        with self.cadence.database.write() as session:
            ledger.hold(session)
            incident = self._require_known(session, incident_id, person)
            until = self.clock() + lasting
            clocks = [one for one in read_live(session, incident_id) if one.due_at < until]
            self._refuse_unfit(incident, clocks, until)
            for clock in clocks:
                self._put_off(session, incident, clock, until, person, why)
            text = f"{person.name} put the update off until {self._show(until)}: {why}"
            ledger.append(
                session, kind="incident.snoozed", actor=person.key, text=text, at=self.clock(),
                incident_id=incident_id, data={"until": until.isoformat()},
            )  # fmt: skip
            self.cadence.settle(session, incident)
            self.cadence.notices.refresh(session, f"summary:{incident_id}")
            return until

    def _put_off(
        self, session: Session, incident: Incident, clock: UpdateClock, until: datetime, person: Person, why: str
    ) -> None:
        """Whoever has just put it off is not reminded at once, where it is due so soon again."""
        clock.snoozed_by, clock.snooze_reason = person.key, why
        soon = until - self.policy.updates.remind_before <= self.clock()
        self.cadence.plan(session, incident, clock, until, DUE if soon else REMIND)

    def _refuse_unfit(self, incident: Incident, clocks: list[UpdateClock], until: datetime) -> None:
        if not clocks:
            raise Refused(
                f"No update of #{incident.id} is due before {self._show(until)}.", "There is nothing to put off."
            )
        longest = self.policy.updates.longest_snooze
        latest = min(self._find_planned(incident, clock) for clock in clocks) + longest
        if until > latest:
            raise Refused(
                f"An update may be put off by {format_duration(longest)}, here until {self._show(latest)}.",
                "Post one with `/incident update`, or put it off for a shorter time.",
            )

    def _find_planned(self, incident: Incident, clock: UpdateClock) -> datetime:
        """When it was due before anybody put it off; the time that is put off is counted from there."""
        stage = stage_of(clock)
        return find_due(self.policy, incident, clock.audience, stage, clock.since) or clock.due_at

    def _word_no_change(self, incident: Incident) -> str:
        if incident.last_update_at:
            said = incident.last_update
            while said.startswith(NO_CHANGE):  # what was said before it is what still holds
                said = said.partition("\n")[2]
            since = f"{NO_CHANGE} since the update of {self._show(incident.last_update_at)}."
            return f"{since} As we said then:\n{cut(said, SAID_SHOWN)}" if said else since
        return f"{NO_CHANGE} since it was declared, {self._show(incident.declared_at)}."

    def _show(self, moment: datetime) -> str:
        """For the timeline and for e-mails: in the policy's time zone, which is named."""
        return f"{moment.astimezone(self.policy.zone):%a %d %b, %H:%M} ({self.policy.time_zone})"

    def _require_known(self, session: Session, incident_id: int, person: Person) -> Incident:
        incident = session.get(Incident, incident_id)
        if incident is None or not may_know(session, incident, person.key):
            raise Refused(f"There is no incident #{incident_id}.", "`/incident list` shows the open ones.")
        return incident


def _require_open(incident: Incident) -> None:
    if not incident.is_open:
        raise Refused(f"#{incident.id} is resolved; no update was posted.", "`/incident note` adds to its timeline.")
