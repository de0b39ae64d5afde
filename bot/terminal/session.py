"""What every terminal command shares: the services, who is at the keyboard, and how answers are printed."""

from __future__ import annotations

import getpass
import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, wraps
from typing import Any, ParamSpec

import click
import sqlalchemy as sa
from slack_bolt import App

from bot.outcome import Failed, Refused
from bot.policy import Person, PolicyError
from bot.services import Services
from bot.settings import SettingsError
from bot.store.opening import explain

P = ParamSpec("P")
REFUSED, FAILED = 2, 1
SETTLE_S = 1.0


@dataclass(frozen=True)
class Parts:
    """What only the composition root knows how to build."""

    build_services: Callable[[], Services]
    build_bolt: Callable[[Services], App]


class TerminalSession:
    """One invocation of `holdfast`."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.status = FAILED
        """What this process ends with; good once the command has come to its end."""

    @cached_property
    def services(self) -> Services:
        return self.parts.build_services()

    @property
    def person(self) -> Person:
        """The person of the policy whose `os_user` runs this process. Raises `Refused` for anybody else."""
        user = getpass.getuser()
        person = self.services.policy.person_by_os_user(user)
        if person is None:
            raise Refused(
                f"The operating system's user {user} is nobody in the policy.",
                "Set `os_user` of a person in the policy file.",
            )
        return person

    @property
    def viewer(self) -> str:
        """Key of whoever is at the keyboard; empty for somebody outside the policy, who sees nothing private."""
        try:
            return self.person.key
        except Refused:
            return ""

    def settle(self, until: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until it is done. Where no bot is running, this process does the bot's work meanwhile."""
        engine, deadline = self.services.engine, time.monotonic() + timeout_s
        leading = engine.is_leader or self._take_the_lead()
        while not until() and time.monotonic() < deadline:
            time.sleep(0.05)
        done = until()
        while leading and engine.pending() and time.monotonic() < deadline:
            time.sleep(0.05)
        return done

    def _take_the_lead(self) -> bool:
        """Until the command has said what came of it; stopping may end this process."""
        engine = self.services.engine
        leading = engine.lead(wait=False)
        if leading:
            click.get_current_context().call_on_close(lambda: engine.stop(self.status))
        return leading


def answer(as_json: bool, facts: Mapping[str, Any], words: str) -> None:
    """Print the outcome, for people or for programs."""
    click.echo(json.dumps(facts, indent=1, default=str) if as_json else words)


def guarded(command: Callable[P, None]) -> Callable[P, None]:
    """The one error boundary of the terminal: exit 2 for refused, 1 for failed, with the words on stderr."""

    @wraps(command)
    def run(*arguments: P.args, **options: P.kwargs) -> None:
        session = click.get_current_context().ensure_object(TerminalSession)
        try:
            command(*arguments, **options)
            session.status = 0
        except (Refused, PolicyError, SettingsError) as refusal:
            _leave(session, "Refused", refusal, REFUSED)
        except Failed as failure:
            _leave(session, "Failed", failure, FAILED)
        except sa.exc.DBAPIError as error:
            _leave(session, "Failed", explain(error), FAILED)

    return run


def _leave(session: TerminalSession, outcome: str, error: Exception, status: int) -> None:
    words = error.words if isinstance(error, (Refused, Failed)) else str(error)
    click.echo(f"{outcome}: {words.replace('`', '')}", err=True)
    session.status = status
    sys.exit(status)


NUMBER = click.IntRange(1, 2**31 - 1)
"""The number of an incident, a plan or a run."""
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
pass_session = click.make_pass_decorator(TerminalSession)
