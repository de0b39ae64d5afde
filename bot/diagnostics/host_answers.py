"""Asking every host of the application the same, side by side; one that hangs holds no other up."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from bot.diagnostics.check import Surroundings
from bot.outcome import Failed, Refused
from bot.store.documents import FindingState
from bot.systems.hosts.command import Output
from bot.systems.hosts.opening import OpenHost

GRAVEST_FIRST: tuple[FindingState, ...] = ("critical", "warning", "unknown", "ok")


@dataclass(frozen=True)
class HostAnswer:
    """What one host came to."""

    state: FindingState
    words: str
    evidence: tuple[str, ...] = ()
    signs: tuple[str, ...] = ()


Read = Callable[[OpenHost, Output], HostAnswer]


def ask_hosts(surroundings: Surroundings, command: str, read: Read, timeout_s: float) -> list[HostAnswer]:
    """Run one of the policy's commands on each host and read what it printed; the gravest answer first."""
    hosts = surroundings.hosts()
    if not hosts:
        return [HostAnswer("unknown", "The policy names no host of the application (`hosts`).")]
    with ThreadPoolExecutor(max_workers=len(hosts)) as pool:
        answers = list(pool.map(lambda host: _ask(surroundings, host, command, read, timeout_s), hosts))
    return sorted(answers, key=lambda one: GRAVEST_FIRST.index(one.state))


def gravest(answers: list[HostAnswer]) -> FindingState:
    """The state of a finding about all of them."""
    return next(state for state in GRAVEST_FIRST if any(one.state == state for one in answers))


def _ask(surroundings: Surroundings, host: OpenHost, command: str, read: Read, timeout_s: float) -> HostAnswer:
    """What it printed is read without its secrets: once a line is cut, they may not be known as such any more."""
    try:
        output, redact = host.run(command, timeout_s), surroundings.redactor.redact
        return read(host, replace(output, text=redact(output.text), errors=redact(output.errors)))
    except (Refused, Failed) as trouble:
        return HostAnswer("unknown", f"{host.host.title}: {trouble.reason}")
