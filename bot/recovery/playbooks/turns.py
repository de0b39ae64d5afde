"""Turns of a playbook: what happened since the last one, and what is next.

A turn is a workflow that may be started at any time and any number of times: it looks at the rows, decides, and
writes down what it decided in one transaction, together with the wish for the next turn. Every plan and every run of
the playbook asks for a turn in the transaction in which it ends, so no crash stops the playbook.
"""

from __future__ import annotations

import logging
import uuid

import sqlalchemy as sa
from pydantic import JsonValue
from sqlalchemy.orm import Session

from bot.outcome import Failed, Refused
from bot.policy import find_closure, rule_for
from bot.recovery.action import Needless
from bot.recovery.plans import Plans, draft, hash_plan, read_history, start_run
from bot.recovery.playbooks.conditions import ask_condition
from bot.recovery.playbooks.outcomes import fail_task, take_stock
from bot.recovery.playbooks.references import Occasion, find_parameters
from bot.recovery.playbooks.revisions import read_deployed
from bot.recovery.playbooks.rows import OVER, PlaybookRows
from bot.recovery.playbooks.whole import adopt_own, find_part
from bot.recovery.registry import find_action, read_parameters
from bot.store import ledger
from bot.store.database import STORE_TROUBLE
from bot.store.documents import PlanDocument
from bot.store.tables import Plan, PlaybookRun, PlaybookTask, Run

log = logging.getLogger(__name__)


