"""Somebody started a plan alone: everybody is told, at once."""

from __future__ import annotations

import sqlalchemy as sa

from bot.comms.messages.subject import Message, Subject
from bot.slack.blocks.parts import pack
from bot.slack.blocks.plan import show_broken_glass
from bot.slack.text import literal
from bot.store.tables import Approval, Notice, Plan, Run

KIND = "break_glass"


def compose(notice: Notice, subject: Subject) -> Message:
    with subject.database.read() as session:
        plan = session.get_one(Plan, notice.subject_id)
        query = sa.select(Approval).where(Approval.plan_id == plan.id, Approval.decision == "break_glass")
        approval = session.scalars(query).one()
        run_id = session.scalar(sa.select(Run.id).where(Run.plan_id == plan.id))
    name = subject.name(approval.person)
    title = literal(plan.document.title if plan.document else plan.action)
    text = f":rotating_light: {name} broke the glass: plan {plan.id}, {title}, was started without other approvals"
    return Message(text, pack(show_broken_glass(plan, name, approval.reason or "", run_id)))
