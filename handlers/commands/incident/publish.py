"""/incident publish: the form with what goes out to the public: the draft that waits, or how things stand now."""

from __future__ import annotations

from handlers.commands.subcommand import Subcommand
from handlers.modals import publish as modal
from handlers.request import Reply, Request


def handle(request: Request) -> Reply:
    incident = request.need_incident()
    draft = request.services.bulletins.draft(incident.id, actor=request.person.key, text=request.text)
    return modal.open_modal(request, draft)


SUBCOMMAND = Subcommand(
    "publish", "publish [TEXT]", "opens what goes out to the public, to be changed and published", handle,
    who="those whom the policy lets publish",
)  # fmt: skip
