"""A plan with its approval buttons; afterwards, what became of it."""

from __future__ import annotations

import sqlalchemy as sa

from bot.comms.messages.subject import Message, Subject
from bot.slack.blocks.parts import pack
from bot.slack.blocks.plan import Seats, show_plan
from bot.slack.text import literal
from bot.store.tables import Approval, Notice, Plan

KIND = "plan"


def compose(notice: Notice, subject: Subject) -> Message:
    with subject.database.read() as session:
        plan = session.get_one(Plan, notice.subject_id)
        query = sa.select(Approval).where(Approval.plan_id == plan.id).order_by(Approval.id)
        decisions = list(session.scalars(query))
    title = plan.document.title if plan.document else plan.action
    text = f"Plan {plan.id}, {literal(title)}: {plan.state}"
    return Message(text, pack(show_plan(plan, _seats(plan, decisions, subject), subject.name(plan.requested_by))))


def _seats(plan: Plan, decisions: list[Approval], subject: Subject) -> Seats:
    if plan.document is None:
        return Seats(0, [], [], [])
    rule = subject.policy.approvals[plan.document.risk]
    decided = {decision.person for decision in decisions}
    people = subject.policy.who_may_approve(plan.document.risk)
    return Seats(
        quorum=rule.quorum,
        approved=[subject.name(one.person) for one in decisions if one.decision == "approve"],
        denied=[subject.name(one.person) for one in decisions if one.decision == "deny"],
        may_approve=[
            subject.name(person.key)
            for person in people
            if person.key not in decided and (rule.requester_may_approve or person.key != plan.requested_by)
        ],
    )
