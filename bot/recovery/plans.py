"""Plans: asked for, made, decided upon, expired. Every change of state is one conditional update."""

from __future__ import annotations

import hashlib
import logging
from statistics import median
from typing import Any

import sqlalchemy as sa
from pydantic import JsonValue
from sqlalchemy.orm import Session

from bot.comms.notices import Notices
from bot.engine import Engine, seconds_until
from bot.outcome import Failed, Refused
from bot.policy import Person, Policy
from bot.recovery.action import Action, History, World
from bot.recovery.locks import refuse_held
from bot.recovery.registry import find_action, read_parameters
from bot.store import ledger
from bot.store.database import Database
from bot.store.documents import PlanDocument, Prediction
from bot.store.tables import Plan, Run

log = logging.getLogger(__name__)

MAKE, EXPIRE = "make-plan", "expire-plan"


def plan_key(plan_id: int) -> str:
    """Key of the notice that shows a plan."""
    return f"plan:{plan_id}"


def hash_plan(document: PlanDocument) -> str:
    """SHA-256 of the document in its one JSON form."""
    return hashlib.sha256(document.model_dump_json().encode()).hexdigest()


class Plans:
    """Makes plans and lets them expire; what approving does is in `approvals`."""

    def __init__(self, database: Database, engine: Engine, policy: Policy, notices: Notices, world: World) -> None:
        self.database, self.engine, self.policy = database, engine, policy
        self.notices, self.world, self.clock = notices, world, notices.clock

    def request(
        self,
        *,
        person: Person,
        action: str,
        parameters: dict[str, JsonValue],
        place: str,
        incident_id: int | None = None,
    ) -> Plan:
        """Ask for a plan; it is made in the background and shown at `place` (a recipient of notices)."""
        if not self.policy.may_request(person):
            titles = ", ".join(self.policy.roles[role].title for role in self.policy.requesters)
            raise Refused(f"{person.name} may not ask for recovery plans.", f"These roles may: {titles}.")
        chosen = find_action(action)
        target = chosen.target(read_parameters(chosen, parameters))
        with self.database.write() as session:
            refuse_held(session, target)
            plan = Plan(
                action=chosen.name, parameters=parameters, incident_id=incident_id, requested_by=person.key,
                place=place, state="making", target=target, created_at=self.clock(),
            )  # fmt: skip
            session.add(plan)
            session.flush()
            self.notices.say(
                session, "plan", key=plan_key(plan.id), to=[place], incident_id=incident_id, subject_id=plan.id
            )  # fmt: skip
            self.engine.enqueue(session, MAKE, plan.id, key=f"make-plan-{plan.id}")
            return plan

    def make(self, plan_id: int) -> None:
        """The workflow: observe, plan, and ask for approvals."""
        with self.database.read() as session:
            plan = session.get_one(Plan, plan_id)
            history = read_history(session, plan.action, plan.target)
        action = find_action(plan.action)
        try:
            document = draft(action, self.world, plan.parameters, history)
        except (Refused, Failed) as error:
            self._close(plan_id, "making", "refused", error.words)
            return
        except Exception as error:  # the boundary of this surface: whatever it was, the plan must not hang
            log.exception("plan %s could not be made", plan_id)
            self._close(
                plan_id, "making", "refused", f"Unexpected: {type(error).__name__}. The bot's log has the details."
            )
            return
        self._publish(plan_id, document)

    def expire(self, plan_id: int) -> None:
        """The workflow behind a plan's expiry."""
        self._close(plan_id, "pending", "expired", "It was not approved in time. Ask for a new plan.")

    def find(self, plan_id: int) -> Plan:
        with self.database.read() as session:
            plan = session.get(Plan, plan_id)
        if plan is None:
            raise Refused(f"There is no plan {plan_id}.", "`/dr plans` shows the recent ones.")
        return plan

    def list_recent(self, limit: int = 20) -> list[Plan]:
        with self.database.read() as session:
            return list(session.scalars(sa.select(Plan).order_by(Plan.id.desc()).limit(limit)))

    def _publish(self, plan_id: int, document: PlanDocument) -> None:
        rule = self.policy.approvals[document.risk]
        with self.database.write() as session:
            plan = session.get_one(Plan, plan_id, with_for_update=True)
            if plan.state != "making":
                return
            plan.document, plan.hash, plan.state = document, hash_plan(document), "pending"
            plan.expires_at = self.clock() + rule.expires_after
            text = f"Plan {plan.id}: {document.title} on {document.target}; loses {document.loss.words}"
            _record(
                session,
                plan,
                "plan.made",
                plan.requested_by,
                text,
                {"hash": plan.hash, "document": document.model_dump(mode="json")},
            )
            delay_s = seconds_until(plan.expires_at, self.clock())
            self.engine.enqueue(session, EXPIRE, plan.id, key=f"expire-plan-{plan.id}", delay_s=delay_s)
            if rule.quorum == 0:
                start_run(session, plan, self.engine, self.notices)
            self.notices.refresh(session, plan_key(plan.id))

    def _close(self, plan_id: int, before: str, state: str, reason: str) -> None:
        with self.database.write() as session:
            plan = session.get_one(Plan, plan_id, with_for_update=True)
            if plan.state == before:
                end_plan(session, plan, state, reason, self.notices)


