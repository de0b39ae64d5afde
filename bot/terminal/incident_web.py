"""`holdfast incident web`: a link to the incident pages, for whoever is at the keyboard."""

from __future__ import annotations

import click

from bot.terminal.chosen import reading_of
from bot.terminal.incident import incident
from bot.terminal.session import NUMBER, TerminalSession, answer, guarded, json_option, pass_session


@incident.command()
@click.argument("number", type=NUMBER, required=False)
@json_option
@pass_session
@guarded
def web(session: TerminalSession, number: int | None, as_json: bool) -> None:
    """Print a link to the incident's page, for you alone: holdfast incident web 12"""
    meant = reading_of(session).find(number) if number else None
    url, until = session.services.web_access.make_link(session.person, meant.id if meant else None)
    facts = {"url": url, "until": until.isoformat(), "incident": number}
    answer(as_json, facts, f"{url}\nUntil {until:%Y-%m-%d %H:%M} UTC, for {session.person.name} alone.")
