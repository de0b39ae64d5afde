"""What deploys and repairs leave on a host, as the program that finds and removes it is asked about it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass

from pydantic import JsonValue

from bot.policy import Application, Leftovers
from bot.systems.hosts.opening import OpenHost
from bot.words import show_duration

PROGRAM = "prune_host"
DAY_S = 86_400


@dataclass(frozen=True)
class Left:
    """How much a host keeps, and how much of it is more than the policy wants kept, by kind."""

    releases: int
    secrets: int
    too_much: Counter[str]
    oldest_secrets_s: float
    """Age of the oldest copy of the environment file that is too old."""
    blind: bool = False
    """Whether old releases are kept since it is not to be seen which of them processes work in."""


def describe_rules(rules: Leftovers, application: Application, *, only_secrets: bool = False) -> dict[str, JsonValue]:
    """What the program is told of the policy; with `only_secrets` it is to find nothing else, and of any age."""
    return {
        "folder": application.install_folder,
        "environment_file": application.environment_file,
        "keep_releases": rules.keep_releases,
        "releases_for_s": rules.releases_for.total_seconds(),
        "secrets_for_s": 0 if only_secrets else rules.old_secrets_for.total_seconds(),
        "unfinished_for_s": rules.unfinished_for.total_seconds(),
        "one_user": rules.one_user,
        "only_secrets": only_secrets,
    }


def count_leftovers(host: OpenHost, rules: Leftovers) -> Left:
    """Without their sizes, which take their time. Raises `Failed` and as `Machine.run` does."""
    spec = json.dumps({**describe_rules(rules, host.application), "measure": False})
    seen = host.read_with(PROGRAM, "look", spec)
    found = [one for one in _list(seen["found"]) if isinstance(one, dict)]
    ages = [float(str(one["age_s"])) for one in found if one["kind"] == "secrets"]
    return Left(
        releases=int(str(seen["releases"])), secrets=int(str(seen["secrets"])),
        too_much=Counter(str(one["kind"]) for one in found), oldest_secrets_s=max(ages, default=0.0),
        blind=bool(seen["blind"]),
    )  # fmt: skip


def show_age(age_s: float) -> str:
    """In whole days, once it is one."""
    return show_duration(age_s - age_s % DAY_S if age_s >= DAY_S else age_s)


def _list(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else []
