"""`holdfast incident publish` and `holdfast incident bulletins`: what the public hears, for when Slack is down."""

from __future__ import annotations

from typing import Any

import click

from bot.comms.reach import list_reach
from bot.comms.wording import Wording
from bot.store.tables import Bulletin
from bot.terminal.chosen import WORK_LIMIT_S, find_meant, number_option
from bot.terminal.incident import incident
from bot.terminal.session import TerminalSession, answer, guarded, json_option, pass_session


@incident.command()
@click.option("--text", default="", help="How things stand; without it the draft that waits goes out as it is.")
@number_option
@json_option
@pass_session
@guarded
def publish(session: TerminalSession, text: str, number: int | None, as_json: bool) -> None:
    """Publish the newest draft, or how things stand now."""
    services = session.services
    services.bulletins.require_publisher(session.person)
    meant = find_meant(session, number)
    draft = services.bulletins.draft(meant.id, actor=session.person.key, text=text)
    published = services.bulletins.publish(draft.id, person=session.person, wording=Wording())
    reach = [one.words for one in list_reach(services.bulletins.audiences, services.lacking_channels, published)]
    session.settle(lambda: True, WORK_LIMIT_S)
    words = "\n".join([f"Published about #{meant.id}: {published.statement.text}", *reach])
    answer(as_json, {**_describe(published), "reach": reach}, words)


@incident.command()
@number_option
@json_option
@pass_session
@guarded
def bulletins(session: TerminalSession, number: int | None, as_json: bool) -> None:
    """Show what was said about an incident, and what waits to be said."""
    found = session.services.bulletins.list_all(find_meant(session, number).id)
    words = "\n".join(map(_show, found))
    answer(as_json, {"bulletins": [_describe(one) for one in found]}, words or "Nothing was said yet.")


def _show(one: Bulletin) -> str:
    whom = ", ".join(one.audiences)
    return f"{one.id:4} {one.state:9} {one.made_at:%Y-%m-%d %H:%M} UTC  to {whom}: {one.statement.text}"


def _describe(one: Bulletin) -> dict[str, Any]:
    return {
        "bulletin": one.id, "incident": one.incident_id, "stage": one.stage, "state": one.state,
        "audiences": one.audiences, "made_by": one.made_by, "made_at": one.made_at.isoformat(),
        "decided_by": one.decided_by, "decided_at": one.decided_at.isoformat() if one.decided_at else None,
        "statement": one.statement.model_dump(mode="json"),
    }  # fmt: skip
