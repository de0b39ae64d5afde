"""`holdfast alerts …`: what monitoring says, for when Slack is down."""

from __future__ import annotations

from typing import Any

import click

from bot.alerts.reading import Described
from bot.outcome import Refused
from bot.policy import format_duration, parse_duration
from bot.terminal.session import NUMBER, TerminalSession, answer, guarded, json_option, pass_session


@click.group(invoke_without_command=True)
@click.option("--all", "everything", is_flag=True, help="The recent groups too, not only those that fire.")
@json_option
@click.pass_context
def alerts(context: click.Context, everything: bool, as_json: bool) -> None:
    """Show the alerts that fire."""
    if context.invoked_subcommand is None:
        context.invoke(list_alerts, everything=everything, as_json=as_json)


@alerts.command(name="list")
@click.option("--all", "everything", is_flag=True, help="The recent groups too, not only those that fire.")
@json_option
@pass_session
@guarded
def list_alerts(session: TerminalSession, everything: bool, as_json: bool) -> None:
    """Show the alerts that fire; the same as without a word."""
    rows = session.services.alerts.describe_groups(session.person.key, everything=everything)
    words = "\n".join(_write(row) for row in rows)
    answer(as_json, {"groups": [_describe(row) for row in rows]}, words or "No alert is firing.")


@alerts.command()
@click.argument("group", type=NUMBER)
@click.argument("time")
@json_option
@pass_session
@guarded
def mute(session: TerminalSession, group: int, time: str, as_json: bool) -> None:
    """Keep a group quiet for a while: holdfast alerts mute 7 4h"""
    try:
        how_long = parse_duration(time)
    except ValueError as error:
        raise Refused(f"{error}.", "Example: 4h.") from error
    muted = session.services.alerts.mute(group, session.person, how_long)
    facts = {"group": muted.id, "muted_until": muted.muted_until, "muted_by": muted.muted_by}
    answer(as_json, facts, f"{muted.title}: muted for {format_duration(how_long)}.")


@alerts.command()
@click.argument("group", type=NUMBER)
@json_option
@pass_session
@guarded
def unmute(session: TerminalSession, group: int, as_json: bool) -> None:
    """Let a group be heard again."""
    heard = session.services.alerts.unmute(group, session.person)
    answer(as_json, {"group": heard.id, "muted_until": None}, f"{heard.title}: not muted any more.")


def _write(row: Described) -> str:
    state = f"{row.counts.get('firing', 0)} firing, {row.counts.get('resolved', 0)} resolved"
    became = f"  ({row.became})" if row.became else ""
    return f"{row.group.id:4}  {row.group.opened_at:%Y-%m-%d %H:%M} UTC  {state:24}  {row.group.title}{became}"


def _describe(row: Described) -> dict[str, Any]:
    group = row.group
    return {
        "group": group.id, "title": group.title, "rule": group.rule, "opened_at": group.opened_at.isoformat(),
        "firing": row.counts.get("firing", 0), "resolved": row.counts.get("resolved", 0),
        "incident": row.incident_id, "muted_until": group.muted_until and group.muted_until.isoformat(),
        "muted_by": group.muted_by,
    }  # fmt: skip
