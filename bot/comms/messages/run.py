"""A run's one message: it updates itself until the proof is in."""

from __future__ import annotations

import sqlalchemy as sa

from bot.comms.messages.subject import Message, Subject
from bot.comms.standing import Standing
from bot.slack.blocks.parts import pack
from bot.slack.blocks.run import show_run
from bot.slack.text import literal
from bot.store.tables import Approval, Notice, Plan, Run, RunStep

KIND = "run"


def compose(notice: Notice, subject: Subject) -> Message:
    with subject.database.read() as session:
        run = session.get_one(Run, notice.subject_id)
        plan = session.get_one(Plan, run.plan_id)
        steps = list(session.scalars(sa.select(RunStep).where(RunStep.run_id == run.id).order_by(RunStep.index)))
        counted = Approval.decision.in_(("approve", "break_glass"))
        approvals = sa.select(Approval).where(Approval.plan_id == plan.id, counted).order_by(Approval.id)
        standing = Standing(subject.policy, subject.now(), subject.name)
        approvers = [standing.name_decider(approval) for approval in session.scalars(approvals)]
    title = plan.document.title if plan.document else run.action
    skipping = {step.name: step.skipping for step in plan.document.steps} if plan.document else {}
    blocks = show_run(run, steps, title, approvers, subject.now(), skipping)
    return Message(f"Run {run.id}, {literal(title)}: {run.state}", pack(blocks))
