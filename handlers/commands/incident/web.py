"""/incident web: a link to the incident's page, for the asking person alone."""

from __future__ import annotations

from bot.slack.text import escape, show_time
from bot.store.tables import Incident
from handlers.commands.numbers import read_number
from handlers.commands.subcommand import Subcommand
from handlers.request import Reply, Request


def handle(request: Request) -> Reply:
    if request.text:
        number = read_number(request.text, "an incident", "/incident web 12")
        return give_link(request, request.reading.find(number))
    return give_link(request, request.incident)


def give_link(request: Request, incident: Incident | None) -> Reply:
    """To the page of the incident; to the list where none is meant."""
    url, until = request.services.web_access.make_link(request.person, incident.id if incident else None)
    title = f"#{incident.id} on the web" if incident else "Incidents on the web"
    return Reply(
        f":globe_with_meridians: <{escape(url)}|{title}>, until {show_time(until)}. The link is yours alone: whoever "
        "has it sees what you may see, so do not pass it on."
    )


SUBCOMMAND = Subcommand("web", "web [12]", "gives you a link to a page about the incident", handle)
