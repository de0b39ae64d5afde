"""What people decide about a playbook that runs: try again, leave out, done, go on, stop.

Each decision is one transaction, with the wish for the next turn in it; a press that comes too late changes nothing.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.outcome import Refused
from bot.policy import Person, Scope, rule_for
from bot.recovery.electorate import GroupLookup, find_electorate
from bot.recovery.plans import end_plan, refuse_requests
from bot.recovery.playbooks.clock import measure_person
from bot.recovery.playbooks.outcomes import find_run, leave_behind
from bot.recovery.playbooks.rows import ENDED, PlaybookRows
from bot.recovery.playbooks.whole import PLAYBOOK, RISKS, describe_skipping, find_risk
from bot.recovery.runs import Runs
from bot.store.tables import Plan, PlaybookRun, PlaybookTask

LATE = "Somebody else was faster, or it has gone on by itself; the message shows how it stands."


class Steering:
    """Takes the decisions."""

    def __init__(self, rows: PlaybookRows, runs: Runs, look_up: GroupLookup) -> None:
        self.rows, self.runs, self.plans, self.look_up = rows, runs, runs.plans, look_up
        self.database, self.policy, self.clock = rows.database, runs.policy, rows.clock

    def retry(self, number: int, index: int, person: Person) -> PlaybookRun:
        """Try a failed step again: its run goes on where it stopped; where it cannot, a new plan is made."""
        self.rows.find(number, person.key)
        refuse_requests(self.policy, person)
        with self.database.read() as session:
            _, task = self._find(session, number, index, ("failed",))
            stopped = find_run(session, task)
        goes_on = stopped is not None and self._try_run_again(stopped.id, person)
        with self.database.write() as session:
            skip = self._lock_skip(session, number, index)
            self.rows.lock(session, number)
            run, task = self._find(session, number, index, ("failed",))
            self._withdraw(session, skip, "the step is tried again")
            task.state, task.words, task.skip_plan_id = ("asked" if goes_on else "waiting"), "", None
            task.alone = task.alone or self._has_lapsed(session, run)
            text = f"{person.name} has step {index + 1} of playbook run {number} tried again"
            self.rows.record(session, run, "playbook.retried", text, person.key, task)
            self._resume(session, run)
            return run

    def skip(self, number: int, index: int, person: Person) -> Plan:
        """Ask to go on without a step that failed, or that waits for a person: a plan, approved like the step's."""
        self.rows.find(number, person.key)
        refuse_requests(self.policy, person)
        with self.database.write() as session:
            self.rows.lock(session, number)
            run, task = self._find(session, number, index, ("failed", "asked"))
            if task.state == "asked" and task.definition.action is not None:
                raise Refused(f"Step {index + 1} is under way.", "It can be left out when it has failed.")
            earlier = session.get(Plan, task.skip_plan_id) if task.skip_plan_id else None
            if earlier and earlier.state == "pending":
                raise Refused(f"Plan {earlier.id} asks for that already.", "It waits for its approvals.")
            plan = self.plans.propose(
                session, person, describe_skipping(run, task), place=run.place, incident_id=run.incident_id
            )
            task.skip_plan_id, plan.playbook_run_id = plan.id, run.id
            text = f"{person.name} asked to leave out step {index + 1} of playbook run {number}: plan {plan.id}"
            self.rows.record(session, run, "playbook.skipping", text, person.key, task)
            self.rows.show(session, run)
            return plan

    def confirm(self, number: int, index: int, person: Person) -> PlaybookRun:
        """A person says that what they were asked to do is done."""
        self.rows.find(number, person.key)
        refuse_requests(self.policy, person)
        with self.database.write() as session:
            skip = self._lock_skip(session, number, index)
            self.rows.lock(session, number)
            run, task = self._find(session, number, index, ("asked",))
            if task.definition.manual is None:
                raise Refused(f"Step {index + 1} is an action's to do; your press changed nothing.", LATE)
            self._withdraw(session, skip, "the step is done")
            text = f"{person.name} says that step {index + 1} of playbook run {number} is done"
            self.rows.record(session, run, "playbook.confirmed", text, person.key, task)
            leave_behind(self.rows, session, run, task, "done", f"{person.name} says so")
            task.spent = measure_person(task)
            self.rows.show(session, run)
            return run

    def go_on(self, number: int, person: Person) -> PlaybookRun:
        """Accept a step that is done although not everything is as it should be."""
        self.rows.find(number, person.key)
        self._refuse_stranger(number, person)
        with self.database.write() as session:
            run = self.rows.lock(session, number)
            tasks = self.rows.list_tasks(session, number)
            if run.state != "paused" or any(task.state in ("failed", "asked") for task in tasks):
                raise Refused(f"Playbook run {number} does not wait for that; your press changed nothing.", LATE)
            text = f"{person.name} has playbook run {number} go on, although not everything is as it should be"
            self.rows.record(session, run, "playbook.accepted", text, person.key)
            self._resume(session, run)
            return run

    def stop(self, number: int, person: Person) -> PlaybookRun:
        """Begin nothing more. A run that is under way is not cancelled by this: it ends first, then the playbook."""
        self.rows.find(number, person.key)
        refuse_requests(self.policy, person)
        with self.database.write() as session:
            plans = self._lock_open_plans(session, number)
            run = self.rows.lock(session, number)
            if run.state in (*ENDED, "stopping"):
                raise Refused(f"Playbook run {number} is {run.state}; your press changed nothing.", run.words)
            text = f"{person.name} stopped playbook run {number}"
            self.rows.record(session, run, "playbook.stopping", text, person.key)
            run.state, run.words = "stopping", f"{person.name} stopped it."
            if not self._is_under_way(session, number):
                self.rows.end(session, run, "stopped", run.words)
            for plan in plans:
                end_plan(session, plan, "void", f"{text}.", self.plans.notices)
            self.rows.show(session, run)
            return run

    def _refuse_stranger(self, number: int, person: Person) -> None:
        """Raises `Refused` for whoever could not approve the riskiest step. Asks Slack where user groups may."""
        with self.database.read() as session:
            risks = [find_risk(task.definition) for task in self.rows.list_tasks(session, number)]
        rule = rule_for(self.policy, Scope(PLAYBOOK, max(risks, key=RISKS.index, default="high")))
        electorate = find_electorate(self.policy, rule, self.look_up)
        if not electorate.includes(person.key):
            raise Refused(f"{person.name} may not accept that.", f"These may: {electorate.describe(self.policy)}.")

    def _resume(self, session: Session, run: PlaybookRun) -> None:
        run.state, run.words = "running", ""
        self.rows.ask_for_turn(session, run)
        self.rows.show(session, run)

    def _find(
        self, session: Session, number: int, index: int, states: tuple[str, ...]
    ) -> tuple[PlaybookRun, PlaybookTask]:
        """The run and the step that it stands at. Raises `Refused` where it does not stand there."""
        run = session.get(PlaybookRun, number)
        task = session.get(PlaybookTask, (number, index))
        if run is None or task is None:
            raise Refused(f"There is no step {index + 1} of a playbook run {number}.", "`/dr playbook` lists them.")
        if run.state not in ("running", "paused") or task.state not in states:
            raise Refused(
                f"Step {index + 1} of playbook run {number} is {task.state} and the run {run.state}; "
                "your press changed nothing.",
                LATE,
            )
        return run, task

    def _try_run_again(self, run_id: int, person: Person) -> bool:
        """Whether the step's run goes on where it stopped; where it may not, a new plan says why not."""
        try:
            self.runs.retry(run_id, person)
        except Refused:
            return self.runs.find(run_id).state in ("queued", "running", "cancelling")
        return True

    def _has_lapsed(self, session: Session, run: PlaybookRun) -> bool:
        """Whether the approval of the whole is older than an approval may be; new plans then need their own."""
        plan = session.get(Plan, run.plan_id) if run.plan_id else None
        return plan is not None and plan.expires_at is not None and plan.expires_at <= self.clock()

    def _is_under_way(self, session: Session, number: int) -> bool:
        runs = [find_run(session, task) for task in self.rows.list_tasks(session, number) if task.state == "asked"]
        return any(run is not None and run.finished_at is None for run in runs)

    def _lock_skip(self, session: Session, number: int, index: int) -> Plan | None:
        """The plan that asks to leave the step out; held before the run is, as approving does it."""
        query = sa.select(PlaybookTask.skip_plan_id).where(
            PlaybookTask.playbook_run_id == number, PlaybookTask.index == index
        )
        plan_id = session.scalar(query)
        return session.get(Plan, plan_id, with_for_update=True) if plan_id else None

    def _withdraw(self, session: Session, skip: Plan | None, why: str) -> None:
        """Nobody need approve any more that the step is left out."""
        if skip and skip.state == "pending":
            end_plan(session, skip, "void", f"It is not needed any more: {why}.", self.plans.notices)

    def _lock_open_plans(self, session: Session, number: int) -> list[Plan]:
        """What still waits for approvals; held before the run is, as approving does it."""
        mine = sa.select(PlaybookTask.plan_id).where(PlaybookTask.playbook_run_id == number)
        skips = sa.select(PlaybookTask.skip_plan_id).where(PlaybookTask.playbook_run_id == number)
        whole = sa.select(PlaybookRun.plan_id).where(PlaybookRun.id == number)
        query = sa.select(Plan).where(
            sa.or_(Plan.id.in_(mine), Plan.id.in_(skips), Plan.id.in_(whole)), Plan.state.in_(("making", "pending"))
        )
        return list(session.scalars(query.order_by(Plan.id).with_for_update()))
