"""`holdfast incident oncall` and `snooze`: who is on call, and putting an update off."""

from __future__ import annotations

import click

from bot.incidents.on_call import Duty
from bot.outcome import Refused
from bot.policy import Policy, parse_duration
from bot.terminal.chosen import find_meant, number_option
from bot.terminal.incident import incident
from bot.terminal.session import TerminalSession, answer, guarded, json_option, pass_session


@incident.command()
@json_option
@pass_session
@guarded
def oncall(session: TerminalSession, as_json: bool) -> None:
    """Say who is on call for each role."""
    duties, policy = session.services.on_call.list_all(), session.services.policy
    facts = {
        duty.role: {"person": duty.person.key if duty.person else None, "how": duty.source, "trouble": duty.trouble}
        for duty in duties
    }
    answer(as_json, {"on_call": facts}, "\n".join(_show(duty, policy) for duty in duties))


@incident.command()
@click.argument("lasting")
@click.argument("reason", nargs=-1, required=True)
@number_option
@json_option
@pass_session
@guarded
def snooze(session: TerminalSession, lasting: str, reason: tuple[str, ...], number: int | None, as_json: bool) -> None:
    """Put the next update off: holdfast incident snooze 30m waiting for the vendor"""
    try:
        length = parse_duration(lasting)
    except ValueError as error:
        raise Refused(f"{error}.", "Example: holdfast incident snooze 30m waiting for the vendor.") from error
    meant = find_meant(session, number)
    until = session.services.updates.snooze(meant.id, session.person, length, " ".join(reason))
    answer(
        as_json,
        {"incident": meant.id, "until": until},
        f"The update of #{meant.id} is put off until {until:%H:%M} UTC.",
    )


def _show(duty: Duty, policy: Policy) -> str:
    who = duty.person.name if duty.person else "nobody"
    trouble = f"  ! {duty.trouble}" if duty.trouble else ""
    return f"{policy.roles[duty.role].title:20} {who:20} {duty.source}{trouble}"
