"""/incident declare: with severity and title at once, with a modal when words are missing."""

from __future__ import annotations

from bot.incidents.desk import SameAgain
from bot.slack.blocks import parts
from bot.slack.text import literal
from bot.slack.views.incident import Prefill
from bot.store.tables import Incident
from handlers.commands.subcommand import Subcommand, split_first
from handlers.modals import declare as modal
from handlers.request import Reply, Request


def handle(request: Request) -> Reply:
    severity, title = split_first(request.text)
    if not title:
        return modal.open_modal(request, Prefill(severity=severity))
    try:
        incident = request.desk.declare(actor=request.person.key, severity=severity, title=title)
    except SameAgain as twin:
        return ask_again(twin, severity, title)
    return declared(incident)


def declared(incident: Incident) -> Reply:
    return Reply(f":rotating_light: Declared *#{incident.id}* ({incident.severity}). Its channel is being opened.")


def ask_again(twin: SameAgain, severity: str, title: str) -> Reply:
    """A second identical declaration within a minute is asked about, not made."""
    where = f"<#{twin.incident.channel_id}>" if twin.incident.channel_name else f"#{twin.incident.id}"
    words = f":thinking_face: {literal(twin.reason)} It is {where}."
    again = parts.button("Declare another", "incident.again", {"severity": severity, "title": title[:1500]}, "danger")
    return Reply(words, parts.pack([parts.marked(words), parts.actions([again])]))


SUBCOMMAND = Subcommand("declare", "declare P1 What is broken", "opens an incident; without words, a form", handle)
