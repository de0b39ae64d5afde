"""The button of a plan that was only to be read: ask for one that can be approved."""

from __future__ import annotations

from typing import Any

from handlers.buttons.press import Button
from handlers.request import Reply, Request


def ask(request: Request, value: dict[str, Any]) -> Reply:
    """A new plan of the same action: the world may have moved since the preview."""
    seen = request.services.plans.find(int(value["plan"]), request.person.key)
    plan = request.services.plans.request(
        person=request.person,
        action=seen.action,
        parameters=seen.parameters,
        place=seen.place,
        incident_id=seen.incident_id,
    )
    return Reply(f":hourglass_flowing_sand: Plan {plan.id} is being made; it appears in the channel.")


BUTTONS = [Button("plan.request", ask)]
