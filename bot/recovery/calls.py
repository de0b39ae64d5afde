"""Calling people who do not look at Slack: a plan of a real incident waits, or somebody broke the glass.

Drills call nobody, and of a private incident nothing goes out.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.comms.notices import Address, Notices
from bot.comms.outgoing import PAGE
from bot.store.tables import Delivery, Incident, Notice, Plan

NUDGE_THAT_CALLS = 2
"""The reminder with which people are called as well: the first may have been seen."""


def call_for_approval(session: Session, plan: Plan, notices: Notices, pagers: Sequence[Address]) -> None:
    """Once for a plan, until it is decided."""
    details = f"It waits for an approval in Slack (or: holdfast dr approve {plan.id}). {_describe(plan)}"
    _call(session, plan, notices, pagers, _approval_key(plan), f"Plan {plan.id} waits for an approval", details)


def call_off(session: Session, plan: Plan, notices: Notices) -> None:
    """The plan is decided: whoever was called for it need not come."""
    query = sa.select(Delivery).join(Notice, Notice.id == Delivery.notice_id).where(Notice.key == _approval_key(plan))
    called = [Address(one.channel, one.recipient) for one in session.scalars(query.order_by(Delivery.id))]
    if called:
        notices.say(
            session, PAGE, key=f"{_approval_key(plan)}:over", to=called, incident_id=plan.incident_id,
            data={
                "alias": f"plan-{plan.id}", "summary": f"Plan {plan.id} is {plan.state}", "details": _describe(plan),
                "resolved": True,
            },
        )  # fmt: skip


def call_because_of_break_glass(
    session: Session, plan: Plan, notices: Notices, pagers: Sequence[Address], name: str, reason: str
) -> None:
    """Somebody started a plan alone. It stays until whoever was called has looked at it."""
    summary = f"{name} broke the glass and started plan {plan.id} alone"
    details = f"{_describe(plan)} The reason: {reason}"
    _call(session, plan, notices, pagers, f"call:break-glass:{plan.id}", summary, details, f"break-glass-{plan.id}")


def _call(
    session: Session, plan: Plan, notices: Notices, pagers: Sequence[Address], key: str, summary: str, details: str,
    alias: str | None = None,
) -> None:  # fmt: skip
    incident = session.get(Incident, plan.incident_id) if plan.incident_id else None
    if incident is None or incident.drill or incident.private or not pagers:
        return
    notices.say(
        session, PAGE, key=key, to=pagers, incident_id=incident.id,
        data={"alias": alias or f"plan-{plan.id}", "summary": summary, "details": details},
    )  # fmt: skip


def _approval_key(plan: Plan) -> str:
    return f"call:plan:{plan.id}"


def _describe(plan: Plan) -> str:
    title = plan.document.title if plan.document else plan.action
    return f"{title}, on {plan.target}."
