"""The form that approves a plan, with the target's name typed where the policy asks for it."""

from __future__ import annotations

from typing import Any

from bot.policy import rule_for
from bot.slack.views.forms import read_metadata, read_values
from bot.slack.views.recovery import APPROVE, approve_form
from handlers.modals.form import Form, Submission
from handlers.request import Reply, Request


def open_modal(request: Request, plan_id: int, plan_hash: str) -> Reply:
    """Whoever may not approve is told so now, not after typing."""
    services = request.services
    plan = services.approvals.check(plan_id, plan_hash, request.person)
    assert plan.document is not None  # checked: the plan is pending
    typed = rule_for(services.policy, plan.document).typed_confirmation
    request.open_view(approve_form(plan, plan.document, typed))
    return Reply()


def submit(submission: Submission) -> dict[str, Any] | None:
    known = read_metadata(submission.view)
    typed = read_values(submission.view).get("typed")
    submission.services.approvals.decide(
        int(known["plan"]), str(known["hash"]), submission.person, "approve", typed=typed
    )
    return None


FORM = Form(APPROVE, submit, "typed")
