"""From anywhere: declare an incident."""

from __future__ import annotations

from typing import Any

from bot.slack.views.incident import Prefill
from handlers.modals import declare
from handlers.request import Reply, Request
from handlers.shortcuts.shortcut import Shortcut


def handle(request: Request, _message: dict[str, Any]) -> Reply:
    return declare.open_modal(request, Prefill())


SHORTCUT = Shortcut("declare_incident", handle)
