"""Approvals: who may, once each, bound to exactly the plan that was shown.

One transaction decides: the plan's row is locked (on SQLite the whole database is), so eight people pressing at the
same instant start one run. The press that completes the quorum and the start of the run are that one transaction, so
nothing of what was checked can change in between.
"""

from __future__ import annotations

from typing import Literal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.comms.notices import Notices
from bot.engine import Engine
from bot.incidents.reading import seen_by
from bot.outcome import Refused
from bot.policy import Person, Policy, rule_for
from bot.recovery.decisions import (
    ASK_AGAIN,
    LAPSED,
    find_plan,
    list_decisions,
    record_refusal,
    require_open,
    write_decision,
)
from bot.recovery.electorate import Electorate, GroupLookup, find_electorate, know_no_group
from bot.recovery.handovers import list_active
from bot.recovery.plans import end_plan, plan_key, start_run
from bot.recovery.rules import refuse_blackout
from bot.recovery.seats import choose_seat, count_seats, find_powers
from bot.store import ledger
from bot.store.database import Database
from bot.store.documents import PlanDocument
from bot.store.tables import Approval, Plan, Run

Decision = Literal["approve", "deny"]


class Approvals:
    """Takes decisions about plans."""

    def __init__(
        self,
        database: Database,
        engine: Engine,
        policy: Policy,
        notices: Notices,
        look_up: GroupLookup = know_no_group,
    ) -> None:
        self.database, self.engine, self.policy = database, engine, policy
        self.notices, self.clock, self.look_up = notices, notices.clock, look_up

    def check(self, plan_id: int, plan_hash: str, person: Person) -> Plan:
        """Whether this person's approval would count; raises `Refused` with the reason, which the ledger keeps."""
        try:
            electorate = self._find_electorate(plan_id)
            with self.database.read() as session:
                plan = find_plan(session, plan_id, viewer=person.key)
                self._find_seat(session, plan, require_open(plan, plan_hash, self.clock()), person, electorate)
                return plan
        except Refused as refusal:
            record_refusal(self.database, plan_id, person, "approve", refusal)
            raise

    def decide(
        self, plan_id: int, plan_hash: str, person: Person, decision: Decision, typed: str | None = None
    ) -> Run | None:
        """Record the decision; the run, when it was the last approval needed. Raises `Refused`: nothing changed."""
        try:
            electorate = self._find_electorate(plan_id)
            with self.database.write() as session:
                plan = find_plan(session, plan_id, lock=True, viewer=person.key)
                document = require_open(plan, plan_hash, self.clock())
                if decision == "deny":
                    self._deny(session, plan, document, person, electorate)
                    return None
                return self._approve(session, plan, document, person, electorate, typed)
        except Refused as refusal:
            record_refusal(self.database, plan_id, person, decision, refusal)
            raise

    def list_waiting(self, viewer: str | None = None) -> list[Plan]:
        """The plans that wait for approvals now, the oldest first; those that the viewer may know of."""
        query = sa.select(Plan).where(Plan.state == "pending", seen_by(Plan.incident_id, viewer))
        with self.database.read() as session:
            plans = session.scalars(query.order_by(Plan.id))
            return [plan for plan in plans if plan.expires_at and plan.expires_at > self.clock()]

    def list_waiting_for(self, person: Person) -> list[Plan]:
        """Those of them that this person's approval would bring on."""
        return [plan for plan in self.list_waiting(person.key) if self._would_count(plan, person)]

    def count_given(self, plan_id: int) -> int:
        """How many approvals a plan has."""
        with self.database.read() as session:
            return len(_approving(session, find_plan(session, plan_id)))

    def _would_count(self, plan: Plan, person: Person) -> bool:
        assert plan.document is not None  # waiting plans have one
        electorate = self._find_electorate(plan.id)
        try:
            with self.database.read() as session:
                self._find_seat(session, plan, plan.document, person, electorate)
        except Refused:
            return False
        return True

    def _find_electorate(self, plan_id: int) -> Electorate:
        """Who may decide about the plan. Asks Slack where user groups may, so never inside a transaction."""
        with self.database.read() as session:
            document = find_plan(session, plan_id).document
        if document is None:
            return Electorate(frozenset(), {})
        return find_electorate(self.policy, rule_for(self.policy, document), self.look_up)

    def _deny(
        self, session: Session, plan: Plan, document: PlanDocument, person: Person, electorate: Electorate
    ) -> None:
        if person.key != plan.requested_by:
            self._find_powers(session, document, person, electorate)
        self._refuse_second(session, plan, document, person)
        write_decision(session, plan, person, "deny", self.clock())
        self._record(session, plan, person, "denied")
        end_plan(session, plan, "denied", f"{person.name} denied it. {ASK_AGAIN}", self.notices, person.key)

    def _approve(
        self,
        session: Session,
        plan: Plan,
        document: PlanDocument,
        person: Person,
        electorate: Electorate,
        typed: str | None,
    ) -> Run | None:
        owner = self._find_seat(session, plan, document, person, electorate)
        rule = rule_for(self.policy, document)
        if rule.typed_confirmation:
            refuse_mistyped(document.confirm, typed)
        write_decision(session, plan, person, "approve", self.clock(), owner=owner)
        self._record(session, plan, person, "approved", owner)
        run = start_run(session, plan, self.engine, self.notices) if self._suffices(session, plan, electorate) else None
        session.flush()
        self.notices.refresh(session, plan_key(plan.id))
        return run

    def _find_seat(
        self, session: Session, plan: Plan, document: PlanDocument, person: Person, electorate: Electorate
    ) -> str:
        """Owner of the seat that an approval would take, or every reason why it must change nothing."""
        powers = self._find_powers(session, document, person, electorate)
        self._refuse_second(session, plan, document, person)
        owner = choose_seat(plan, rule_for(self.policy, document), person, powers, _approving(session, plan))
        refuse_blackout(self.policy, document, self.clock())
        return owner

    def _find_powers(
        self, session: Session, document: PlanDocument, person: Person, electorate: Electorate
    ) -> list[str]:
        powers = find_powers(person.key, electorate, list_active(session, self.clock()))
        if not powers:
            raise Refused(
                f"{person.name} may not decide about {document.risk} plans.",
                f"These may: {electorate.describe(self.policy)}.",
            )
        return powers

    def _refuse_second(self, session: Session, plan: Plan, document: PlanDocument, person: Person) -> None:
        decided = [one for one in list_decisions(session, plan) if one.decision != LAPSED]
        if person.key in {one.person for one in decided}:
            missing = rule_for(self.policy, document).quorum - len(_approving(session, plan))
            raise Refused(
                "You have decided about this plan already.", f"{missing} more approval(s) needed from others."
            )

    def _suffices(self, session: Session, plan: Plan, electorate: Electorate) -> bool:
        """Whether the quorum is there. Raises `Refused` where that hangs on a group that cannot be looked up."""
        assert plan.document is not None
        rule = rule_for(self.policy, plan.document)
        count = count_seats(self.policy, plan, rule, electorate, _approving(session, plan))
        for approval in count.lapsed:
            self._lapse(session, plan, approval)
        if len(count.valid) >= rule.quorum:
            return True
        if len(count.valid) + len(count.unknown) >= rule.quorum:
            raise count.unknown[0]
        return False

    def _lapse(self, session: Session, plan: Plan, approval: Approval) -> None:
        approval.decision = LAPSED
        ledger.append(
            session, kind="approval.lapsed", actor="holdfast", incident_id=plan.incident_id, data={"plan": plan.id},
            text=f"The approval of plan {plan.id} by {self._name(approval.person)} does not count any more",
        )  # fmt: skip

    def _record(self, session: Session, plan: Plan, person: Person, verb: str, owner: str | None = None) -> None:
        for_whom = f" for {self._name(owner)}" if owner and owner != person.key else ""
        ledger.append(
            session, kind=f"approval.{verb}", actor=person.key, text=f"{person.name} {verb} plan {plan.id}{for_whom}",
            incident_id=plan.incident_id, data={"plan": plan.id, "hash": plan.hash, "for": owner or person.key},
        )  # fmt: skip

    def _name(self, key: str) -> str:
        person = self.policy.person(key)
        return person.name if person else key


def refuse_mistyped(expected: str | None, typed: str | None) -> None:
    """Raises `Refused` where what was typed is not exactly the name of the target."""
    if expected is not None and (typed or "").strip() != expected:
        raise Refused(f"What was typed is not the name of the target, {expected}.", "Nothing was approved.")


def _approving(session: Session, plan: Plan) -> list[Approval]:
    return [one for one in list_decisions(session, plan) if one.decision == "approve"]
