"""The form that starts a plan alone: a reason, and the target's name typed."""

from __future__ import annotations

from typing import Any

from bot.slack.views.approvals import BREAK_GLASS, break_glass_form
from bot.slack.views.forms import read_metadata, read_values
from handlers.modals.form import Form, Submission
from handlers.request import Reply, Request


def open_modal(request: Request, plan_id: int, plan_hash: str) -> Reply:
    """Whoever may not is told so now, not after typing."""
    services = request.services
    plan = services.break_glass.check(plan_id, plan_hash, request.person)
    assert plan.document is not None  # checked: the plan is pending
    view = break_glass_form(plan, plan.document, services.policy.break_glass.shortest_reason)
    request.open_view(view)
    return Reply()


def submit(submission: Submission) -> dict[str, Any] | None:
    known, values = read_metadata(submission.view), read_values(submission.view)
    submission.services.break_glass.start(
        int(known["plan"]), str(known["hash"]), submission.person, reason=values["reason"], typed=values["typed"]
    )
    return None


FORM = Form(BREAK_GLASS, submit, "reason")
