"""A plan with its approval buttons; afterwards, what became of it."""

from __future__ import annotations

from bot.comms.messages.subject import Message, Subject
from bot.comms.standing import Standing
from bot.slack.blocks.parts import pack
from bot.slack.blocks.plan import show_plan
from bot.slack.text import literal
from bot.store.tables import Notice, Plan

KIND = "plan"


def compose(notice: Notice, subject: Subject) -> Message:
    with subject.database.read() as session:
        plan = session.get_one(Plan, notice.subject_id)
        seats = Standing(subject.policy, subject.now(), subject.name).read_seats(session, plan)
    title = plan.document.title if plan.document else plan.action
    text = f"Plan {plan.id}, {literal(title)}: {plan.state}"
    return Message(text, pack(show_plan(plan, seats, subject.name(plan.requested_by))))
