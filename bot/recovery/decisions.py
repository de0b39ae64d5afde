"""What every decision about a plan has in common: the plan must be open, and what is decided or refused is kept."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.incidents.reading import sees
from bot.outcome import Refused
from bot.policy import Person
from bot.store import ledger
from bot.store.database import Database
from bot.store.documents import PlanDocument
from bot.store.tables import Approval, Plan

ASK_AGAIN = "Ask for a new plan."
LAPSED = "lapsed"


def find_plan(session: Session, plan_id: int, *, lock: bool = False, viewer: str | None = None) -> Plan:
    """The plan; with `lock` nobody else decides about it before the caller's transaction ends.

    Raises `Refused` where there is none, or the viewer may not know of it.
    """
    plan = session.get(Plan, plan_id, with_for_update=lock or None)
    if plan is None or not sees(session, plan.incident_id, viewer):
        raise Refused(f"There is no plan {plan_id}.", ASK_AGAIN)
    return plan


def require_open(plan: Plan, plan_hash: str, now: datetime) -> PlanDocument:
    """The plan's document. Raises `Refused` where the plan is decided, too old, or not the one that was shown."""
    if plan.state != "pending" or plan.document is None or plan.expires_at is None:
        raise Refused(f"Plan {plan.id} is {plan.state}; your press changed nothing.", plan.reason or _meanwhile(plan))
    if plan.expires_at <= now:
        raise Refused(f"Plan {plan.id} has expired; your press changed nothing.", ASK_AGAIN)
    if plan.hash != plan_hash:
        raise Refused(f"This button belongs to another version of plan {plan.id}.", "Use the newest message.")
    return plan.document


def list_decisions(session: Session, plan: Plan) -> list[Approval]:
    """Everything that was decided about a plan, oldest first."""
    return list(session.scalars(sa.select(Approval).where(Approval.plan_id == plan.id).order_by(Approval.id)))


def write_decision(
    session: Session, plan: Plan, person: Person, decision: str, now: datetime,
    *, owner: str | None = None, reason: str | None = None,
) -> Approval:  # fmt: skip
    """Keep a person's decision, in the place of an earlier one of theirs. `owner` is whose seat it takes."""
    query = sa.select(Approval).where(Approval.plan_id == plan.id, Approval.person == person.key)
    row = session.scalar(query) or Approval(plan_id=plan.id, person=person.key)
    row.decision, row.plan_hash, row.at, row.reason = decision, plan.hash, now, reason
    row.on_behalf_of = owner if owner != person.key else None
    session.add(row)
    session.flush()
    return row


def record_refusal(database: Database, plan_id: int, person: Person, verb: str, refusal: Refused) -> None:
    """The ledger keeps what did not count, too."""
    with database.write() as session:
        plan = session.get(Plan, plan_id)
        ledger.append(
            session, kind="approval.refused", actor=person.key,
            text=f"{person.name} pressed {verb} on plan {plan_id}: {refusal.reason}",
            incident_id=plan.incident_id if plan else None, data={"plan": plan_id},
        )  # fmt: skip


def _meanwhile(plan: Plan) -> str:
    return "Its run has been started." if plan.state == "approved" else ASK_AGAIN
