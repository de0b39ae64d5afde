"""Runs: one approved plan, step by step, each recorded before and after; killed anywhere, it goes on.

The workflow may be started again at any point. What a step did before a crash is seen by looking at the world
(`Step.happened`), never by doing it a second time.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from pydantic import JsonValue
from sqlalchemy.orm import Session

from bot.comms.notices import Notices
from bot.outcome import Cancelled, Failed, Refused
from bot.policy import Person, Policy
from bot.recovery.action import Action, Context, Evidence, Facts, Step, World
from bot.recovery.locks import release_lock, take_lock
from bot.recovery.plans import end_plan
from bot.recovery.proof import build_proof
from bot.recovery.registry import find_action, read_parameters
from bot.store import ledger
from bot.store.database import Database
from bot.store.tables import Incident, Plan, Run, RunStep

log = logging.getLogger(__name__)

WORKFLOW = "run"
UNDER_WAY = ("queued", "running", "cancelling")
PROGRESS_EVERY_S = 1.0
CANCEL_LOOK_EVERY_S = 0.5


class Runs:
    """Executes runs and takes the wish to cancel them."""

    def __init__(self, database: Database, policy: Policy, notices: Notices, world: World) -> None:
        self.database, self.policy, self.notices = database, policy, notices
        self.world, self.clock = world, notices.clock

    def execute(self, run_id: int) -> None:
        """The workflow. It always ends with the run in a final state, or is started again after a crash."""
        run, plan = self._load(run_id)
        if run.state not in UNDER_WAY or plan.document is None:
            return
        action = find_action(run.action)
        context = self._context(run, plan, action)
        try:
            self._begin(run, action, context)
            for index, step in enumerate(action.steps()):
                self._perform(run, index, step, context)
            self._prove(run, action, context)
        except Refused as refusal:
            self._stop(run, "refused", refusal.words, action, context)
        except Cancelled:
            self._stop(run, "cancelled", "Cancelled; what was under way has stopped.", action, context)
        except Failed as failure:
            self._stop(run, "failed", failure.words, action, context)
        except Exception as error:  # the boundary of this surface: a run must end in words, not in silence
            reference = uuid.uuid4().hex[:8]
            log.exception("run %s failed, reference %s", run_id, reference)
            words = f"Unexpected: {type(error).__name__}. Reference {reference} finds the details in the bot's log."
            self._stop(run, "failed", words, action, context)

    def cancel(self, run_id: int, person: Person) -> Run:
        """Ask a run to stop; it is cancelled only once what is under way has stopped (design, rule 6)."""
        with self.database.write() as session:
            run = session.get(Run, run_id, with_for_update=True)
            if run is None:
                raise Refused(f"There is no run {run_id}.", "`/dr runs` shows the recent ones.")
            plan = session.get_one(Plan, run.plan_id)
            self._refuse_stranger(person, plan)
            if run.state not in ("queued", "running"):
                raise Refused(f"Run {run_id} is {run.state}; your press changed nothing.")
            run.state, run.cancel_requested_by = "cancelling", person.key
            _record(session, run, "run.cancelling", f"{person.name} asked to cancel run {run_id}", actor=person.key)
            self._show(session, run)
            return run

    def find(self, run_id: int) -> Run:
        with self.database.read() as session:
            run = session.get(Run, run_id)
        if run is None:
            raise Refused(f"There is no run {run_id}.", "`/dr runs` shows the recent ones.")
        return run

    def list_steps(self, run_id: int) -> list[RunStep]:
        query = sa.select(RunStep).where(RunStep.run_id == run_id).order_by(RunStep.index)
        with self.database.read() as session:
            return list(session.scalars(query))

    def list_recent(self, limit: int = 20) -> list[Run]:
        with self.database.read() as session:
            return list(session.scalars(sa.select(Run).order_by(Run.id.desc()).limit(limit)))

    def _refuse_stranger(self, person: Person, plan: Plan) -> None:
        risk = plan.document.risk if plan.document else "low"
        may = {one.key for one in self.policy.who_may_approve(risk)} | {plan.requested_by}
        if person.key not in may:
            raise Refused(f"{person.name} may not cancel run of plan {plan.id}.", "Its requester or an approver may.")

    def _load(self, run_id: int) -> tuple[Run, Plan]:
        with self.database.read() as session:
            run = session.get_one(Run, run_id)
            return run, session.get_one(Plan, run.plan_id)

    def _context(self, run: Run, plan: Plan, action: Action[Any]) -> Context[Any]:
        assert plan.document is not None
        with self.database.read() as session:
            done = sa.select(RunStep).where(RunStep.run_id == run.id, RunStep.state == "done")
            outputs = {step.name: step.output for step in session.scalars(done)}
        return Context(
            world=self.world,
            run_id=run.id,
            mark=f"run{run.id}-{int(run.created_at.timestamp()):x}",
            parameters=read_parameters(action, plan.parameters),
            plan=plan.document,
            progress=lambda words: None,
            cancelled=_at_most_every(CANCEL_LOOK_EVERY_S, lambda: self._is_cancelling(run.id)),
            outputs=outputs,
        )

    def _begin(self, run: Run, action: Action[Any], context: Context[Any]) -> None:
        """Once per run: take the lock, look at the world again, and write the steps down."""
        if self._has_steps(run.id):
            return
        with self.database.write() as session:
            take_lock(
                session, run.target, run_id=run.id, holder=self._requester(session, run),
                reason=context.plan.title, now=self.clock(),
            )  # fmt: skip
            row = session.get_one(Run, run.id, with_for_update=True)
            row.started_at = row.started_at or self.clock()
            row.state = "running" if row.state == "queued" else row.state
            self._show(session, row)
        moved = action.moved(context.plan.observed, action.observe(self.world, context.parameters))
        if moved:
            self._void(run, moved)
            raise Refused(
                f"The world has moved since the plan was approved: {'; '.join(moved)}.", "Ask for a new plan."
            )
        with self.database.write() as session:
            for index, step in enumerate(action.steps()):
                session.add(
                    RunStep(run_id=run.id, index=index, name=step.name, title=step.title, state="waiting", output={})
                )
            _record(session, run, "run.started", f"Run {run.id} started: {context.plan.title}")
            self._show(session, run)

    def _perform(self, run: Run, index: int, step: Step[Any], context: Context[Any]) -> None:
        if step.name in context.outputs:
            return
        if step.cancellable and self._is_cancelling(run.id):
            raise Cancelled
        again = self._mark_running(run, index)
        context.progress = _at_most_every(PROGRESS_EVERY_S, lambda words: self._progress(run, index, words))
        try:
            facts = step.happened(context) if again and step.happened else None
            if facts is None:
                facts = step.do(context)
        except BaseException as error:
            self._mark_failed(run, index, error)
            raise
        self._mark_done(run, index, step, facts)
        context.outputs[step.name] = facts

    def _prove(self, run: Run, action: Action[Any], context: Context[Any]) -> None:
        evidence = action.verify(context)
        with self.database.write() as session:
            row = session.get_one(Run, run.id, with_for_update=True)
            row.finished_at = self.clock()
            row.proof = self._proof(session, row, action, context, evidence)
            row.state, row.words = "done", f"{evidence.words} {self._tell_too_late(row)}".strip()
            release_lock(session, run.target, run.id)
            verdict = "proven" if row.proof.good else "done, but not everything is as it should be"
            data: Facts = {"proof": row.proof.model_dump(mode="json")}
            _record(session, run, "run.done", f"Run {run.id} {verdict}: {context.plan.title}. {row.words}", data)
            self._show(session, row)

    def _proof(self, session: Session, run: Run, action: Action[Any], context: Context[Any], evidence: Evidence) -> Any:
        incident = session.get(Incident, run.incident_id) if run.incident_id else None
        steps = list(session.scalars(sa.select(RunStep).where(RunStep.run_id == run.id).order_by(RunStep.index)))
        disaster = self.policy.disasters.get(action.disaster(self.world, context.parameters) or "")
        phases = {step.name: step.phase for step in action.steps()}
        return build_proof(run, steps, phases, evidence, incident, disaster, self.clock())

    def _stop(self, run: Run, state: str, words: str, action: Action[Any], context: Context[Any]) -> None:
        """End a run that did not work: remove what only it made, and say what is true now."""
        true_now = self._clean_up(run, action, context)
        with self.database.write() as session:
            row = session.get_one(Run, run.id, with_for_update=True)
            row.state, row.finished_at = state, self.clock()
            row.words = f"{words} {true_now}".strip()
            release_lock(session, run.target, run.id)
            _record(session, run, f"run.{state}", f"Run {run.id} {state}: {row.words}")
            self._show(session, row)

    def _clean_up(self, run: Run, action: Action[Any], context: Context[Any]) -> str:
        try:
            return action.clean_up(context)
        except (Refused, Failed) as error:
            return f"Cleaning up did not work either: {error.words}"
        except Exception as error:  # as in `execute`: a run that cannot even be cleaned up must end too
            log.exception("run %s could not be cleaned up", run.id)
            return f"Cleaning up did not work either ({type(error).__name__}); the bot's log has the details."

    def _tell_too_late(self, run: Run) -> str:
        if run.state != "cancelling":
            return ""
        person = self.policy.person(run.cancel_requested_by)
        return f"It was too late to cancel it when {person.name if person else run.cancel_requested_by} asked."

    def _void(self, run: Run, moved: list[str]) -> None:
        with self.database.write() as session:
            plan = session.get_one(Plan, run.plan_id)
            end_plan(
                session, plan, "void", f"The world has moved: {'; '.join(moved)}. Ask for a new plan.", self.notices
            )

    def _has_steps(self, run_id: int) -> bool:
        with self.database.read() as session:
            return session.scalar(sa.select(RunStep.name).where(RunStep.run_id == run_id).limit(1)) is not None

    def _is_cancelling(self, run_id: int) -> bool:
        with self.database.read() as session:
            return session.scalar(sa.select(Run.state).where(Run.id == run_id)) == "cancelling"

    def _requester(self, session: Session, run: Run) -> str:
        return session.get_one(Plan, run.plan_id).requested_by

    def _mark_running(self, run: Run, index: int) -> bool:
        """Record that the step starts; True when an earlier attempt may have done it."""
        with self.database.write() as session:
            row = session.get_one(RunStep, (run.id, index))
            again = row.attempts > 0
            row.attempts += 1
            row.state, row.started_at = "running", row.started_at or self.clock()
            self._show(session, run)
            return again

    def _mark_done(self, run: Run, index: int, step: Step[Any], facts: Facts) -> None:
        with self.database.write() as session:
            row = session.get_one(RunStep, (run.id, index))
            row.state, row.finished_at, row.output = "done", self.clock(), facts
            row.words = str(facts.get("words", ""))
            text = f"Run {run.id}: {step.title}{': ' + row.words if row.words else ''}"
            _record(session, run, f"run.step.{step.name}", text, {"step": step.name, "facts": facts})
            self._show(session, run)

    def _mark_failed(self, run: Run, index: int, error: BaseException) -> None:
        words = error.words if isinstance(error, (Refused, Failed)) else type(error).__name__
        with self.database.write() as session:
            row = session.get_one(RunStep, (run.id, index))
            row.state, row.finished_at, row.words = "failed", self.clock(), words

    def _progress(self, run: Run, index: int, words: str) -> None:
        with self.database.write() as session:
            session.get_one(RunStep, (run.id, index)).words = words
            self._show(session, run)

    def _show(self, session: Session, run: Run) -> None:
        session.flush()
        self.notices.refresh(session, f"run:{run.id}", f"summary:{run.incident_id}")


def _record(
    session: Session, run: Run, kind: str, text: str, data: dict[str, JsonValue] | None = None, actor: str = "holdfast"
) -> None:
    ledger.append(
        session, key=f"{kind}:{run.id}", kind=kind, actor=actor, text=text,
        incident_id=run.incident_id, data={"run": run.id, **(data or {})},
    )  # fmt: skip


def _at_most_every(seconds: float, function: Callable[..., Any]) -> Callable[..., Any]:
    """Call through at most once in `seconds`; in between the last answer stands."""
    last: list[Any] = [float("-inf"), None]

    def throttled(*arguments: object) -> Any:
        if time.monotonic() - last[0] >= seconds:
            last[:] = [time.monotonic(), function(*arguments)]
        return last[1]

    return throttled
