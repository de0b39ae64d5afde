"""/incident link: an address that responders want at hand."""

from __future__ import annotations

from handlers.commands.subcommand import Subcommand, split_first
from handlers.request import Reply, Request


def handle(request: Request) -> Reply:
    incident = request.need_incident()
    url, title = split_first(request.text)
    request.desk.links.add(incident.id, actor=request.person.key, url=url.strip("<>"), title=title)
    return Reply(f":link: In the summary of #{incident.id}.")


SUBCOMMAND = Subcommand("link", "link URL [TITLE]", "keeps an address at hand", handle)
