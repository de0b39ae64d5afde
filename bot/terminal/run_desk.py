"""`holdfast dr request|plan|retry|skip|undo|output`: any recovery action, and what becomes of its run."""

from __future__ import annotations

import click

from bot.outcome import Refused
from bot.recovery.parameters import find_missing, parse_words
from bot.recovery.registry import find_action
from bot.store.tables import Plan
from bot.terminal.dr import answer_plan, await_plan, dr, finish_run, follow_plan, place_of, request_plan
from bot.terminal.session import NUMBER, TerminalSession, answer, guarded, json_option, pass_session


@dr.command()
@click.argument("action")
@click.argument("parameters", nargs=-1)
@json_option
@pass_session
@guarded
def request(session: TerminalSession, action: str, parameters: tuple[str, ...], as_json: bool) -> None:
    """Ask for a recovery ACTION, with its parameters as NAME=VALUE; others approve it where the policy says so."""
    follow_plan(session, _plan(session, action, parameters, preview=False), as_json)


@dr.command()
@click.argument("what")
@click.argument("parameters", nargs=-1)
@json_option
@pass_session
@guarded
def plan(session: TerminalSession, what: str, parameters: tuple[str, ...], as_json: bool) -> None:
    """Show the plan of this number, or what an action would do now; nothing runs."""
    if what.isdigit():
        answer_plan(as_json, session.services.plans.find(NUMBER.convert(int(what), None, None), session.viewer))
    else:
        answer_plan(as_json, _plan(session, what, parameters, preview=True))


@dr.command()
@click.argument("number", type=NUMBER)
@json_option
@pass_session
@guarded
def retry(session: TerminalSession, number: int, as_json: bool) -> None:
    """Let a run that stopped go on."""
    session.services.runs.retry(number, session.person)
    finish_run(session, number, as_json)


@dr.command()
@click.argument("number", type=NUMBER)
@click.argument("step")
@json_option
@pass_session
@guarded
def skip(session: TerminalSession, number: int, step: str, as_json: bool) -> None:
    """Let a run go on without the STEP that it stopped at; others approve it."""
    place, _incident = place_of(session)
    proposed = session.services.runs.skip(number, step, session.person, place)
    session.settle(lambda: True, 0)
    answer_plan(as_json, proposed)


@dr.command()
@click.argument("number", type=NUMBER)
@json_option
@pass_session
@guarded
def undo(session: TerminalSession, number: int, as_json: bool) -> None:
    """Make the plan that takes a finished run back; others approve it."""
    place, _incident = place_of(session)
    asked = session.services.runs.undo(number, session.person, place)
    answer_plan(as_json, await_plan(session, asked.id))


@dr.command()
@click.argument("number", type=NUMBER)
@json_option
@pass_session
@guarded
def output(session: TerminalSession, number: int, as_json: bool) -> None:
    """Print what the programs and servers of a run said."""
    said = session.services.runs.read_output(number, session.viewer)
    answer(as_json, {"run": number, "output": said}, said or f"Run {number} has kept no output.")


def _plan(session: TerminalSession, name: str, parameters: tuple[str, ...], *, preview: bool) -> Plan:
    action = find_action(name)
    given = parse_words(action, list(parameters), session.services.policy)
    missing = find_missing(action, given)
    if missing:
        raise Refused(
            f"{name} needs {', '.join(missing)}.", f"For example: holdfast dr request {name} {missing[0]}=VALUE"
        )
    return request_plan(session, name, given, preview=preview)
