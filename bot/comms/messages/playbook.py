"""A playbook's one message: its steps, the RTO clock beside them, and what people may decide."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.comms.messages.subject import Message, Subject
from bot.slack.blocks.parts import pack
from bot.slack.blocks.playbook import Clock, Progress, show_playbook
from bot.slack.text import literal
from bot.store.documents import Phase
from bot.store.tables import Incident, Notice, Plan, PlaybookRun, PlaybookTask, Run

KIND = "playbook"


def compose(notice: Notice, subject: Subject) -> Message:
    with subject.database.read() as session:
        run = session.get_one(PlaybookRun, notice.subject_id)
        query = sa.select(PlaybookTask).where(PlaybookTask.playbook_run_id == run.id).order_by(PlaybookTask.index)
        steps = [read_progress(session, task) for task in session.scalars(query)]
        incident = session.get(Incident, run.incident_id) if run.incident_id else None
    playbook = subject.policy.playbooks.get(run.playbook)
    title = playbook.title if playbook else run.playbook
    clock = read_clock(run, steps, incident, subject)
    blocks = show_playbook(run, f"Playbook: {title}", steps, clock, subject.name(run.requested_by))
    return Message(f"Playbook run {run.id}, {literal(title)}: {run.state}", pack(blocks))


def read_progress(session: Session, task: PlaybookTask) -> Progress:
    """A step with what is happening for it."""
    plan = session.get(Plan, task.plan_id) if task.plan_id else None
    run = session.scalar(sa.select(Run).where(Run.plan_id == task.plan_id)) if task.plan_id else None
    skip = session.get(Plan, task.skip_plan_id) if task.skip_plan_id else None
    return Progress(task, plan, run, skip)


def read_clock(run: PlaybookRun, steps: list[Progress], incident: Incident | None, subject: Subject) -> Clock | None:
    """Time since detection against the RTO; what no step accounts for went into deciding and waiting."""
    playbook = subject.policy.playbooks.get(run.playbook)
    disaster = subject.policy.disasters.get(playbook.disaster) if playbook else None
    if disaster is None:
        return None
    now = run.finished_at or subject.now()
    began = min(incident.detected_at, run.created_at) if incident else run.created_at
    elapsed_s = (now - began).total_seconds()
    spent: dict[str, float] = {}
    if incident:
        spent["detection"] = max(0.0, (incident.declared_at - incident.detected_at).total_seconds())
    for step in steps:
        for name, seconds in step.task.spent.items():
            spent[name] = spent.get(name, 0.0) + float(str(seconds))
    spent["decision"] = max(0.0, elapsed_s - sum(spent.values()))
    expected = {phase.name.lower(): phase.expected.total_seconds() for phase in disaster.phases}
    names = [*expected, *(name for name in spent if name not in expected)]
    phases = [Phase(name=name, seconds=spent.get(name, 0.0), expected_s=expected.get(name)) for name in names]
    return Clock(elapsed_s, disaster.rto.total_seconds(), "detection" if incident else "it was started", phases)
