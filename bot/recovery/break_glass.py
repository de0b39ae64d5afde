"""Breaking the glass: one person alone starts a plan, with a reason, before everybody's eyes.

Nothing but the people is left out: the plan must be the one that was shown, still open, and its target typed.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from bot.comms.notices import Address, Notices, direct_message, incident_room, slack_channel
from bot.engine import Engine
from bot.incidents.text import clean_line
from bot.outcome import Refused
from bot.policy import Person, Policy
from bot.recovery.approvals import refuse_mistyped
from bot.recovery.calls import call_because_of_break_glass
from bot.recovery.decisions import find_plan, record_refusal, require_open, write_decision
from bot.recovery.plans import plan_key, start_run
from bot.store import ledger
from bot.store.database import Database
from bot.store.documents import PlanDocument
from bot.store.tables import Plan, Run

REASON_LIMIT = 500
VERB = "break glass"


class BreakGlass:
    """Starts plans for a person who is alone, where the policy lets them."""

    def __init__(
        self, database: Database, engine: Engine, policy: Policy, notices: Notices, pagers: Sequence[Address] = ()
    ) -> None:
        """`pagers`: where people are called as well."""
        self.database, self.engine, self.policy = database, engine, policy
        self.notices, self.clock, self.pagers = notices, notices.clock, pagers

    def check(self, plan_id: int, plan_hash: str, person: Person) -> Plan:
        """Whether this person could start the plan alone. Raises `Refused`, which the ledger keeps."""
        try:
            with self.database.read() as session:
                plan = find_plan(session, plan_id, viewer=person.key)
                self._refuse(require_open(plan, plan_hash, self.clock()), person)
                return plan
        except Refused as refusal:
            record_refusal(self.database, plan_id, person, VERB, refusal)
            raise

    def start(self, plan_id: int, plan_hash: str, person: Person, *, reason: str, typed: str | None) -> Run | None:
        """Start the plan alone, tell everybody, and leave the post-mortem a question. Raises `Refused`.

        Gives its run; None where the plan is a playbook's, which goes on by itself.
        """
        try:
            with self.database.write() as session:
                plan = find_plan(session, plan_id, lock=True, viewer=person.key)
                document = require_open(plan, plan_hash, self.clock())
                self._refuse(document, person)
                refuse_mistyped(document.confirm or document.target, typed)
                return self._start(session, plan, person, self._clean(reason))
        except Refused as refusal:
            record_refusal(self.database, plan_id, person, VERB, refusal)
            raise

    def _refuse(self, document: PlanDocument, person: Person) -> None:
        glass = self.policy.break_glass
        if not glass.covers(document.risk):
            raise Refused(f"The policy lets nobody start {document.risk} plans alone.", "Others must approve it.")
        people = self.policy.holders_of(*glass.roles)
        if person.key not in {one.key for one in people}:
            names = ", ".join(one.name for one in people)
            raise Refused(f"{person.name} may not start plans alone.", f"These may: {names}.")

    def _clean(self, reason: str) -> str:
        words = clean_line(reason, "the reason", REASON_LIMIT, "Nobody else answers the phone, bags pile up")
        shortest = self.policy.break_glass.shortest_reason
        if len(words) < shortest:
            raise Refused(f"The reason is too short: it takes {shortest} characters.", "Nothing was started.")
        return words

    def _start(self, session: Session, plan: Plan, person: Person, reason: str) -> Run | None:
        write_decision(session, plan, person, "break_glass", self.clock(), reason=reason)
        ledger.append(
            session, key=f"approval.break_glass:{plan.id}", kind="approval.break_glass", actor=person.key,
            text=f"{person.name} broke the glass and started plan {plan.id} alone: {reason}",
            incident_id=plan.incident_id, data={"plan": plan.id, "hash": plan.hash, "reason": reason},
        )  # fmt: skip
        run = start_run(session, plan, self.engine, self.notices)
        session.flush()
        self._tell(session, plan, person)
        call_because_of_break_glass(session, plan, self.notices, self.pagers, person.name, reason)
        self.notices.refresh(session, plan_key(plan.id))
        return run

    def _tell(self, session: Session, plan: Plan, person: Person) -> None:
        rooms = [slack_channel(self.policy.slack.incidents_channel)]
        if plan.incident_id is not None:
            rooms.append(incident_room(plan.incident_id))
        team = [direct_message(one.key) for one in self.policy.people if one.key != person.key]
        self.notices.say(
            session, "break_glass", key=f"break_glass:{plan.id}", to=[*rooms, *team],
            incident_id=plan.incident_id, subject_id=plan.id,
        )  # fmt: skip
