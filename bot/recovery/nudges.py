"""Nudges: a plan that waits reminds those who can still approve it, until it is decided or lapses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy.orm import Session

from bot.comms.notices import Address, Notices, direct_message
from bot.comms.room_keeping import enqueue_follow
from bot.incidents.changes import Changes
from bot.incidents.members import let_in
from bot.incidents.reading import sees
from bot.outcome import Refused
from bot.policy import Policy, find_closure, rule_for
from bot.recovery.calls import NUDGE_THAT_CALLS, call_for_approval
from bot.recovery.decisions import LAPSED, find_plan, list_decisions
from bot.recovery.electorate import Electorate, GroupLookup, find_electorate, know_no_group
from bot.recovery.handovers import list_active
from bot.recovery.rules import schedule_nudge
from bot.recovery.seats import choose_seat, find_powers
from bot.store.database import Database
from bot.store.ledger import read_last
from bot.store.tables import Incident, Plan


class Nudges:
    """The workflow behind every reminder. Of a plan that is decided it says nothing new."""

    def __init__(
        self, database: Database, policy: Policy, notices: Notices, look_up: GroupLookup = know_no_group,
        pagers: Sequence[Address] = (),
    ) -> None:  # fmt: skip
        """`pagers`: where people are called with the second reminder."""
        self.database, self.policy, self.look_up = database, policy, look_up
        self.notices, self.clock, self.pagers = notices, notices.clock, pagers

    def nudge(self, plan_id: int, number: int) -> None:
        """Remind for the `number`th time, by direct message, and come back later."""
        with self.database.read() as session:
            plan = find_plan(session, plan_id)
        if plan.document is None:
            return
        electorate = find_electorate(self.policy, rule_for(self.policy, plan.document), self.look_up)
        with self.database.write() as session:
            plan = find_plan(session, plan_id, lock=True)
            if plan.state != "pending":  # the reminders before it lose their buttons
                self.notices.refresh(session, *(nudge_key(plan, earlier) for earlier in range(1, number)))
                return
            if plan.expires_at and plan.expires_at > self.clock():
                self._say(session, plan, number, electorate)
            schedule_nudge(session, self.notices.engine, self.policy, plan, number + 1)

    def _say(self, session: Session, plan: Plan, number: int, electorate: Electorate) -> None:
        assert plan.document is not None
        if find_closure(self.policy, plan.document, self.clock()):
            return
        waited_for = list(self._list_waited_for(session, plan, electorate))
        people = [direct_message(key) for key in self._choose_members(session, plan, waited_for)]
        self.notices.say(
            session, "approval_nudge", key=nudge_key(plan, number), to=people,
            incident_id=plan.incident_id, subject_id=plan.id,
        )  # fmt: skip
        if number == NUDGE_THAT_CALLS:
            call_for_approval(session, plan, self.notices, self.pagers)

    def _choose_members(self, session: Session, plan: Plan, people: list[str]) -> list[str]:
        """Whom to ask. About a private incident its members, and others only where these are too few: they become
        members first."""
        incident = session.get(Incident, plan.incident_id, with_for_update=True) if plan.incident_id else None
        if incident is None or not incident.private or plan.document is None:
            return people
        inside = [key for key in people if sees(session, incident.id, key)]
        given = [one for one in list_decisions(session, plan) if one.decision == "approve"]
        if len(inside) + len(given) >= rule_for(self.policy, plan.document).quorum:
            return inside
        why = f"plan {plan.id} waits for approval"
        changes = Changes(self.database, self.policy, self.clock)
        if let_in(session, incident, people, added_by="holdfast", changes=changes, why=why):
            seq = read_last(session, incident.id).seq
            enqueue_follow(session, self.notices, incident, "privacy", "", seq)
        return people

    def _list_waited_for(self, session: Session, plan: Plan, electorate: Electorate) -> Iterator[str]:
        """Keys of those whose approval would count now, as far as that is known."""
        assert plan.document is not None
        rule = rule_for(self.policy, plan.document)
        decisions = list_decisions(session, plan)
        decided = {one.person for one in decisions if one.decision != LAPSED}
        approving = [one for one in decisions if one.decision == "approve"]
        handovers = list_active(session, self.clock())
        for person in self.policy.people:
            if person.key in decided:
                continue
            try:
                powers = find_powers(person.key, electorate, handovers)
                choose_seat(plan, rule, person, powers, approving)
            except Refused:
                continue  # theirs would not count; a reminder that a press refuses would be worse than none
            yield person.key


def nudge_key(plan: Plan, number: int) -> str:
    """Key of the notice that reminds of a plan for the `number`th time."""
    return f"nudge:{plan.id}:{number}"
