"""Buttons of a plan: approve, deny, show all of it, start it alone."""

from __future__ import annotations

from typing import Any

from bot.outcome import Refused
from bot.slack.views.recovery import whole_plan
from handlers.buttons.press import Button
from handlers.modals import approve, break_glass
from handlers.request import Reply, Request


def open_approval(request: Request, value: dict[str, Any]) -> Reply:
    return approve.open_modal(request, int(value["plan"]), str(value["hash"]))


def open_break_glass(request: Request, value: dict[str, Any]) -> Reply:
    return break_glass.open_modal(request, int(value["plan"]), str(value["hash"]))


def deny(request: Request, value: dict[str, Any]) -> Reply:
    request.services.approvals.decide(int(value["plan"]), str(value["hash"]), request.person, "deny")
    return Reply(f":no_entry: Plan {value['plan']} is denied; nothing was changed.")


def show(request: Request, value: dict[str, Any]) -> Reply:
    plan = request.services.plans.find(int(value["plan"]), request.person.key)
    if plan.document is None:
        raise Refused(f"Plan {plan.id} is {plan.state}; there is nothing to show.", plan.reason)
    request.open_view(whole_plan(plan, plan.document))
    return Reply()


BUTTONS = [
    Button("plan.approve", open_approval),
    Button("plan.break_glass", open_break_glass),
    Button("plan.deny", deny),
    Button("plan.show", show),
]
