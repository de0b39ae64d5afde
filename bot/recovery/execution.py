"""Carrying out runs: one approved plan, step by step, each recorded before and after; killed anywhere, it goes on.

The workflow may be started again at any point. What a step did before a crash, or before a failure that somebody wants
tried again, is seen by looking at the world (`Step.happened`), never by doing it a second time.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.outcome import Cancelled, Failed, Refused
from bot.recovery.action import Action, Context, Evidence, Facts, Needless, Step
from bot.recovery.locks import Errand, Held, release_locks, take_locks
from bot.recovery.plans import end_plan
from bot.recovery.proof import build_proof
from bot.recovery.registry import find_action, read_parameters
from bot.recovery.run_steps import StepMemory, reset, write_down
from bot.recovery.runs import Runs, lock_run, record
from bot.recovery.verification import verify_as_user
from bot.store.database import STORE_TROUBLE
from bot.store.documents import Proof, Verdict
from bot.store.tables import Incident, Plan, Run, RunOutput, RunStep
from bot.words import cut

log = logging.getLogger(__name__)

WORKFLOW = "run"
UNDER_WAY = ("queued", "running", "cancelling")
PROGRESS_EVERY_S = 1.0
CANCEL_LOOK_EVERY_S = 0.5
PIECE_LIMIT = 8_000
"""Characters that are kept of one piece of output."""


class Execution:
    """Executes runs; what people want of them is in `runs`."""

    def __init__(self, runs: Runs) -> None:
        self.runs, self.database, self.policy = runs, runs.database, runs.policy
        self.world, self.clock, self.redact = runs.world, runs.clock, runs.world.redactor.redact

    def execute(self, run_id: int) -> None:
        """The workflow. It always ends with the run in a final state, or is started again after a crash."""
        run, plan = self._load(run_id)
        if run.state not in UNDER_WAY or plan.document is None:
            return
        try:
            action = find_action(run.action)
            context = self._context(run, plan, action)
        except Refused as refusal:  # of an older or another Holdfast: nothing was begun
            self._write_end(run, "refused", refusal.words)
            return
        try:
            self._go(run, action, context)
        except Held as held:  # somebody else works there: nothing of this is touched
            self._write_end(run, "refused", held.words)
        except Refused as refusal:
            self._stop(run, "refused", refusal.words, action, context)
        except Cancelled:
            context.cancelled = lambda: True  # what it answered a moment ago may stand from before it was asked
            self._stop(run, "cancelled", "Cancelled; what was under way has stopped.", action, context)
        except Failed as failure:
            self._stop(run, "failed", failure.words, action, context)
        except STORE_TROUBLE:  # is not the run's: the engine does it again, as after a crash
            raise
        except Exception as error:  # the boundary of this surface: a run must end in words, not in silence
            reference = uuid.uuid4().hex[:8]
            log.exception("run %s failed, reference %s", run_id, reference)
            words = f"Unexpected: {type(error).__name__}. Reference {reference} finds the details in the bot's log."
            self._stop(run, "failed", words, action, context)

    def _go(self, run: Run, action: Action[Any], context: Context[Any]) -> None:
        try:
            self._begin(run, action, context)
        except Needless as needless:
            self._end_needless(run, action, context, needless)
            return
        steps = action.steps()
        for index in range(len(steps)):
            self._perform(run, index, steps, context)
        self._prove(run, action, context)

    def _load(self, run_id: int) -> tuple[Run, Plan]:
        with self.database.read() as session:
            run = session.get_one(Run, run_id)
            return run, session.get_one(Plan, run.plan_id)

    def _context(self, run: Run, plan: Plan, action: Action[Any]) -> Context[Any]:
        assert plan.document is not None
        with self.database.read() as session:
            over = sa.select(RunStep).where(RunStep.run_id == run.id, RunStep.state.in_(("done", "skipped")))
            outputs = {step.name: step.output for step in session.scalars(over)}
        return Context(
            world=self.world,
            run_id=run.id,
            mark=f"run{run.id}-{int(run.created_at.timestamp()):x}",
            parameters=read_parameters(action, plan.parameters),
            plan=plan.document,
            progress=lambda words: None,
            cancelled=_at_most_every(CANCEL_LOOK_EVERY_S, lambda: self._is_cancelling(run.id)),
            outputs=outputs,
            incident_id=run.incident_id,
        )

    def _begin(self, run: Run, action: Action[Any], context: Context[Any]) -> None:
        """Once per attempt: take the locks, look at the world again, and write the steps down."""
        if not self._take_over(run, action, context):
            return
        steps = action.steps()
        lasting = self._count_lasting(run, steps, context) if run.attempt > 1 else 0
        if not lasting:
            self._compare_world(run, action, context)
        with self.database.write() as session:
            if session.get(RunStep, (run.id, 0)) is None:  # also after an attempt that was refused before it began
                session.add_all(write_down(run, steps))
            else:
                reset(session, run, lasting, context)
            row = session.get_one(Run, run.id)
            row.begun = row.attempt
            record(session, row, "run.started", f"Run {run.id} started: {context.plan.title}")
            self.runs.show(session, row)

    def _take_over(self, run: Run, action: Action[Any], context: Context[Any]) -> bool:
        """Take the locks for this attempt; False when the attempt had begun before a crash."""
        with self.database.write() as session:
            row = lock_run(session, run.id)
            if row.begun == row.attempt:
                return False
            holder = session.get_one(Plan, run.plan_id).requested_by
            things, reason = action.touches(self.policy, context.parameters), context.plan.title
            errand = Errand(row.incident_id, context.plan.risk)
            take_locks(session, things, run_id=run.id, holder=holder, reason=reason, now=self.clock(), errand=errand)
            row.started_at = row.started_at or self.clock()
            row.state = "running" if row.state == "queued" else row.state
            self.runs.show(session, row)
            return True

    def _count_lasting(self, run: Run, steps: list[Step[Any]], context: Context[Any]) -> int:
        """How many steps, from the first, an earlier attempt did for good, as the world shows it."""
        attempted = {step.name for step in self.runs.list_steps(run.id) if step.attempts}
        for count in range(len(steps), 0, -1):
            step = steps[count - 1]
            facts = step.happened(context) if step.happened and step.name in attempted else None
            if facts is not None:
                context.outputs.setdefault(step.name, facts)
                return count
        return 0

    def _compare_world(self, run: Run, action: Action[Any], context: Context[Any]) -> None:
        """Raises `Refused`, and voids the plan, when the world has moved since it was approved."""
        tried = any(step.attempts for step in self.runs.list_steps(run.id))
        moved = action.look_again(self.world, context.parameters, context.plan.observed, tried=tried)
        if not moved:
            return
        reason = f"The world has moved since the plan was approved: {'; '.join(moved)}."
        with self.database.write() as session:
            plan = session.get_one(Plan, run.plan_id)
            end_plan(session, plan, "void", f"{reason} Ask for a new plan.", self.runs.notices)
        raise Refused(reason, "Ask for a new plan.")

    def _perform(self, run: Run, index: int, steps: list[Step[Any]], context: Context[Any]) -> None:
        step = steps[index]
        if step.name in context.outputs:
            return
        if self._is_cancelling(run.id) and self._can_stop_before(run, index, steps):
            raise Cancelled
        again = self._mark_running(run, index)
        context.progress = _at_most_every(PROGRESS_EVERY_S, lambda words: self._progress(run, index, words))
        context.write = lambda text: self._keep(run, step, text)
        context.memory = StepMemory(self.database, run.id, index)
        try:
            facts = step.happened(context) if again and step.happened else None
            if facts is None:
                facts = step.do(context)
        except STORE_TROUBLE:
            raise
        except BaseException as error:
            self._mark_failed(run, index, error)
            raise
        self._mark_done(run, index, step, facts)
        context.outputs[step.name] = facts

    def _can_stop_before(self, run: Run, index: int, steps: list[Step[Any]]) -> bool:
        """Before what may be stopped anyway; else only while no step has begun that may not."""
        begun = {row.name for row in self.runs.list_steps(run.id) if row.attempts}
        return steps[index].cancellable or not any(one.name in begun for one in steps if not one.cancellable)

    def _prove(self, run: Run, action: Action[Any], context: Context[Any]) -> None:
        evidence = action.verify(context)
        steps = action.steps()
        memory = StepMemory(self.database, run.id, len(steps) - 1)
        used = verify_as_user(self.world, action.application(self.world, context.parameters), memory)
        skipped = _judge_skipped(steps, context)
        evidence = Evidence([*evidence.verdicts, *used, *skipped], evidence.measured, evidence.words)
        with self.database.write() as session:
            row = lock_run(session, run.id)
            row.finished_at = self.clock()
            row.proof = self._proof(session, row, action, context, self._redact_evidence(evidence))
            row.way_back = action.undo(context.parameters, context.plan, context.outputs)
            words = self.redact(f"{evidence.words} {self._tell_too_late(row)}".strip())
            verdict = "proven" if row.proof.good else "done, but not everything is as it should be"
            data: Facts = {"proof": row.proof.model_dump(mode="json")}
            self._end(session, row, "done", words, f"{verdict}: {context.plan.title}. {words}", data)

    def _redact_evidence(self, evidence: Evidence) -> Evidence:
        """Without what a server or a program said that is secret."""
        verdicts = [one.model_copy(update={"found": self.redact(one.found)}) for one in evidence.verdicts]
        return replace(evidence, verdicts=verdicts)

    def _proof(
        self, session: Session, run: Run, action: Action[Any], context: Context[Any], evidence: Evidence
    ) -> Proof:
        incident = session.get(Incident, run.incident_id) if run.incident_id else None
        steps = list(session.scalars(sa.select(RunStep).where(RunStep.run_id == run.id).order_by(RunStep.index)))
        disaster = self.policy.disasters.get(action.disaster(self.world, context.parameters) or "")
        phases = {step.name: step.phase for step in action.steps()}
        return build_proof(run, steps, phases, evidence, incident, disaster, self.clock())

    def _end_needless(self, run: Run, action: Action[Any], context: Context[Any], needless: Needless) -> None:
        """The world has become what was approved without this run: neither its success nor anybody's failure."""
        begun = any(step.attempts for step in self.runs.list_steps(run.id))
        true_now = self._clean_up(run, action, context) if begun else "It has come about since; this run did nothing."
        words = self.redact(f"Nothing was left to do: {needless.reason} {true_now}".strip())
        verdicts = self._redact_evidence(Evidence(needless.proof)).verdicts
        with self.database.write() as session:
            row = lock_run(session, run.id)
            row.finished_at = self.clock()
            row.proof = Proof(verdicts=verdicts, at=self.clock())
            data: Facts = {"proof": row.proof.model_dump(mode="json")}
            self._end(session, row, "needless", words, f"ended without doing anything. {words}", data)

    def _stop(self, run: Run, state: str, words: str, action: Action[Any], context: Context[Any]) -> None:
        """End a run that did not work: remove what only it made, and say what is true now.

        One of which no step ever began has made nothing: what looks like its traces is the work of others.
        """
        begun = any(step.attempts for step in self.runs.list_steps(run.id))
        true_now = self._clean_up(run, action, context) if begun else "Nothing was done."
        self._write_end(run, state, f"{words} {true_now}".strip())

    def _write_end(self, run: Run, state: str, words: str) -> None:
        with self.database.write() as session:
            row = lock_run(session, run.id)
            row.finished_at = self.clock()
            said = self.redact(words)
            self._end(session, row, state, said, f"{state}: {said}")

    def _end(self, session: Session, run: Run, state: str, words: str, text: str, data: Facts | None = None) -> None:
        run.state, run.words = state, words
        release_locks(session, run.id)
        record(session, run, f"run.{state}", f"Run {run.id} {text}", data)
        for listener in self.runs.ended:
            listener(session, run)
        self.runs.show(session, run)

    def _clean_up(self, run: Run, action: Action[Any], context: Context[Any]) -> str:
        try:
            return action.clean_up(context)
        except (Refused, Failed) as error:
            return f"Cleaning up did not work either: {error.words}"
        except STORE_TROUBLE:
            raise
        except Exception as error:  # as in `execute`: a run that cannot even be cleaned up must end too
            log.exception("run %s could not be cleaned up", run.id)
            return f"Cleaning up did not work either ({type(error).__name__}); the bot's log has the details."

    def _tell_too_late(self, run: Run) -> str:
        if run.state != "cancelling":
            return ""
        person = self.policy.person(run.cancel_requested_by)
        return f"It was too late to cancel it when {person.name if person else run.cancel_requested_by} asked."

    def _is_cancelling(self, run_id: int) -> bool:
        with self.database.read() as session:
            return session.scalar(sa.select(Run.state).where(Run.id == run_id)) == "cancelling"

    def _mark_running(self, run: Run, index: int) -> bool:
        """Record that the step starts; True when an earlier attempt may have done it."""
        with self.database.write() as session:
            row = session.get_one(RunStep, (run.id, index))
            again = row.attempts > 0
            row.attempts += 1
            row.state, row.started_at = "running", row.started_at or self.clock()
            self.runs.show(session, run)
            return again

    def _mark_done(self, run: Run, index: int, step: Step[Any], facts: Facts) -> None:
        with self.database.write() as session:
            row = session.get_one(RunStep, (run.id, index))
            row.state, row.finished_at, row.output = "done", self.clock(), facts
            row.words = self.redact(str(facts.get("words", "")))
            text = f"Run {run.id}: {step.title}{': ' + row.words if row.words else ''}"
            told = self.world.redactor.redact_all(facts)
            record(session, run, f"run.step.{step.name}", text, {"step": step.name, "facts": told})
            self.runs.show(session, run)

    def _mark_failed(self, run: Run, index: int, error: BaseException) -> None:
        words = error.words if isinstance(error, (Refused, Failed)) else type(error).__name__
        with self.database.write() as session:
            row = session.get_one(RunStep, (run.id, index))
            row.state, row.finished_at, row.words = "failed", self.clock(), self.redact(words)

    def _progress(self, run: Run, index: int, words: str) -> None:
        with self.database.write() as session:
            session.get_one(RunStep, (run.id, index)).words = self.redact(words)
            self.runs.show(session, run)

    def _keep(self, run: Run, step: Step[Any], text: str) -> None:
        with self.database.write() as session:
            piece = cut(self.redact(text), PIECE_LIMIT)
            session.add(RunOutput(run_id=run.id, step=step.name, at=self.clock(), text=piece))


def _judge_skipped(steps: list[Step[Any]], context: Context[Any]) -> list[Verdict]:
    return [
        Verdict(name=step.title, expected="done", found=f"left out, as approved; missing: {step.skipping}", good=False)
        for step in steps
        if context.outputs.get(step.name, {}).get("skipped") is True
    ]


def _at_most_every(seconds: float, function: Callable[..., Any]) -> Callable[..., Any]:
    """Call through at most once in `seconds`; in between the last answer stands."""
    last: list[Any] = [float("-inf"), None]

    def throttled(*arguments: object) -> Any:
        if time.monotonic() - last[0] >= seconds:
            last[:] = [time.monotonic(), function(*arguments)]
        return last[1]

    return throttled
