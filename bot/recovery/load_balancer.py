"""What the load balancer makes of an application's hosts once something was done to them.

A host that is well has its users back only when the load balancer has seen it well several times in a row: 150 s with
what AWS has by default (Elastic Load Balancing, health checks for target groups). Until then the next host is the one
that serves, and where none is well for it, it sends everybody anywhere, so that users lose their sessions.

What cannot be seen keeps nobody from recovering: it is said instead.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from bot.outcome import Failed
from bot.recovery.action import Context, World
from bot.systems.aws import AwsRefused, AwsUnclear
from bot.systems.hosts.opening import OpenHost
from bot.systems.servers import Servers
from bot.systems.target_health import find_group, list_targets
from bot.words import show_duration

HEALTHY, COMING_BACK = "healthy", ("initial", "unhealthy")
BACK_WITHIN_S = 300.0
States = dict[str, str]
"""The load balancer's word for each instance, in one target group."""


def wait_taken_back(context: Context[Any], host: OpenHost) -> str:
    """Wait until the load balancer sends users to a host that is well again; what is to be said of it, if anything.

    Raises `Failed` where it does not within five minutes while it does to others: those must not be restarted then.
    Where it does to none, there is nothing to lose, and that is said.
    """
    if host.host.reach != "ssm":
        return ""
    world = context.world
    try:
        name = Servers(str(host.host.region)).find_current(str(host.host.instance_id))
        context.progress(f"waiting for the load balancer to send users to {host.host.title}")
        seen = _wait(world, [str(host.host.region)], lambda groups: not any(_comes_back(one, name) for one in groups))
    except (AwsRefused, AwsUnclear) as error:
        return f"whether the load balancer sends users there was not seen: {error.reason}"
    late = [one for one in seen if _comes_back(one, name)]
    if any(HEALTHY in one.values() for one in late):
        raise Failed(
            f"{host.host.title} answers well itself, but {name} is {late[0][name]} for the load balancer after "
            f"{show_duration(BACK_WITHIN_S)}.",
            "The hosts after it were not touched, and serve the users.",
            "`/dr diagnose infrastructure` has the load balancer's reason.",
        )  # fmt: skip
    return f"for the load balancer {name} is {late[0][name]}, as is every other server" if late else ""


def wait_for_service(world: World, application: str) -> bool:
    """Wait until the load balancer has a healthy host of the application in some region, no longer than one takes to
    come back; False where that cannot be seen. What is not so by then, users will see too.
    """
    regions = {
        str(one.region) for one in world.policy.hosts.values() if one.application == application and one.reach == "ssm"
    }
    try:
        _wait(world, sorted(regions), lambda groups: any(HEALTHY in one.values() for one in groups))
    except (AwsRefused, AwsUnclear):
        return False
    return bool(regions)


def _wait(world: World, regions: list[str], good: Callable[[list[States]], bool]) -> list[States]:
    """What the load balancer says last in the target groups of the regions. Raises AwsRefused, AwsUnclear."""
    scaling = world.policy.infrastructure.auto_scaling
    found = [(region, find_group(region, scaling.group)) for region in regions]
    deadline = time.monotonic() + BACK_WITHIN_S
    while True:
        asked = [(region, arn) for region, group in found if group for arn in group.target_groups]
        states = [{one.identifier: one.state for one in list_targets(region, arn)} for region, arn in asked]
        if not states or good(states) or time.monotonic() > deadline:
            return states
        time.sleep(scaling.poll_every.total_seconds())


def _comes_back(states: States, name: str) -> bool:
    """One that was taken out gets no users, and is not waited for."""
    return states.get(name) in COMING_BACK
