"""`holdfast templates …`: the prose that goes out, as it is and as it would read."""

from __future__ import annotations

from typing import Any

import click

from bot.comms.outgoing import OutgoingBulletin
from bot.comms.phrasing import Phrasing
from bot.comms.templates_check import check_template, check_templates, list_samples, list_templates
from bot.outcome import Refused
from bot.store.documents import BulletinStage
from bot.terminal.session import NUMBER, TerminalSession, answer, guarded, json_option, pass_session


@click.group()
def templates() -> None:
    """Look at the prose that goes out. HOLDFAST_TEMPLATES names a folder with your own."""


@templates.command(name="list")
@json_option
@pass_session
@guarded
def list_all(session: TerminalSession, as_json: bool) -> None:
    """Name every template, and whether it is yours."""
    own = session.services.settings.templates_path
    found = {name: bool(own and (own / name).is_file()) for name in list_templates()}
    words = "\n".join(f"{'yours' if is_own else 'ours '}  {name}" for name, is_own in found.items())
    facts = {"templates": [{"name": name, "yours": is_own} for name, is_own in found.items()]}
    answer(as_json, facts, words)


@templates.command()
@click.argument("name", required=False)
@click.option("--html", "only_html", is_flag=True, help="Only what is HTML, to be opened in a browser.")
@click.option("--incident", "number", type=NUMBER, help="With the state of this incident instead of samples.")
@pass_session
@guarded
def preview(session: TerminalSession, name: str | None, only_html: bool, number: int | None) -> None:
    """Print templates as they would read. NAME: one of them, or the beginning of some, such as email/bulletin."""
    prose = session.services.prose
    check_templates(prose, session.services.settings.templates_path)
    for chosen in _choose(name or "email/bulletin/", only_html, number):
        values = _read_values(session, number) if number else list_samples(chosen)[:1]
        for one in values:
            text = check_template(prose, chosen, one)
            click.echo(text if only_html else f"--- {chosen}\n{text}")


def _choose(name: str, only_html: bool, number: int | None) -> list[str]:
    found = [one for one in list_templates() if one.startswith(name) and (not only_html or one.endswith(".html"))]
    if number:
        found = [one for one in found if "/bulletin/" in one]
    if not found:
        raise Refused(f"There is no such template as {name}.", "holdfast templates list shows them all.")
    return found


def _read_values(session: TerminalSession, number: int) -> list[dict[str, Any]]:
    services = session.services
    incident = services.desk.find(number)
    stage: BulletinStage = "update" if incident.is_open else "resolved"
    with services.database.read() as store:
        statement = services.bulletins.state(store, incident, stage, incident.last_update)
    outgoing = OutgoingBulletin(0, incident.id, stage, statement)
    phrasing = Phrasing(services.policy, services.prose)
    subject = phrasing.line("email", "subject.txt", outgoing)
    return [{**phrasing.values(outgoing), "subject": subject}]
