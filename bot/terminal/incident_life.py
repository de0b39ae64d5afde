"""`holdfast incident …`, how it goes on: severity, reopening, roles, details, links, members, merging, closing."""

from __future__ import annotations

import click

from bot.incidents.details import Wanted
from bot.outcome import Refused
from bot.policy import Person
from bot.terminal.chosen import WORK_LIMIT_S, answer_incident, describe, find_meant, number_option, reading_of
from bot.terminal.incident import incident
from bot.terminal.session import NUMBER, TerminalSession, answer, guarded, json_option, pass_session


@incident.command()
@click.argument("severity")
@click.argument("reason", nargs=-1)
@number_option
@json_option
@pass_session
@guarded
def severity(
    session: TerminalSession, severity: str, reason: tuple[str, ...], number: int | None, as_json: bool
) -> None:
    """Change the severity, with a reason."""
    meant = find_meant(session, number)
    changed = session.services.desk.severities.change(
        meant.id, actor=session.person.key, severity=severity, reason=" ".join(reason)
    )
    answer_incident(as_json, changed, f"severity is {changed.severity} now")
    session.settle(lambda: True, WORK_LIMIT_S)


@incident.command()
@click.argument("reason", nargs=-1)
@click.option("--incident", "number", type=NUMBER, required=True, help="Its number.")
@json_option
@pass_session
@guarded
def reopen(session: TerminalSession, reason: tuple[str, ...], number: int, as_json: bool) -> None:
    """Go on with a resolved one."""
    meant = find_meant(session, number)
    opened = session.services.desk.reopen(meant.id, actor=session.person.key, reason=" ".join(reason))
    answer_incident(as_json, opened, "open again")
    session.settle(lambda: True, WORK_LIMIT_S)


@incident.command()
@click.argument("role")
@click.argument("person", required=False)
@number_option
@json_option
@pass_session
@guarded
def role(session: TerminalSession, role: str, person: str | None, number: int | None, as_json: bool) -> None:
    """Take a role, give it to PERSON, or give it up with `none`."""
    meant, roles, actor = find_meant(session, number), session.services.desk.roles, session.person.key
    if person == "none":
        changed = roles.give_up(meant.id, actor=actor, role=role)
    else:
        holder = find_person(session, person) if person else session.person
        changed = roles.assign(meant.id, actor=actor, role=role, person=holder.key)
    answer_incident(as_json, changed, "roles changed")
    session.settle(lambda: True, WORK_LIMIT_S)


@incident.command()
@click.option("--title", help="Another title; the channel follows.")
@click.option("--impact", help="Whom it hurts, and how.")
@click.option("--next", "next_steps", help="What is done next.")
@click.option("--eta", help="When it should be over.")
@click.option("--component", "components", multiple=True, help="What is affected; `none` for nothing.")
@number_option
@json_option
@pass_session
@guarded
def details(
    session: TerminalSession, title: str | None, impact: str | None, next_steps: str | None, eta: str | None,
    components: tuple[str, ...], number: int | None, as_json: bool,
) -> None:  # fmt: skip
    """Change title, impact, next steps, estimated recovery and components."""
    meant = find_meant(session, number)
    named = [] if components == ("none",) else list(components) or None
    wanted = Wanted(title=title, impact=impact, next_steps=next_steps, estimated_recovery=eta, components=named)
    changed = session.services.desk.details.change(meant.id, actor=session.person.key, wanted=wanted)
    answer_incident(as_json, changed, "details changed")
    session.settle(lambda: True, WORK_LIMIT_S)


@incident.command()
@click.argument("url")
@click.argument("title", nargs=-1)
@number_option
@json_option
@pass_session
@guarded
def link(session: TerminalSession, url: str, title: tuple[str, ...], number: int | None, as_json: bool) -> None:
    """Keep an address at hand."""
    meant = find_meant(session, number)
    kept = session.services.desk.links.add(meant.id, actor=session.person.key, url=url, title=" ".join(title))
    answer(as_json, {"incident": meant.id, "url": kept.url}, f"#{meant.id} has the link {kept.url}.")
    session.settle(lambda: True, WORK_LIMIT_S)


@incident.command()
@click.argument("change", type=click.Choice(("list", "add", "remove")), default="list")
@click.argument("person", required=False)
@number_option
@json_option
@pass_session
@guarded
def members(session: TerminalSession, change: str, person: str | None, number: int | None, as_json: bool) -> None:
    """Show who may know of a private one, add or remove PERSON."""
    meant, desk = find_meant(session, number), session.services.desk
    if change != "list":
        whom, actor = find_person(session, person or ""), session.person.key
        act = desk.members.add if change == "add" else desk.members.remove
        act(meant.id, actor=actor, person=whom.key)
        session.settle(lambda: True, WORK_LIMIT_S)
    keys = desk.members.of(meant.id)
    answer(as_json, {"incident": meant.id, "members": keys}, ", ".join(keys) or f"#{meant.id} is not private.")


@incident.command()
@click.argument("into", type=NUMBER)
@click.option("--incident", "number", type=NUMBER, required=True, help="Number of the duplicate.")
@json_option
@pass_session
@guarded
def merge(session: TerminalSession, into: int, number: int, as_json: bool) -> None:
    """Say that one is the same as INTO; it cannot be taken back."""
    target = session.services.desk.merging.merge(number, actor=session.person.key, into=into)
    answer_incident(as_json, target, f"#{number} is part of it")
    session.settle(lambda: True, WORK_LIMIT_S)


@incident.command()
@click.argument("reason", nargs=-1)
@click.option("--incident", "number", type=NUMBER, required=True, help="Its number.")
@json_option
@pass_session
@guarded
def close(session: TerminalSession, reason: tuple[str, ...], number: int, as_json: bool) -> None:
    """Tidy up a resolved one; a false alarm closes with a reason."""
    closed = session.services.desk.closing.close(number, actor=session.person.key, reason=" ".join(reason))
    answer_incident(as_json, closed, "closed")
    session.settle(lambda: True, WORK_LIMIT_S)


@incident.command()
@click.argument("words", nargs=-1, required=True)
@json_option
@pass_session
@guarded
def search(session: TerminalSession, words: tuple[str, ...], as_json: bool) -> None:
    """Find incidents, old ones too."""
    found = reading_of(session).search(" ".join(words))
    lines = "\n".join(f"#{one.id} {one.severity} {one.status:13} {one.title}" for one in found)
    answer(as_json, {"incidents": [describe(one) for one in found]}, lines or "Nothing was found.")


def find_person(session: TerminalSession, name: str) -> Person:
    """Raises `Refused` for nobody of the policy."""
    person = session.services.policy.person_by_any_name(name)
    if person is None:
        raise Refused(f"{name!r} is nobody in the policy.", "`holdfast policy show` lists the people.")
    return person
