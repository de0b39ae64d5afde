"""What became of what a playbook asked for: its plans, their runs, and the wish to leave a step out."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.recovery.locks import Held
from bot.recovery.playbooks.clock import measure_run
from bot.recovery.playbooks.rows import OVER, PlaybookRows
from bot.recovery.playbooks.whole import list_things
from bot.store.tables import Plan, PlaybookRun, PlaybookTask, Run


def take_stock(rows: PlaybookRows, session: Session, run: PlaybookRun) -> None:
    """Bring a playbook run and its steps to what their plans and runs say, in the caller's transaction."""
    if run.state in ("planning", "pending"):
        _settle_approval(rows, session, run)
    for task in rows.list_tasks(session, run.id):
        if run.state in ("running", "paused", "stopping") and task.state in ("asked", "failed"):
            _settle_task(rows, session, run, task)
    if run.state == "running" and all(task.state in OVER for task in rows.list_tasks(session, run.id)):
        rows.end(session, run, "done", "")


def fail_task(rows: PlaybookRows, session: Session, run: PlaybookRun, task: PlaybookTask, words: str) -> None:
    """A step did not work: wait for people, or end, as the policy has it for this step."""
    rows.finish_task(session, run, task, "failed", words)
    if run.state == "stopping":
        rows.end(session, run, "stopped", run.words)
    elif task.definition.on_failure == "stop":
        words = f"Step {task.index + 1} failed, and the policy ends this playbook then."
        rows.end(session, run, "stopped", words)
    else:
        rows.pause(session, run, f"Step {task.index + 1} failed.")


def leave_behind(
    rows: PlaybookRows, session: Session, run: PlaybookRun, task: PlaybookTask, state: str, words: str
) -> None:
    """A step is over: the next one's turn, unless somebody wants no more."""
    rows.finish_task(session, run, task, state, words)
    if run.state == "stopping":
        rows.end(session, run, "stopped", run.words)
        return
    run.state, run.words = "running", ""
    rows.ask_for_turn(session, run)


def find_run(session: Session, task: PlaybookTask) -> Run | None:
    """The run of a step; None while its plan is not approved, and for what a person does."""
    return session.scalar(sa.select(Run).where(Run.plan_id == task.plan_id)) if task.plan_id else None


def _settle_approval(rows: PlaybookRows, session: Session, run: PlaybookRun) -> None:
    """Whether the whole was approved; then what it touches is kept from everybody else."""
    plan = session.get(Plan, run.plan_id) if run.plan_id else None
    if plan is None or plan.document is None or plan.state in ("making", "pending"):
        return
    if plan.state != "approved":
        rows.end(session, run, "refused", f"Plan {plan.id} is {plan.state}: {plan.reason}")
        return
    try:
        rows.keep_things(session, run, list_things(plan.document, rows.policy))
    except Held as held:
        rows.end(session, run, "refused", f"{held.words} Nothing was begun.")
        return
    run.state, run.started_at = "running", rows.clock()
    rows.record(session, run, "playbook.begun", f"Playbook run {run.id} begins, approved as a whole by plan {plan.id}")


def _settle_task(rows: PlaybookRows, session: Session, run: PlaybookRun, task: PlaybookTask) -> None:
    if _is_skipped(session, task):
        words = f"left out, as approved; missing: {task.definition.skipping}"
        leave_behind(rows, session, run, task, "skipped", words)
        return
    plan = session.get(Plan, task.plan_id) if task.plan_id else None
    begun = find_run(session, task)
    if plan is None or plan.state in ("making", "pending"):
        return
    if begun is None:
        if plan.state == "needless":
            leave_behind(rows, session, run, task, "needless", f"not needed: {plan.reason}")
        elif task.state == "asked" and plan.state != "approved":
            fail_task(rows, session, run, task, f"Plan {plan.id} is {plan.state}: {plan.reason}")
    elif begun.state == "needless":
        leave_behind(rows, session, run, task, "needless", begun.words)
    elif begun.state == "done":
        _settle_done(rows, session, run, task, begun)
    elif begun.finished_at and task.state == "asked":
        task.spent = measure_run(session, task, begun)
        fail_task(rows, session, run, task, f"Run {begun.id} is {begun.state}: {begun.words}")


def _is_skipped(session: Session, task: PlaybookTask) -> bool:
    plan = session.get(Plan, task.skip_plan_id) if task.skip_plan_id else None
    return plan is not None and plan.state == "approved"


def _settle_done(rows: PlaybookRows, session: Session, run: PlaybookRun, task: PlaybookTask, done: Run) -> None:
    """A proof that is not good holds up what would rest on it, until somebody has looked."""
    bad = [verdict for verdict in done.proof.verdicts if verdict.bad] if done.proof else []
    task.spent = measure_run(session, task, done)
    leave_behind(rows, session, run, task, "done", "; ".join(f"{one.name}: {one.found}" for one in bad))
    waiting = any(one.state == "waiting" for one in rows.list_tasks(session, run.id))
    if bad and waiting and run.state == "running":
        rows.pause(session, run, f"Step {task.index + 1} is done, but not everything is as it should be.")
