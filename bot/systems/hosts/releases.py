"""Which code hosts run, and what was deployed when, as the hosts themselves have it."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue

from bot.outcome import Failed, Refused
from bot.systems.hosts.opening import OpenHost

Answer = dict[str, JsonValue]


@dataclass(frozen=True)
class Deploy:
    """A switch to another release, UTC; the first host's, where several followed."""

    at: datetime
    release: str


def read_releases(host: OpenHost) -> Answer:
    """What is there and what runs: see `programs/read_releases.py`."""
    return host.read_with("read_releases", host.application.install_folder)


def list_deploys(hosts: list[OpenHost]) -> list[Deploy]:
    """The application's deploy log, oldest first, from every host that answers; for charts and time lines."""
    if not hosts:
        return []
    with ThreadPoolExecutor(max_workers=len(hosts)) as pool:
        return merge_deploys(note for found in pool.map(_read_history, hosts) for note in found)


def merge_deploys(notes: Iterable[JsonValue]) -> list[Deploy]:
    """One entry for each time that another release came to the first host of several."""
    deploys = list[Deploy]()
    read = [note for note in notes if isinstance(note, dict)]
    for note in sorted(read, key=lambda one: str(one["at"])):
        release = str(note["release"])
        if not deploys or deploys[-1].release != release:
            deploys.append(Deploy(datetime.fromisoformat(str(note["at"])), release))
    return deploys


def is_astray(seen: Answer) -> bool:
    """Whether it can be seen that nothing works in what `current` leads to."""
    running = seen["running"]
    return isinstance(running, dict) and seen["current"] is not None and seen["current"] not in running


def _read_history(host: OpenHost) -> list[JsonValue]:
    try:
        history = read_releases(host)["history"]
    except (Refused, Failed):
        return []
    return history if isinstance(history, list) else []
