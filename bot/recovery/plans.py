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
from bot.incidents.reading import seen_by, sees
from bot.outcome import Failed, Refused
from bot.policy import Person, Policy, rule_for
from bot.recovery.action import Action, Facts, History, Needless, World
from bot.recovery.calls import call_off
from bot.recovery.locks import ANYBODY, Errand, refuse_held
from bot.recovery.registry import find_action, read_parameters
from bot.recovery.rules import describe_blackout, schedule_nudge
from bot.store import ledger
from bot.store.database import STORE_TROUBLE, Database
from bot.store.documents import PlanDocument, Prediction
from bot.store.tables import Plan, Run, RunStep
from bot.words import show_duration

log = logging.getLogger(__name__)

MAKE, EXPIRE = "make-plan", "expire-plan"
ADVANCE = "advance-playbook"
"""The workflow of the room above that a plan's end may concern."""


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
        preview: bool = False,
    ) -> Plan:
        """Ask for a plan; it is made in the background and shown at `place` (a recipient of notices).

        A `preview` is to be read only: there is nothing to approve, and who works there meanwhile does not matter.
        """
        refuse_requests(self.policy, person)
        with self.database.write() as session:
            return self.ask(
                session, requested_by=person.key, action=action, parameters=parameters, place=place,
                incident_id=incident_id, preview=preview,
            )  # fmt: skip

    def ask(
        self,
        session: Session,
        *,
        requested_by: str,
        action: str,
        parameters: dict[str, JsonValue],
        place: str,
        incident_id: int | None = None,
        preview: bool = False,
        playbook_run_id: int | None = None,
    ) -> Plan:
        """The same in the caller's transaction, for somebody who is known to be allowed to."""
        chosen = find_action(action)
        wanted = read_parameters(chosen, parameters)
        target = chosen.target(wanted)
        if not preview:
            reader = requested_by if playbook_run_id is None else ANYBODY  # a playbook's words are for its whole room
            things, errand = chosen.touches(self.policy, wanted), Errand(incident_id, chosen.risk)
            refuse_held(session, things, playbook_run_id, reader=reader, errand=errand)
        plan = Plan(
            action=chosen.name, parameters=wanted.model_dump(mode="json"), incident_id=incident_id,
            requested_by=requested_by, place=place, state="making", target=target, created_at=self.clock(),
            preview=preview, playbook_run_id=playbook_run_id,
        )  # fmt: skip
        self._add(session, plan)
        self.engine.enqueue(session, MAKE, plan.id, key=f"make-plan-{plan.id}")
        return plan

    def propose(
        self, session: Session, person: Person, document: PlanDocument, *, place: str, incident_id: int | None
    ) -> Plan:
        """A plan whose document is there already, to be approved like any other, in the caller's transaction."""
        plan = Plan(
            action=document.action, parameters=document.parameters, incident_id=incident_id, requested_by=person.key,
            place=place, state="making", target=document.target, created_at=self.clock(), preview=False,
        )  # fmt: skip
        self._add(session, plan)
        self._open(session, plan, document)
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
            state = "needless" if isinstance(error, Needless) else "refused"
            self._close(plan_id, "making", state, self.world.redactor.redact(error.words))
            return
        except STORE_TROUBLE:
            raise
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

    def find(self, plan_id: int, viewer: str | None = None) -> Plan:
        """Raises `Refused` where there is none, or the viewer may not know of it; None is the bot itself."""
        with self.database.read() as session:
            plan = session.get(Plan, plan_id)
            if plan is None or not sees(session, plan.incident_id, viewer):
                raise Refused(f"There is no plan {plan_id}.", "`/dr plans` shows the recent ones.")
            return plan

    def list_recent(self, limit: int = 20, viewer: str | None = None) -> list[Plan]:
        query = sa.select(Plan).where(seen_by(Plan.incident_id, viewer))
        with self.database.read() as session:
            return list(session.scalars(query.order_by(Plan.id.desc()).limit(limit)))

    def _add(self, session: Session, plan: Plan) -> None:
        session.add(plan)
        session.flush()
        self.notices.say(
            session, "plan", key=plan_key(plan.id), to=[plan.place], incident_id=plan.incident_id, subject_id=plan.id
        )  # fmt: skip

    def _publish(self, plan_id: int, document: PlanDocument) -> None:
        with self.database.write() as session:
            plan = session.get_one(Plan, plan_id, with_for_update=True)
            if plan.state == "making":
                self._open(session, plan, document)

    def _open(self, session: Session, plan: Plan, document: PlanDocument) -> None:
        """The document is there: write it down, and ask for what it needs."""
        plan.document, plan.hash = document, hash_plan(document)
        plan.state = "preview" if plan.preview else "pending"
        text = f"Plan {plan.id}: {document.title} on {document.target}; loses {document.loss.words}"
        data: Facts = {"hash": plan.hash, "document": document.model_dump(mode="json"), "preview": plan.preview}
        _record(session, plan, "plan.made", plan.requested_by, text, data)
        if not plan.preview:
            self._ask(session, plan, document)
        self.notices.refresh(session, plan_key(plan.id))

    def _ask(self, session: Session, plan: Plan, document: PlanDocument) -> None:
        rule = rule_for(self.policy, document)
        plan.expires_at = self.clock() + rule.expires_after
        delay_s = seconds_until(plan.expires_at, self.clock())
        self.engine.enqueue(session, EXPIRE, plan.id, key=f"expire-plan-{plan.id}", delay_s=delay_s)
        closed = describe_blackout(self.policy, document, self.clock())
        if rule.quorum:
            schedule_nudge(session, self.engine, self.policy, plan, 1)
        elif closed:
            end_plan(
                session, plan, "refused", f"No run may start now: {closed}. Ask for a new plan then.", self.notices
            )
        else:
            start_run(session, plan, self.engine, self.notices)

    def _close(self, plan_id: int, before: str, state: str, reason: str) -> None:
        with self.database.write() as session:
            plan = session.get_one(Plan, plan_id, with_for_update=True)
            if plan.state == before:
                end_plan(session, plan, state, reason, self.notices)


