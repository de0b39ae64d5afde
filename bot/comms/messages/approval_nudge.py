"""A reminder, in a conversation of their own, for those whose approval a plan waits for."""

from __future__ import annotations

from bot.comms.messages.subject import Message, Subject
from bot.comms.standing import Standing
from bot.slack.blocks.parts import pack
from bot.slack.blocks.plan import show_plan
from bot.slack.text import literal
from bot.store.tables import Notice, Plan

KIND = "approval_nudge"


def compose(notice: Notice, subject: Subject) -> Message:
    with subject.database.read() as session:
        plan = session.get_one(Plan, notice.subject_id)
        seats = Standing(subject.policy, subject.now(), subject.name).read_seats(session, plan)
    title = plan.document.title if plan.document else plan.action
    waits = "waits for you" if plan.state == "pending" else plan.state
    text = f"Plan {plan.id}, {literal(title)}, {waits}"
    return Message(text, pack(show_plan(plan, seats, subject.name(plan.requested_by))))
