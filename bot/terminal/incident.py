"""`holdfast incident …`: the incident desk, for when Slack is down."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from bot.clock import utc_now
from bot.comms.delivery_log import Told
from bot.incidents.desk import STATUSES, SameAgain
from bot.outcome import Failed, Refused
from bot.postmortem.drafts import file_name
from bot.store.tables import LedgerEntry, Postmortem
from bot.terminal.chosen import WORK_LIMIT_S, answer_incident, describe, find_meant, number_option, reading_of
from bot.terminal.session import TerminalSession, answer, guarded, json_option, pass_session


@click.group()
def incident() -> None:
    """Declare incidents and change them."""


@incident.command()
@click.argument("severity")
@click.argument("title", nargs=-1, required=True)
@click.option("--category", help="A category of the policy, such as database.")
@click.option("--impact", default="", help="Whom it hurts, and how.")
@click.option("--component", "components", multiple=True, help="What is affected; may be given several times.")
@click.option("--private/--public", default=None, help="Only members may know of it, or everybody.")
@click.option("--again", is_flag=True, help="Declare it although an identical one is a minute old.")
@json_option
@pass_session
@guarded
def declare(
    session: TerminalSession, severity: str, title: tuple[str, ...], category: str | None, impact: str,
    components: tuple[str, ...], private: bool | None, again: bool, as_json: bool,
) -> None:  # fmt: skip
    """Open an incident: holdfast incident declare P1 Database connection failure"""
    try:
        made = session.services.desk.declare(
            actor=session.person.key, severity=severity, title=" ".join(title), category=category,
            impact=impact, components=list(components), private=private, confirmed=again,
        )  # fmt: skip
    except SameAgain as twin:
        raise Refused(twin.reason, "Add --again if a second one is meant.") from twin
    session.settle(lambda: session.services.desk.find(made.id).channel_id is not None, 5.0)
    answer_incident(as_json, session.services.desk.find(made.id), "declared")


@incident.command()
@click.argument("text", nargs=-1, required=True)
@number_option
@json_option
@pass_session
@guarded
def update(session: TerminalSession, text: tuple[str, ...], number: int | None, as_json: bool) -> None:
    """Say how things stand."""
    meant = find_meant(session, number)
    answer_incident(
        as_json, session.services.desk.update(meant.id, actor=session.person.key, text=" ".join(text)), "updated"
    )
    session.settle(lambda: True, WORK_LIMIT_S)


@incident.command()
@click.argument("text", nargs=-1, required=True)
@number_option
@json_option
@pass_session
@guarded
def note(session: TerminalSession, text: tuple[str, ...], number: int | None, as_json: bool) -> None:
    """Add a fact to the timeline."""
    meant = find_meant(session, number)
    entry = session.services.desk.note(meant.id, actor=session.person.key, text=" ".join(text))
    answer(as_json, _describe_entry(entry), f"On the timeline of #{meant.id} as entry {entry.seq}.")


@incident.command()
@click.argument("status", type=click.Choice(STATUSES))
@click.argument("reason", nargs=-1)
@number_option
@json_option
@pass_session
@guarded
def status(session: TerminalSession, status: str, reason: tuple[str, ...], number: int | None, as_json: bool) -> None:
    """Change the status; going back needs a reason."""
    meant = find_meant(session, number)
    answer_incident(
        as_json,
        session.services.desk.set_status(meant.id, actor=session.person.key, status=status, reason=" ".join(reason)),
        status,
    )
    session.settle(lambda: True, WORK_LIMIT_S)


@incident.command()
@click.argument("text", nargs=-1)
@number_option
@json_option
@pass_session
@guarded
def resolve(session: TerminalSession, text: tuple[str, ...], number: int | None, as_json: bool) -> None:
    """End it; the post-mortem draft is written."""
    services, meant = session.services, find_meant(session, number)
    resolved = services.desk.resolve(meant.id, actor=session.person.key, text=" ".join(text))
    session.settle(lambda: services.drafts.latest(meant.id) is not None, WORK_LIMIT_S)
    answer_incident(as_json, resolved, "resolved")


@incident.command(name="list")
@click.option("--all", "everything", is_flag=True, help="The recent ones too, not only the open.")
@json_option
@pass_session
@guarded
def list_incidents(session: TerminalSession, everything: bool, as_json: bool) -> None:
    """Show the open incidents."""
    reading = reading_of(session)
    found = reading.list_recent() if everything else reading.list_open()
    facts = {"incidents": [describe(one) for one in found]}
    words = "\n".join(f"#{one.id} {one.severity} {one.status:13} {one.title}" for one in found)
    answer(as_json, facts, words or "No incident is open.")


@incident.command()
@number_option
@json_option
@pass_session
@guarded
def timeline(session: TerminalSession, number: int | None, as_json: bool) -> None:
    """Show what has happened."""
    entries = reading_of(session).timeline(find_meant(session, number).id)
    words = "\n".join(f"{one.happened_at:%Y-%m-%d %H:%M:%S} UTC  {one.text}  ({one.actor})" for one in entries)
    answer(as_json, {"entries": [_describe_entry(one) for one in entries]}, words)


@incident.command()
@number_option
@json_option
@pass_session
@guarded
def deliveries(session: TerminalSession, number: int | None, as_json: bool) -> None:
    """Show whom everything that was said has reached, and what waits."""
    log, meant = session.services.deliveries, find_meant(session, number)
    told = log.of_incident(meant.id)
    facts = {"incident": meant.id, "deliveries": [_describe_told(one) for one in told], "lacking": log.lacking}
    lines = [
        f"{one.said_at:%Y-%m-%d %H:%M:%S} UTC  {one.state:8}  {one.channel} to {one.recipient}: {one.what}"
        + (f"  ({one.note})" if one.note else "")
        for one in told
    ]
    lines += [f"{channel} is not set up: {reason}" for channel, reason in log.lacking.items()]
    answer(as_json, facts, "\n".join(lines) or "Nothing has been said.")


@incident.command()
@number_option
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="The file to write, charts beside it.")
@json_option
@pass_session
@guarded
def postmortem(session: TerminalSession, number: int | None, output: Path | None, as_json: bool) -> None:
    """Print the post-mortem draft, or write it to a file with its charts."""
    reading = reading_of(session)
    newest = reading.list_recent(1)
    if number is None and not newest:
        raise Refused("There has been no incident yet.", "holdfast incident declare opens one.")
    meant = newest[0] if number is None else reading.find(number)
    draft = session.services.drafts.latest(meant.id)
    if draft is None:
        raise Refused(f"#{meant.id} has no post-mortem draft yet.", "Resolving it writes one.")
    facts = {"incident": meant.id, "markdown": draft.markdown}
    if output is None:
        answer(as_json, facts, draft.markdown)
        return
    written = _write_draft(session, draft, output)
    answer(as_json, facts | {"files": written}, f"Written: {', '.join(written)}")


def _write_draft(session: TerminalSession, draft: Postmortem, output: Path) -> list[str]:
    """The document, and beside it the pictures that it names."""
    services = session.services
    with services.database.read() as store:
        kept = services.drafts.list_charts(store, draft.incident_id)
    charts = [(one, one.picture) for one in kept if one.picture is not None]
    try:
        output.write_text(draft.markdown, encoding="utf-8")
        for chart, picture in charts:
            output.with_name(file_name(chart)).write_bytes(picture)
    except OSError as error:
        raise Failed(f"{output} cannot be written: {error.strerror}.", "It may be there in part.") from error
    return [str(output), *(str(output.with_name(file_name(one))) for one, _ in charts)]


def _describe_told(one: Told) -> dict[str, Any]:
    age_s = (utc_now() - one.said_at).total_seconds()
    return {**asdict(one), "said_at": one.said_at.isoformat(), "age_s": round(age_s), "note": one.note}


def _describe_entry(entry: LedgerEntry) -> dict[str, Any]:
    return {
        "seq": entry.seq, "kind": entry.kind, "actor": entry.actor, "text": entry.text,
        "happened_at": entry.happened_at.isoformat(), "recorded_at": entry.recorded_at.isoformat(),
    }  # fmt: skip