def draft(action: Action[Any], world: World, given: dict[str, JsonValue], history: History) -> PlanDocument:
    """What the action would do now."""
    parameters = read_parameters(action, given)
    return redact_document(action.plan(world, parameters, action.observe(world, parameters), history), world)


def redact_document(document: PlanDocument, world: World) -> PlanDocument:
    """Its words without what a query, a program or an error had in them; what was observed is compared, and stays."""
    words: Any = world.redactor.redact_all(document.model_dump(mode="json", include={"title", "notes", "way_back"}))
    loss = document.loss.model_copy(update={"words": world.redactor.redact(document.loss.words)})
    return document.model_copy(update={**words, "loss": loss})


def end_plan(session: Session, plan: Plan, state: str, reason: str, notices: Notices, actor: str = "holdfast") -> None:
    """Put an end to a plan that will not run, in the caller's transaction."""
    plan.state, plan.reason = state, reason
    _record(session, plan, f"plan.{state}", actor, f"Plan {plan.id} ({plan.action}) {state}: {reason}", {})
    session.flush()
    notices.refresh(session, plan_key(plan.id))
    call_off(session, plan, notices)
    if plan.playbook_run_id:
        _advance(session, plan, plan.playbook_run_id, notices.engine)


def start_run(session: Session, plan: Plan, engine: Engine, notices: Notices) -> Run | None:
    """The plan has what it needs: one run of it, queued behind others on the same target.

    Where the plan is that of a playbook, that goes on instead, and there is no run.
    """
    plan.state = "approved"
    call_off(session, plan, notices)
    if plan.document and plan.document.playbook:
        _advance(session, plan, plan.document.playbook, engine)
        return None
    if plan.document and plan.document.continues:
        return _go_on(session, plan, plan.document.continues, engine, notices)
    run = Run(
        plan_id=plan.id, action=plan.action, target=plan.target, incident_id=plan.incident_id,
        place=plan.place, state="queued", created_at=notices.clock(), attempt=0,
    )  # fmt: skip
    session.add(run)
    session.flush()
    _record(session, plan, "run.queued", "holdfast", f"Run {run.id} of plan {plan.id} queued", {"run": run.id})
    notices.say(
        session, "run", key=f"run:{run.id}", to=[plan.place], incident_id=plan.incident_id, subject_id=run.id
    )  # fmt: skip
    queue_run(session, run, engine, notices)
    return run


def queue_run(session: Session, run: Run, engine: Engine, notices: Notices) -> None:
    """Let a run begin, or go on after it stopped, in the caller's transaction."""
    run.attempt += 1
    run.state, run.words, run.finished_at = "queued", "", None
    key = f"run-{run.id}" if run.attempt == 1 else f"run-{run.id}-{run.attempt}"
    engine.enqueue(session, "run", run.id, key=key, queue="runs", partition=run.target)
    session.flush()
    if run.attempt > 1:  # of the first, the notice has just been said
        notices.refresh(session, f"run:{run.id}", f"summary:{run.incident_id}")


def _advance(session: Session, plan: Plan, playbook_run_id: int, engine: Engine) -> None:
    engine.enqueue(session, ADVANCE, playbook_run_id, key=f"playbook-plan-{plan.id}-{plan.state}")


def _go_on(session: Session, plan: Plan, run_id: int, engine: Engine, notices: Notices) -> Run:
    """What was approved is that a run goes on without a step."""
    run = session.get_one(Run, run_id, with_for_update=True)
    stopped = sa.select(RunStep).where(RunStep.run_id == run_id, RunStep.state == "failed")
    step = session.scalar(stopped)
    if plan.document is None or step is None or step.name != plan.document.skips or run.state == "queued":
        raise Refused(f"Run {run_id} does not stand at that step any more.", f"`/dr run {run_id}` shows it.")
    step.state, step.output, step.words = "skipped", {"skipped": True}, "left out, as approved"
    text = f"Run {run_id} goes on without “{step.title}”, by plan {plan.id}"
    _record(session, plan, "run.step.skipped", "holdfast", text, {"run": run_id, "step": step.name})
    queue_run(session, run, engine, notices)
    return run


def read_history(session: Session, action: str, target: str) -> History:
    """What this installation measured itself, of at most the last twenty good runs that went through at once."""
    query = sa.select(Run).where(Run.action == action, Run.target == target, Run.state == "done", Run.attempt == 1)
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
    count, worst_s = len(measured_s), max(measured_s)
    past = "the last run here" if count == 1 else f"median of {count} runs here, the worst {show_duration(worst_s)}"
    return Prediction(seconds=median(measured_s), source=past, worst_s=worst_s, runs=count)


def refuse_requests(policy: Policy, person: Person) -> None:
    """Raises `Refused` for people who may not ask for recovery plans."""
    if not policy.may_request(person):
        titles = ", ".join(policy.roles[role].title for role in policy.requesters)
        raise Refused(f"{person.name} may not ask for recovery plans.", f"These roles may: {titles}.")


def _record(session: Session, plan: Plan, kind: str, actor: str, text: str, data: dict[str, JsonValue]) -> None:
    ledger.append(
        session, key=f"{kind}:{plan.id}", kind=kind, actor=actor, text=text,
        incident_id=plan.incident_id, data={"plan": plan.id, **data},
    )  # fmt: skip