def draft(action: Action[Any], world: World, given: dict[str, JsonValue], history: History) -> PlanDocument:
    """What the action would do now."""
    parameters = read_parameters(action, given)
    return action.plan(world, parameters, action.observe(world, parameters), history)


def end_plan(session: Session, plan: Plan, state: str, reason: str, notices: Notices, actor: str = "holdfast") -> None:
    """Put an end to a plan that will not run, in the caller's transaction."""
    plan.state, plan.reason = state, reason
    _record(session, plan, f"plan.{state}", actor, f"Plan {plan.id} ({plan.action}) {state}: {reason}", {})
    session.flush()
    notices.refresh(session, plan_key(plan.id))


def start_run(session: Session, plan: Plan, engine: Engine, notices: Notices) -> Run:
    """The plan has what it needs: one run of it, queued behind others on the same target."""
    plan.state = "approved"
    run = Run(
        plan_id=plan.id, action=plan.action, target=plan.target, incident_id=plan.incident_id,
        place=plan.place, state="queued", created_at=notices.clock(),
    )  # fmt: skip
    session.add(run)
    session.flush()
    _record(session, plan, "run.queued", "holdfast", f"Run {run.id} of plan {plan.id} queued", {"run": run.id})
    engine.enqueue(session, "run", run.id, key=f"run-{run.id}", queue="runs", partition=plan.target)
    notices.say(
        session, "run", key=f"run:{run.id}", to=[plan.place], incident_id=plan.incident_id, subject_id=run.id
    )  # fmt: skip
    return run


def read_history(session: Session, action: str, target: str) -> History:
    """Median of what this installation measured itself, of at most the last twenty good runs."""
    query = sa.select(Run).where(Run.action == action, Run.target == target, Run.state == "done")
    runs = list(session.scalars(query.order_by(Run.id.desc()).limit(20)))
    durations = [
        (run.finished_at - run.started_at).total_seconds() for run in runs if run.finished_at and run.started_at
    ]
    gaps = [
        float(str(run.proof.measured["downtime_s"])) for run in runs if run.proof and "downtime_s" in run.proof.measured
    ]
    return History(duration=_predict(durations), downtime=_predict(gaps))


def _predict(measured_s: list[float]) -> Prediction | None:
    if not measured_s:
        return None
    past = "the last run here" if len(measured_s) == 1 else f"median of {len(measured_s)} runs here"
    return Prediction(seconds=median(measured_s), source=past)


def _record(session: Session, plan: Plan, kind: str, actor: str, text: str, data: dict[str, JsonValue]) -> None:
    ledger.append(
        session, key=f"{kind}:{plan.id}", kind=kind, actor=actor, text=text,
        incident_id=plan.incident_id, data={"plan": plan.id, **data},
    )  # fmt: skip