class Turns:
    """Takes a playbook's turns; what people want of it is in `playbooks`."""

    def __init__(self, rows: PlaybookRows, plans: Plans) -> None:
        self.rows, self.plans, self.database = rows, plans, rows.database
        self.policy, self.world, self.clock = plans.policy, plans.world, plans.clock

    def advance(self, number: int) -> None:
        """The workflow."""
        with self.database.write() as session:
            run = self.rows.lock(session, number)
            take_stock(self.rows, session, run)
            left = [task for task in self.rows.list_tasks(session, number) if task.state not in OVER]
            self.rows.show(session, run)
        if run.state == "running" and left and left[0].state == "waiting":
            self._take(run, left[0])

    def run_ended(self, session: Session, run: Run) -> None:
        """A run has ended, or ended once more: if it is a playbook's, that is its turn. In the caller's transaction."""
        number = session.scalar(sa.select(PlaybookTask.playbook_run_id).where(PlaybookTask.plan_id == run.plan_id))
        if number is not None:
            ledger.hold(session)
            self.rows.ask_for_turn(session, session.get_one(PlaybookRun, number, with_for_update=True))

    def find_occasion(self, run: PlaybookRun) -> Occasion:
        """What the playbook is run for."""
        return Occasion(self.world, run.database, self.rows.find_beginning(run), self._read_deployed)

    def _read_deployed(self, application: str) -> str | None:
        with self.database.read() as session:
            return read_deployed(session, application, self.clock())

    def draft(self, name: str, parameters: dict[str, JsonValue]) -> PlanDocument:
        """What an action would do now. Raises `Refused` or `Failed`."""
        action = find_action(name)
        target = action.target(read_parameters(action, parameters))
        with self.database.read() as session:
            history = read_history(session, name, target)
        return draft(action, self.world, parameters, history)

    def _take(self, run: PlaybookRun, task: PlaybookTask) -> None:
        try:
            self._begin(run, task)
        except Needless as needless:
            self._commit_needless(run, task, needless.reason)
        except (Refused, Failed) as error:
            self._fail(run, task, error.words)
        except STORE_TROUBLE:
            raise
        except Exception as error:  # the boundary of this surface: a playbook must stop in words, not in silence
            reference = uuid.uuid4().hex[:8]
            log.exception("playbook run %s failed, reference %s", run.id, reference)
            words = f"Unexpected: {type(error).__name__}. Reference {reference} finds the details in the bot's log."
            self._fail(run, task, words)

    def _begin(self, run: PlaybookRun, task: PlaybookTask) -> None:
        """Look at the world, then write down what that means for the step."""
        answer = ask_condition(task.definition.when, self.find_occasion(run))
        approved = self._find_approved(run, task)
        if not answer.met:
            self._commit_needless(run, task, answer.words)
        elif task.definition.action is None:
            self._commit_person(run, task)
        elif approved is None:
            self._commit_plan(run, task)
        else:
            self._commit_run(run, task, self._renew(run, task, approved))

    def _find_approved(self, run: PlaybookRun, task: PlaybookTask) -> PlanDocument | None:
        """The step's plan as it was approved with the whole; None where it needs an approval of its own."""
        if run.plan_id is None or task.alone:
            return None
        whole = self.plans.find(run.plan_id)
        return find_part(whole.document, task.index) if whole.document else None

    def _renew(self, run: PlaybookRun, task: PlaybookTask, approved: PlanDocument) -> PlanDocument:
        """The approved step, for the world as it is now. Raises `Refused` where that has moved since."""
        action = find_action(approved.action)
        now = action.observe(self.world, read_parameters(action, approved.parameters))
        observed = adopt_own(approved.observed, now, self._list_made(run.id))
        moved = action.moved(observed, now)
        closure = find_closure(self.policy, approved, self.clock())
        if closure:
            moved.append(f"“{closure.title}” keeps it from starting now")
        if moved:
            with self.database.write() as session:
                session.get_one(PlaybookTask, (run.id, task.index)).alone = True
            raise Refused(
                f"It is not what was approved with the playbook any more: {'; '.join(moved)}.",
                "Trying again asks for an approval of its own.",
            )
        return approved.model_copy(update={"observed": observed})

    def _list_made(self, number: int) -> list[str]:
        """What the proofs of this playbook's runs say that they made."""
        query = sa.select(Run).join(PlaybookTask, PlaybookTask.plan_id == Run.plan_id)
        with self.database.read() as session:
            runs = list(session.scalars(query.where(PlaybookTask.playbook_run_id == number)))
        return [value for run in runs if run.proof for value in run.proof.measured.values() if isinstance(value, str)]

    def _commit_needless(self, run: PlaybookRun, task: PlaybookTask, words: str) -> None:
        with self.database.write() as session:
            row, step = self._lock_waiting(session, run, task)
            if step:
                self.rows.finish_task(session, row, step, "needless", f"not needed: {words}")
                self.rows.ask_for_turn(session, row)

    def _commit_person(self, run: PlaybookRun, task: PlaybookTask) -> None:
        with self.database.write() as session:
            row, step = self._lock_waiting(session, run, task)
            if step:
                self.rows.ask_task(session, row, step, None)

    def _commit_plan(self, run: PlaybookRun, task: PlaybookTask) -> None:
        """Ask for the plan of the step's action; it is approved by itself."""
        parameters = find_parameters(task.definition, self.find_occasion(run))
        with self.database.write() as session:
            row, step = self._lock_waiting(session, run, task)
            if step:
                plan = self.plans.ask(
                    session, requested_by=row.requested_by, action=str(step.definition.action), parameters=parameters,
                    place=row.place, incident_id=row.incident_id, playbook_run_id=row.id,
                )  # fmt: skip
                self.rows.ask_task(session, row, step, plan)

    def _commit_run(self, run: PlaybookRun, task: PlaybookTask, document: PlanDocument) -> None:
        """The plan of the step, approved with the whole, and its run."""
        with self.database.write() as session:
            row, step = self._lock_waiting(session, run, task)
            if step is None:
                return
            plan = Plan(
                action=document.action, parameters=document.parameters, incident_id=row.incident_id,
                requested_by=row.requested_by, place=row.place, state="approved", target=document.target,
                document=document, hash=hash_plan(document), reason=f"Approved with plan {row.plan_id}.",
                created_at=self.clock(), expires_at=self.clock() + rule_for(self.policy, document).expires_after,
                preview=False, playbook_run_id=row.id,
            )  # fmt: skip
            session.add(plan)
            session.flush()
            self.rows.ask_task(session, row, step, plan)
            text = f"Plan {plan.id}: {document.title} on {document.target}; approved with plan {row.plan_id}"
            facts: dict[str, JsonValue] = {"hash": plan.hash, "document": document.model_dump(mode="json")}
            self.rows.record(session, row, "plan.made", text, task=step, data=facts)
            start_run(session, plan, self.plans.engine, self.plans.notices)

    def _fail(self, run: PlaybookRun, task: PlaybookTask, words: str) -> None:
        with self.database.write() as session:
            row, step = self._lock_waiting(session, run, task)
            if step:
                step.attempts += 1
                fail_task(self.rows, session, row, step, words)

    def _lock_waiting(
        self, session: Session, run: PlaybookRun, task: PlaybookTask
    ) -> tuple[PlaybookRun, PlaybookTask | None]:
        """The rows, if it is still the step's turn; another turn may have taken it, or the playbook be stopped."""
        row = self.rows.lock(session, run.id)
        step = session.get_one(PlaybookTask, (run.id, task.index))
        fits = row.state == "running" and step.state == "waiting" and step.attempts == task.attempts
        return row, step if fits else None
