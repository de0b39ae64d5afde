"""Runs as people see and steer them: found, cancelled, tried again, taken back. `execution` carries them out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from pydantic import JsonValue
from sqlalchemy.orm import Session

from bot.incidents.reading import seen_by, sees
from bot.outcome import Refused
from bot.policy import Person, Policy, rule_for
from bot.recovery.action import Step
from bot.recovery.locks import Errand, refuse_held
from bot.recovery.plans import Plans, queue_run, refuse_requests
from bot.recovery.registry import find_action, list_touched
from bot.recovery.rules import refuse_blackout
from bot.store import ledger
from bot.store.database import Database
from bot.store.documents import PlanDocument
from bot.store.tables import Approval, Plan, Run, RunOutput, RunStep

ASK_AGAIN = "Ask for a new plan."
ENDED = ("done", "needless", "refused", "failed", "cancelled")
Listener = Callable[[Session, Run], None]


class Runs:
    """Finds runs and takes what people want of them."""

    def __init__(self, plans: Plans) -> None:
        self.plans, self.database, self.policy = plans, plans.database, plans.policy
        self.engine, self.notices = plans.engine, plans.notices
        self.world, self.clock = plans.world, plans.clock
        self.ended: list[Listener] = []
        """Called in the transaction in which a run comes to its end."""

    def cancel(self, run_id: int, person: Person) -> Run:
        """Ask a run to stop; it is cancelled only once what is under way has stopped (design, rule 6)."""
        with self.database.write() as session:
            run, plan = self._lock(session, run_id, person)
            refuse_stranger(session, self.policy, person, plan, "cancel")
            if run.state not in ("queued", "running"):
                raise Refused(f"Run {run_id} is {run.state}; your press changed nothing.")
            run.state, run.cancel_requested_by = "cancelling", person.key
            text = f"{person.name} asked to cancel run {run_id}"
            record(session, run, "run.cancelling", text, actor=person.key)
            self.show(session, run)
            return run

    def retry(self, run_id: int, person: Person) -> Run:
        """Let a run that stopped go on: what it did is looked for in the world, the rest is done (again)."""
        with self.database.write() as session:
            run, plan = self._lock(session, run_id, person)
            refuse_stranger(session, self.policy, person, plan, "retry")
            self._refuse_unfit(session, run, plan, person)
            text = f"{person.name} asked to try run {run_id} again"
            record(session, run, "run.retried", text, actor=person.key)
            queue_run(session, run, self.engine, self.notices)
            return run

    def skip(self, run_id: int, step_name: str, person: Person, place: str) -> Plan:
        """Ask to go on without the step that a run stopped at: a plan of its own, approved like the run's."""
        with self.database.write() as session:
            run, plan = self._lock(session, run_id, person)
            refuse_requests(self.policy, person)
            self._refuse_unfit(session, run, plan, person)
            step = self._stopped_at(session, run, step_name)
            document = _describe_skipping(run, plan, step)
            return self.plans.propose(session, person, document, place=place, incident_id=run.incident_id)

    def undo(self, run_id: int, person: Person, place: str) -> Plan:
        """Ask for the plan that takes a finished run back. Raises `Refused` where nothing can."""
        run = self.find(run_id, person.key)
        if run.state != "done":
            raise Refused(f"Run {run_id} is {run.state}; only a run that is done can be undone.", run.words)
        back = run.way_back
        if back is None:
            document = self.plans.find(run.plan_id).document
            raise Refused(f"No action takes run {run_id} back.", document.way_back if document else "")
        return self.plans.request(
            person=person, action=back.action, parameters=back.parameters, place=place, incident_id=run.incident_id
        )

    def last_done(self, action: str) -> datetime | None:
        """When a run of this action last ended well; None where none has."""
        query = sa.select(sa.func.max(Run.finished_at)).where(Run.action == action, Run.state == "done")
        with self.database.read() as session:
            return session.scalar(query)

    def find(self, run_id: int, viewer: str | None = None) -> Run:
        """Raises `Refused` where there is none, or the viewer may not know of it; None is the bot itself."""
        with self.database.read() as session:
            return _known(session, session.get(Run, run_id), run_id, viewer)

    def list_steps(self, run_id: int) -> list[RunStep]:
        query = sa.select(RunStep).where(RunStep.run_id == run_id).order_by(RunStep.index)
        with self.database.read() as session:
            return list(session.scalars(query))

    def list_recent(self, limit: int = 20, viewer: str | None = None) -> list[Run]:
        query = sa.select(Run).where(seen_by(Run.incident_id, viewer))
        with self.database.read() as session:
            return list(session.scalars(query.order_by(Run.id.desc()).limit(limit)))

    def read_output(self, run_id: int, viewer: str | None = None) -> str:
        """What the run's programs and servers said, by step, oldest first."""
        run = self.find(run_id, viewer)
        query = sa.select(RunOutput).where(RunOutput.run_id == run.id).order_by(RunOutput.id)
        with self.database.read() as session:
            return "\n".join(f"{piece.at:%H:%M:%S} {piece.step}: {piece.text}" for piece in session.scalars(query))

    def post_output(self, run_id: int, place: str, viewer: str | None = None) -> None:
        """Post it as a file, once for each state that it is in. Raises `Refused` where there is none."""
        run = self.find(run_id, viewer)
        with self.database.write() as session:
            last = session.scalar(sa.select(sa.func.max(RunOutput.id)).where(RunOutput.run_id == run.id))
            if last is None:
                raise Refused(f"Run {run_id} has kept no output.", f"`/dr run {run_id}` shows its steps.")
            self.notices.say(
                session, "run_output", key=f"run-output:{run_id}:{last}:{place}", to=[place],
                incident_id=run.incident_id, subject_id=run_id, data={"last": last},
            )  # fmt: skip

    def show(self, session: Session, run: Run) -> None:
        """Bring the messages about the run up to date."""
        session.flush()
        self.notices.refresh(session, f"run:{run.id}", f"summary:{run.incident_id}")

    def _lock(self, session: Session, run_id: int, person: Person) -> tuple[Run, Plan]:
        _known(session, session.get(Run, run_id), run_id, person.key)
        run = lock_run(session, run_id)
        return run, session.get_one(Plan, run.plan_id)

    def _refuse_unfit(self, session: Session, run: Run, plan: Plan, person: Person) -> None:
        """Every reason why the run cannot go on from where it stopped."""
        if run.state not in ("failed", "refused"):
            raise Refused(f"Run {run.id} is {run.state}; only one that stopped can go on.", ASK_AGAIN)
        if plan.state != "approved" or plan.expires_at is None:
            raise Refused(f"Plan {plan.id} is {plan.state}, so its run cannot go on. {plan.reason}".strip(), ASK_AGAIN)
        if not self._changed_the_world(session, run):
            if plan.expires_at <= self.clock():
                raise Refused(f"The approval of plan {plan.id} has lapsed; nothing had been changed yet.", ASK_AGAIN)
            if plan.document is not None:
                refuse_blackout(self.policy, plan.document, self.clock())
        things = list_touched(self.policy, run.action, plan.parameters)
        errand = Errand(run.incident_id, plan.document.risk if plan.document else find_action(run.action).risk)
        refuse_held(session, things, plan.playbook_run_id, reader=person.key, errand=errand)

    def _changed_the_world(self, session: Session, run: Run) -> bool:
        """Whether a step is done that is not harmless to repeat, or half done: what was begun under an approval may be
        finished.
        """
        steps = find_action(run.action).steps()
        lasting, pieces = [one.name for one in steps if one.happened], [one.name for one in steps if one.piecemeal]
        done = sa.and_(RunStep.name.in_(lasting), RunStep.state == "done")
        begun = sa.and_(RunStep.name.in_(pieces), RunStep.attempts > 0)
        changed = sa.select(RunStep.name).where(RunStep.run_id == run.id, sa.or_(done, begun))
        return session.scalar(changed.limit(1)) is not None

    def _stopped_at(self, session: Session, run: Run, step_name: str) -> Step[Any]:
        steps = {step.name: step for step in find_action(run.action).steps()}
        query = sa.select(RunStep.name).where(RunStep.run_id == run.id, RunStep.state == "failed")
        stopped = session.scalar(query)
        if stopped is None or stopped not in steps:
            raise Refused(f"Run {run.id} did not stop at a step.", f"`/dr retry {run.id}` tries it again.")
        if step_name != stopped:
            raise Refused(
                f"Run {run.id} stopped at the step {stopped}, not at {step_name}.", "Only that can be left out."
            )
        if steps[stopped].skipping is None:
            allowed = ", ".join(name for name, step in steps.items() if step.skipping) or "none of its steps"
            raise Refused(
                f"The step {stopped} cannot be skipped: what follows rests on it. Of this action, {allowed} can be.",
                f"`/dr retry {run.id}` tries it again.",
            )
        return steps[stopped]


