"""Approvals: who may, once each, bound to exactly the plan that was shown.

One transaction decides: the plan's row is locked (on SQLite the whole database is), so eight people pressing at the
same instant start one run.
"""

from __future__ import annotations

from typing import Literal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.comms.notices import Notices
from bot.engine import Engine
from bot.outcome import Refused
from bot.policy import ApprovalRule, Person, Policy
from bot.recovery.plans import end_plan, plan_key, start_run
from bot.store import ledger
from bot.store.database import Database
from bot.store.tables import Approval, Plan, Run

Decision = Literal["approve", "deny"]
ASK_AGAIN = "Ask for a new plan."


class Approvals:
    """Takes decisions about plans."""

    def __init__(self, database: Database, engine: Engine, policy: Policy, notices: Notices) -> None:
        self.database, self.engine, self.policy = database, engine, policy
        self.notices, self.clock = notices, notices.clock

    def check(self, plan_id: int, plan_hash: str, person: Person) -> Plan:
        """Whether this person's approval would count; raises `Refused` with the reason, which the ledger keeps."""
        try:
            with self.database.read() as session:
                plan = _known(session.get(Plan, plan_id), plan_id)
                self._refuse(session, plan, plan_hash, person, "approve")
                return plan
        except Refused as refusal:
            self._record_refusal(plan_id, person, "approve", refusal)
            raise

    def decide(
        self, plan_id: int, plan_hash: str, person: Person, decision: Decision, typed: str | None = None
    ) -> Run | None:
        """Record the decision; the run, when it was the last approval needed. Raises `Refused`: nothing changed."""
        try:
            return self._decide(plan_id, plan_hash, person, decision, typed)
        except Refused as refusal:
            self._record_refusal(plan_id, person, decision, refusal)
            raise

    def _decide(
        self, plan_id: int, plan_hash: str, person: Person, decision: Decision, typed: str | None
    ) -> Run | None:
        with self.database.write() as session:
            plan = _known(session.get(Plan, plan_id, with_for_update=True), plan_id)
            rule = self._refuse(session, plan, plan_hash, person, decision)
            if decision == "approve":
                _refuse_mistyped(plan, rule, typed)
            now = self.clock()
            session.add(Approval(plan_id=plan.id, person=person.key, decision=decision, plan_hash=plan.hash, at=now))
            session.flush()
            self._record(session, plan, person, decision)
            if decision == "deny":
                end_plan(session, plan, "denied", f"{person.name} denied it. {ASK_AGAIN}", self.notices, person.key)
                return None
            run = None
            if self._count(session, plan) >= rule.quorum:
                run = start_run(session, plan, self.engine, self.notices)
            session.flush()
            self.notices.refresh(session, plan_key(plan.id))
            return run

    def _refuse(self, session: Session, plan: Plan, plan_hash: str, person: Person, decision: Decision) -> ApprovalRule:
        """Every reason why this press must change nothing."""
        if plan.state != "pending" or plan.document is None or plan.expires_at is None:
            raise Refused(
                f"Plan {plan.id} is {plan.state}; your press changed nothing.", plan.reason or _meanwhile(plan)
            )
        if plan.expires_at <= self.clock():
            raise Refused(f"Plan {plan.id} has expired; your press changed nothing.", ASK_AGAIN)
        if plan.hash != plan_hash:
            raise Refused(f"This button belongs to another version of plan {plan.id}.", "Use the newest message.")
        rule = self.policy.approvals[plan.document.risk]
        if decision == "deny" and person.key == plan.requested_by:
            return rule
        people = self.policy.who_may_approve(plan.document.risk)
        if person.key not in {one.key for one in people}:
            names = ", ".join(one.name for one in people)
            raise Refused(f"{person.name} may not decide about {plan.document.risk} plans.", f"These may: {names}.")
        if person.key == plan.requested_by and not rule.requester_may_approve:
            raise Refused("You asked for this plan, so somebody else must approve it.", "You can deny it.")
        earlier = session.scalar(_decisions(plan).where(Approval.person == person.key))
        if earlier is not None:
            missing = rule.quorum - self._count(session, plan)
            raise Refused(
                "You have decided about this plan already.", f"{missing} more approval(s) needed from others."
            )
        return rule

    def _count(self, session: Session, plan: Plan) -> int:
        given = _decisions(plan).where(Approval.decision == "approve").subquery()
        return session.scalar(sa.select(sa.func.count()).select_from(given)) or 0

    def _record(self, session: Session, plan: Plan, person: Person, decision: Decision) -> None:
        verb = "approved" if decision == "approve" else "denied"
        ledger.append(
            session, key=f"approval:{plan.id}:{person.key}", kind=f"approval.{verb}", actor=person.key,
            text=f"{person.name} {verb} plan {plan.id}", incident_id=plan.incident_id,
            data={"plan": plan.id, "hash": plan.hash},
        )  # fmt: skip

    def _record_refusal(self, plan_id: int, person: Person, decision: Decision, refusal: Refused) -> None:
        with self.database.write() as session:
            plan = session.get(Plan, plan_id)
            ledger.append(
                session, kind="approval.refused", actor=person.key,
                text=f"{person.name} pressed {decision} on plan {plan_id}: {refusal.reason}",
                incident_id=plan.incident_id if plan else None, data={"plan": plan_id},
            )  # fmt: skip


def _decisions(plan: Plan) -> sa.Select[Approval]:
    return sa.select(Approval).where(Approval.plan_id == plan.id)


def _known(plan: Plan | None, plan_id: int) -> Plan:
    if plan is None:
        raise Refused(f"There is no plan {plan_id}.", ASK_AGAIN)
    return plan


def _refuse_mistyped(plan: Plan, rule: ApprovalRule, typed: str | None) -> None:
    expected = plan.document.confirm if plan.document else None
    if rule.typed_confirmation and expected is not None and (typed or "").strip() != expected:
        raise Refused(f"What was typed is not the name of the target, {expected}.", "Nothing was approved.")


def _meanwhile(plan: Plan) -> str:
    return "Its run has been started." if plan.state == "approved" else ASK_AGAIN
