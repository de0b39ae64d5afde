"""The form that hands one's approval to somebody else."""

from __future__ import annotations

from typing import Any

from bot.outcome import Refused
from bot.policy import parse_duration
from bot.slack.views.approvals import HANDOVER, LENGTHS, handover_form
from bot.slack.views.forms import read_values
from handlers.modals.form import Form, Submission
from handlers.request import Reply, Request


def open_modal(request: Request) -> Reply:
    policy = request.services.policy
    others = [person for person in policy.people if person.key != request.person.key]
    lengths = [length for length in LENGTHS if parse_duration(length) <= policy.handovers.longest]
    if not others or not lengths:
        raise Refused("Nothing can be handed over with this form.", "Example: `/dr handover @mei 30 min lunch`.")
    request.open_view(handover_form(others, lengths))
    return Reply()


def submit(submission: Submission) -> dict[str, Any] | None:
    values, services = read_values(submission.view), submission.services
    holder = services.policy.person(values["holder"])
    if holder is None:
        raise Refused("That person is not in the policy any more.", "Open the form again.")
    services.handovers.give(submission.person, holder, parse_duration(values["lasting"]), values.get("reason", ""))
    return None


FORM = Form(HANDOVER, submit, "holder")