def lock_run(session: Session, run_id: int) -> Run:
    """The run, held until the transaction ends; the ledger first, as everywhere, so no two wait in a circle."""
    ledger.hold(session)
    return session.get_one(Run, run_id, with_for_update=True)


def list_under_way(database: Database) -> list[int]:
    """Numbers of the runs that have not come to their end."""
    with database.read() as session:
        return list(session.scalars(sa.select(Run.id).where(Run.state.not_in(ENDED))))


def refuse_stranger(session: Session, policy: Policy, person: Person, plan: Plan, verb: str) -> None:
    """Raises `Refused` for whoever did not ask for the plan, did not approve it, and may not by role or name."""
    approvers = policy.who_may_approve(rule_for(policy, plan.document)) if plan.document else []
    decided = session.scalars(sa.select(Approval.person).where(Approval.plan_id == plan.id))
    may = {one.key for one in approvers} | {plan.requested_by, *decided}
    if person.key not in may:
        raise Refused(f"{person.name} may not {verb} the run of plan {plan.id}.", "Its requester or an approver may.")


def record(
    session: Session, run: Run, kind: str, text: str, data: dict[str, JsonValue] | None = None, actor: str = "holdfast"
) -> None:
    """A ledger entry about a run; of each kind an attempt has one at most."""
    attempt = f":{run.attempt}" if run.attempt > 1 else ""
    ledger.append(
        session, key=f"{kind}:{run.id}{attempt}", kind=kind, actor=actor, text=text,
        incident_id=run.incident_id, data={"run": run.id, **(data or {})},
    )  # fmt: skip


def _known(session: Session, run: Run | None, run_id: int, viewer: str | None) -> Run:
    if run is None or not sees(session, run.incident_id, viewer):
        raise Refused(f"There is no run {run_id}.", "`/dr runs` shows the recent ones.")
    return run


def _describe_skipping(run: Run, plan: Plan, step: Step[Any]) -> PlanDocument:
    """The run's own plan, with what is left out and what follows from that."""
    assert plan.document is not None  # approved
    names = [planned.name for planned in plan.document.steps]
    notes = [f"Run {run.id} stopped at this step: {run.words}", f"Then missing: {step.skipping}", *plan.document.notes]
    return plan.document.model_copy(
        update={
            "title": f"Go on with run {run.id} without “{step.title}”",
            "steps": plan.document.steps[names.index(step.name) + 1 :],
            "notes": notes,
            "continues": run.id,
            "skips": step.name,
        }
    )
