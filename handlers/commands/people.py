"""People as they are named in commands."""

from __future__ import annotations

import re

from bot.policy import Person
from bot.recovery.handovers import require_person
from handlers.request import Request

SLACK_ID = re.compile(r"@[UW][A-Z0-9]{2,}")


def find_person(request: Request, name: str) -> Person:
    """Slack gives a mention as the person's id where it gives no name. Raises `Refused` for nobody we know."""
    if SLACK_ID.fullmatch(name):
        return request.services.directory.person(name.removeprefix("@"))
    return require_person(request.services.policy, name)
