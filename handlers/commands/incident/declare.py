"""/incident declare: with severity and title at once, with a modal when words are missing."""

from __future__ import annotations

import re

from bot.incidents.desk import SameAgain
from bot.slack.blocks import parts
from bot.slack.text import literal
from bot.slack.views.incident import Prefill
from bot.store.tables import Incident
from handlers.commands.subcommand import Subcommand, split_first
from handlers.modals import declare as modal
from handlers.request import Reply, Request

SEVERITY = re.compile(r"[Pp][0-9]+[:,.;-]*")
"""What looks like one, be it known or not."""
WHO_MAY_KNOW = {"private": True, "public": False}


def handle(request: Request) -> Reply:
    """Words without a severity are taken for the title, and the form asks for what is missing."""
    word, rest = split_first(request.text)
    private = WHO_MAY_KNOW.get(word.lower())
    words = request.text if private is None else rest
    severity, title = split_first(words)
    if not SEVERITY.fullmatch(severity):
        return modal.open_modal(request, Prefill(title=" ".join(words.split()), private=private is True))
    if not title:
        return modal.open_modal(request, Prefill(severity=severity, private=private is True))
    try:
        incident = request.desk.declare(actor=request.person.key, severity=severity, title=title, private=private)
    except SameAgain as twin:
        return ask_again(twin, private)
    return declared(incident)


def declared(incident: Incident) -> Reply:
    what = "Its private channel is" if incident.private else "Its channel is"
    return Reply(f":rotating_light: Declared *#{incident.id}* ({incident.severity}). {what} being opened.")


def ask_again(twin: SameAgain, private: bool | None) -> Reply:
    """A second identical declaration within a minute is asked about, not made."""
    where = f"<#{twin.incident.channel_id}>" if twin.incident.channel_name else f"#{twin.incident.id}"
    words = f":thinking_face: {literal(twin.reason)} It is {where}."
    known = twin.incident
    value = {"severity": known.severity, "title": known.title, "private": private, "beside": known.id}
    again = parts.button("Declare another", "incident.again", {**value}, "danger")
    return Reply(words, parts.pack([parts.marked(words), parts.actions([again])]))


SUBCOMMAND = Subcommand(
    "declare", "declare [private] P1 What is broken", "opens an incident; without words, a form", handle
)
