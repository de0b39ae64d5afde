"""From a message: declare an incident with what it says; the message goes on its timeline."""

from __future__ import annotations

from typing import Any

from bot.slack.text import cut
from bot.slack.views.incident import Prefill
from handlers.modals import declare
from handlers.request import Reply, Request
from handlers.shortcuts.shortcut import Shortcut

TITLE_SHOWN = 200


def handle(request: Request, message: dict[str, Any]) -> Reply:
    """The first line becomes the title, the whole the impact; both can be changed before it is declared."""
    text = request.services.directory.read_message(message).strip()
    known = Prefill(
        title=cut(text.partition("\n")[0], TITLE_SHOWN),
        impact=text,
        origin={"channel": request.channel_id, "ts": str(message.get("ts") or "")},
    )
    return declare.open_modal(request, known)


SHORTCUT = Shortcut("declare_from_message", handle)
