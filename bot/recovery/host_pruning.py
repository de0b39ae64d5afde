"""What deploys and repairs have left on an application's hosts, and what of it may go now."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable
from typing import Any

from pydantic import BaseModel, ConfigDict

from bot.outcome import Failed, Refused
from bot.policy import Leftovers
from bot.recovery.action import Context, Facts, World
from bot.recovery.on_hosts import look_with, open_application_hosts, run_program
from bot.systems.hosts.leftovers import PROGRAM, describe_rules
from bot.systems.hosts.opening import OpenHost
from bot.words import show_count, show_size

LOOK_S = 120.0
"""Whatever is to go is measured file by file."""
REMOVE_S = 900.0
MARK = re.compile(r".*\.before-run([0-9]+)-[0-9a-f]+")
WORDS = {
    "secrets": ("copy of old secrets", "copies of old secrets"),
    "release": ("release", "releases"),
    "environment": ("virtual environment", "virtual environments"),
    "unfinished": ("unfinished deployment", "unfinished deployments"),
}


class Leftover(BaseModel):
    """One thing on a host that may go."""

    model_config = ConfigDict(frozen=True)
    kind: str
    name: str
    age_s: int
    size_bytes: int

    @property
    def key(self) -> tuple[str, str]:
        """By which it is known on its host."""
        return self.kind, self.name


class OnHost(BaseModel):
    """What one host has of it."""

    model_config = ConfigDict(frozen=True)
    found: tuple[Leftover, ...]
    spared: tuple[str, ...] = ()
    """Copies that a run under way may need."""
    more: int
    used: tuple[str, ...]
    """Releases that stay in any case: what runs, and what ran before."""
    blind: bool
    """Whether old releases stay since processes may work in them of which the host does not show where they do."""
    hidden: tuple[str, ...] = ()
    """Some of those processes."""
    links: tuple[str, ...]

    @property
    def size_bytes(self) -> int:
        return sum(one.size_bytes for one in self.found)


class HostPruning(BaseModel):
    """What was seen: each host by its key, and by their titles why others gave no answer."""

    model_config = ConfigDict(frozen=True)
    hosts: dict[str, OnHost]
    silent: dict[str, str]

    @property
    def count(self) -> int:
        """How much there is to go."""
        return sum(len(one.found) for one in self.hosts.values())

    @property
    def size_bytes(self) -> int:
        """What the hosts have to spare afterwards."""
        return sum(one.size_bytes for one in self.hosts.values())


def read_host_pruning(observed: Facts) -> HostPruning:
    """As the plan saw it."""
    return HostPruning.model_validate(observed)


def find_host_pruning(world: World, application: str, *, old_secrets: bool) -> HostPruning:
    """Look at each host; changes nothing. Raises `Refused` where none answers, or the policy names none.

    `old_secrets`: nothing but the copies of the environment file, whatever their age.
    """
    hosts, silent, busy = dict[str, OnHost](), dict[str, str](), set(world.under_way())
    for host in open_application_hosts(world, application):
        try:
            seen = look_with(host, PROGRAM, "look", _spec(world, host, old_secrets=old_secrets), timeout_s=LOOK_S)
        except (Refused, Failed) as error:
            silent[host.host.title] = error.reason
            continue
        hosts[host.key] = spare_busy(OnHost.model_validate(seen), busy)
    if not hosts:
        told = "; ".join(f"{title}, {reason}" for title, reason in silent.items())
        raise Refused(f"No host could be looked at: {told}", "Nothing was removed.")
    return HostPruning(hosts=hosts, silent=silent)


def spare_busy(seen: OnHost, busy: Collection[int]) -> OnHost:
    """Without what a run under way would put back."""
    needed = [one.name for one in seen.found if (run := MARK.fullmatch(one.name)) and int(run[1]) in busy]
    going = tuple(one for one in seen.found if one.name not in needed)
    return seen.model_copy(update={"found": going, "spared": tuple(needed)})


def remove_leftovers(context: Context[Any], host: OpenHost, doomed: Iterable[Leftover]) -> None:
    """What of it nothing uses by now; may be done again."""
    keys = [one.key for one in doomed]
    run_program(context, host, PROGRAM, "remove", _spec(context.world, host, keys), timeout_s=REMOVE_S)


def list_left(world: World, host: OpenHost, doomed: Iterable[Leftover]) -> list[str]:
    """Names of what of it is still there."""
    keys = [one.key for one in doomed]
    left = look_with(host, PROGRAM, "left", _spec(world, host, keys))["left"]
    assert isinstance(left, list)
    return [str(one[1]) for one in left if isinstance(one, list)]


def count_kinds(found: Iterable[Leftover]) -> str:
    """`2 releases (310.0 MB), 1 copy of old secrets (1.2 kB)`."""
    there = list(found)
    return ", ".join(
        f"{show_count(len(of), *WORDS[kind])} ({show_size(sum(one.size_bytes for one in of))})"
        for kind in WORDS
        if (of := [one for one in there if one.kind == kind])
    )


def _spec(world: World, host: OpenHost, doomed: Iterable[tuple[str, str]] = (), *, old_secrets: bool = False) -> str:
    rules: Leftovers = world.policy.infrastructure.leftovers
    spec = describe_rules(rules, host.application, only_secrets=old_secrets)
    return json.dumps({**spec, "measure": True, "doomed": list(doomed)})
