"""Which of the policy's servers have failed, as their load balancer sees it."""

from __future__ import annotations

from collections.abc import Iterator

from bot.outcome import Refused
from bot.recovery.action import World
from bot.recovery.replacing import HEALTHY, Place, find_place

PASSING = ("initial", "draining")
"""States of a target that comes or goes: it is waited for, not replaced."""


def list_failed(world: World) -> list[tuple[str, str]]:
    """Keys of hosts, in the order of the policy, and what was seen of each.

    One that is registered and not healthy has failed; one that is not registered has, where healthy ones are too few.
    Raises `Refused` where it cannot be told.
    """
    standby = {key for key, one in world.policy.applications.items() if one.standby}
    keys = [key for key, host in world.policy.hosts.items() if host.reach == "ssm" and host.application not in standby]
    return [(key, words) for key in keys for words in _find_trouble(find_place(world, key))]


def find_failed(world: World) -> str:
    """The first of them. Raises `Refused` where there is none."""
    failed = list_failed(world)
    if not failed:
        raise Refused(
            "No server of the policy has failed for its load balancer.", "`/dr diagnose infrastructure` shows them."
        )
    return failed[0][0]


def _find_trouble(place: Place) -> Iterator[str]:
    """At most one sentence."""
    for states in place.list_states().values():
        healthy = sum(1 for state in states.values() if state == HEALTHY)
        state = states.get(place.old, "not registered" if healthy < place.fewest else HEALTHY)
        if state != HEALTHY and state not in PASSING:
            yield f"{place.host.host.title} ({place.old}) is {state}"
            return
