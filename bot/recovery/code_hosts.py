"""The hosts that a change of code is for: those that answer.

One that does not answer is no reason to leave the others with what is broken. It is left out, and everybody is told:
who approves, who reads the proof, and by the diagnosis (`code_deployed`) who finds it back with its old code.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydantic import JsonValue

from bot.outcome import Failed, Refused
from bot.policy import Policy
from bot.recovery.action import Context, Facts, World
from bot.recovery.on_hosts import list_application_hosts
from bot.recovery.releases import current_of
from bot.store.documents import Verdict
from bot.systems.hosts.opening import OpenHost, open_host
from bot.systems.hosts.releases import is_astray, read_releases


@dataclass(frozen=True)
class Asked:
    """What hosts said of their releases, by key, and of those that did not answer, why."""

    hosts: list[OpenHost]
    seen: dict[str, Facts]
    away: dict[str, str]

    @property
    def running(self) -> dict[str, str | None]:
        """The name of what each has now."""
        return {key: current_of(one)[0] for key, one in self.seen.items()}

    def list_due(self, name: str) -> list[str]:
        """Keys of those that have another release, or have this one and work in another."""
        return [key for key, one in self.seen.items() if current_of(one)[0] != name or is_astray(one)]

    def prove(self, policy: Policy, label: str) -> list[Verdict]:
        """That every host has what is called `label`, where all were asked and none of them is due."""
        return [Verdict(name=policy.hosts[key].title, expected=label, found=label, good=True) for key in self.seen]


def ask_hosts(world: World, application: str) -> Asked:
    """All at once, so that one that hangs holds no other up. Raises `Failed` where none answers."""
    keys = list_application_hosts(world, application)
    with ThreadPoolExecutor(max_workers=len(keys)) as pool:
        answers = dict(zip(keys, pool.map(partial(_ask, world), keys), strict=True))
    found = {key: one for key, one in answers.items() if not isinstance(one, (Refused, Failed))}
    away = {key: one.reason for key, one in answers.items() if isinstance(one, (Refused, Failed))}
    if not found:
        said = " ".join(f"{world.policy.hosts[key].title}: {reason}" for key, reason in away.items())
        raise Failed(f"No host answers. {said}", "", "`/dr diagnose application` looks at them.")
    return Asked([host for host, _ in found.values()], {key: seen for key, (_, seen) in found.items()}, away)


def _ask(world: World, key: str) -> tuple[OpenHost, Facts] | Refused | Failed:
    try:
        host = open_host(world.policy, world.environment, key)
        return host, read_releases(host)
    except (Refused, Failed) as trouble:
        return trouble


def open_planned(world: World, observed: Facts, fact: str = "running") -> list[OpenHost]:
    """The hosts that were planned for, in order; by the fact `due` those that are to be switched."""
    found = observed[fact]
    assert isinstance(found, (dict, list))
    return [open_host(world.policy, world.environment, key) for key in map(str, found)]


def compare_running(planned: Facts, running: dict[str, Any]) -> list[str]:
    """In words, which hosts neither have what they had when it was planned, nor what the plan gives them."""
    before, name = planned["running"], planned["name"]
    assert isinstance(before, dict)
    gone = [f"{key} does not answer any more" for key in before if key not in running]
    others = [
        f"{key} had {release or 'no release'}, has {running[key] or 'none'}"
        for key, release in before.items()
        if key in running and running[key] not in (release, name)
    ]
    return [*gone, *others]


def is_begun(planned: Facts, running: dict[str, Any]) -> bool:
    """Whether a host has what was planned, and did not have it then."""
    before, name = planned["running"], planned["name"]
    assert isinstance(before, dict)
    return any(release != name and running.get(key) == name for key, release in before.items())


def name_left_out(world: World, observed: Facts) -> list[str]:
    """Titles of the hosts that did not answer when it was planned."""
    return [world.policy.hosts[key].title for key in _left_out(observed)]


def tell_left_out(world: World, observed: Facts, way: str) -> list[str]:
    """What whoever approves has to know; `way` is how it is brought there later."""
    return [
        f"LEFT OUT: {world.policy.hosts[key].title} does not answer ({reason}). It keeps the code that it has. When it "
        f"is back, before users get there: {way}."
        for key, reason in _left_out(observed).items()
    ]


def judge_left_out(context: Context[Any]) -> list[Verdict]:
    """One for each host that was left out: unknown, unless it answers by now."""
    name = str(context.plan.observed["name"])
    return [_judge(context.world, key, name) for key in _left_out(context.plan.observed)]


def _judge(world: World, key: str, name: str) -> Verdict:
    title = world.policy.hosts[key].title
    answer = _ask(world, key)
    if isinstance(answer, (Refused, Failed)):
        words = "unknown: it was left out, since it does not answer; not deployed there"
        return Verdict(name=title, expected=f"has {name}", found=words, good=False, unknown=True)
    current = current_of(answer[1])[0]
    words = f"it was left out, answers again, and has {current or 'no release'}"
    return Verdict(name=title, expected=f"has {name}", found=words, good=current == name)


def _left_out(observed: Facts) -> dict[str, JsonValue]:
    found = observed["left_out"]
    assert isinstance(found, dict)
    return found
