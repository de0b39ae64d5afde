"""/dr handover @mei 4h: hand one's approval to somebody for a time; `off` takes it back."""

from __future__ import annotations

from bot.recovery.handovers import read_length
from bot.slack.text import literal, show_time
from handlers.commands.people import find_person
from handlers.commands.subcommand import Subcommand, split_first
from handlers.modals import handover as modal
from handlers.request import Reply, Request


def handle(request: Request) -> Reply:
    if not request.text:
        return modal.open_modal(request)
    name, rest = split_first(request.text)
    other = find_person(request, name)
    handovers = request.services.handovers
    if rest.strip().lower() == "off":
        handovers.end(request.person, other)
        return Reply(f":leftwards_arrow_with_hook: Between you and {literal(other.name)} nothing is handed over now.")
    lasting, reason = read_length(rest)
    given = handovers.give(request.person, other, lasting, reason)
    return Reply(
        f":handshake: {literal(other.name)} may approve for you until {show_time(given.until)}. You still may, too; "
        f"together you count once. `/dr handover @{other.key} off` takes it back."
    )


SUBCOMMAND = Subcommand(
    "handover",
    "handover @PERSON 4h [REASON] | @PERSON off",
    "lets somebody approve for you, for a time",
    handle,
    "people who may approve",
)
