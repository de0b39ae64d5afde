"""/incident snooze 30m REASON: put the next update off; a form when words are missing."""

from __future__ import annotations

from bot.comms.update_desk import EXAMPLE
from bot.outcome import Refused
from bot.policy import parse_duration
from bot.slack.text import show_time
from handlers.commands.subcommand import Subcommand
from handlers.modals import snooze as modal
from handlers.request import Reply, Request

LONGEST_LENGTH = 4
"""Words of a duration that is spelled out."""


def handle(request: Request) -> Reply:
    incident = request.need_incident()
    if not request.text:
        return modal.open_modal(request, incident)
    words = request.text.split()
    for count in range(min(LONGEST_LENGTH, len(words)), 0, -1):
        try:
            lasting = parse_duration(" ".join(words[:count]))
        except ValueError:
            continue
        until = request.services.updates.snooze(incident.id, request.person, lasting, " ".join(words[count:]))
        return Reply(f":zzz: The next update of #{incident.id} is put off until {show_time(until)}.")
    raise Refused(f"{words[0][:40]!r} is not how long.", f"Example: `{EXAMPLE}`.")


SUBCOMMAND = Subcommand("snooze", "snooze 30m REASON", "puts the next update off; without words, a form", handle)
