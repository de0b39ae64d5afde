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
from bot.systems.aws import FORBIDDEN, AwsRefused, AwsUnclear
from bot.systems.hosts.opening import OpenHost
from bot.systems.servers import Servers
from bot.systems.target_health import find_group, list_doors, list_targets
from bot.words import show_duration

HEALTHY, COMING_BACK = "healthy", ("initial", "unhealthy")
BACK_WITHIN_S = 300.0
PATIENCE = 2.0
"""So often as long as the group's health checks take at best; never less than the time above."""
States = dict[str, str]
"""The load balancer's word for each instance, in one target group."""
Places = list[tuple[str, str]]
"""Region and ARN of each target group."""


def wait_taken_back(context: Context[Any], host: OpenHost) -> str:
    """Wait until the load balancer sends users to a host that is well again; what is to be said of it, if anything.

    Raises `Failed` where it does not in time while it does to others: those must not be restarted then. Where it sends
    them to no other, the next host serves nobody better than this one, and there is nothing to wait for: that is said.
    """
    if host.host.reach != "ssm":
        return ""
    region = str(host.host.region)
    try:
        name = Servers(region).find_current(str(host.host.instance_id))
        places = _find_places(context.world, [region])
        context.progress(f"waiting for the load balancer to send users to {host.host.title}")
        limit_s = find_limit_s(places)
        seen = _wait(
            context.world, places, lambda groups: not any(_is_missed(one, name) for one in groups), limit_s,
            context.cancelled,
        )  # fmt: skip
    except (AwsRefused, AwsUnclear) as error:
        return f"whether the load balancer sends users there was not seen: {error.reason}"
    late = [one[name] for one in seen if one.get(name) in COMING_BACK]
    missed = [one[name] for one in seen if _is_missed(one, name)]
    if missed and not context.cancelled():
        raise Failed(
            f"{host.host.title} answers well itself, but {name} is {missed[0]} for the load balancer after "
            f"{show_duration(limit_s)}.",
            "The hosts after it were not touched, and serve the users.",
            "`/dr diagnose infrastructure` has the load balancer's reason.",
        )  # fmt: skip
    if missed:
        return f"for the load balancer {name} is still {missed[0]}"
    return f"for the load balancer {name} is {late[0]}, and no other server is healthy" if late else ""


def put_ill_first(world: World, hosts: list[OpenHost]) -> list[OpenHost]:
    """The same hosts, those first to which the load balancer sends nobody, so that the others serve until these do.

    Where that cannot be seen they are left in their order.
    """
    if len(hosts) < 2 or any(host.host.reach != "ssm" for host in hosts):
        return hosts
    try:
        places = _find_places(world, sorted({str(host.host.region) for host in hosts}))
        states = [one for region, arn in places for one in list_targets(region, arn)]
        names = [Servers(str(host.host.region)).find_current(str(host.host.instance_id)) for host in hosts]
    except (AwsRefused, AwsUnclear):
        return hosts
    serving = {one.identifier for one in states if one.state == HEALTHY}
    ordered = sorted(zip(names, hosts, strict=True), key=lambda one: one[0] in serving)
    return [host for _, host in ordered]


def wait_for_service(world: World, application: str) -> bool:
    """Wait until the load balancer has a healthy host of the application in some region, no longer than one takes to
    come back; False where that cannot be seen. What is not so by then, users will see too.
    """
    regions = {
        str(one.region) for one in world.policy.hosts.values() if one.application == application and one.reach == "ssm"
    }
    try:
        places = _find_places(world, sorted(regions))
        _wait(world, places, lambda groups: any(HEALTHY in one.values() for one in groups), BACK_WITHIN_S)
    except (AwsRefused, AwsUnclear):
        return False
    return bool(places)


def _find_places(world: World, regions: list[str]) -> Places:
    """Raises AwsRefused, AwsUnclear."""
    found = [(region, find_group(region, world.policy.infrastructure.auto_scaling.group)) for region in regions]
    return [(region, arn) for region, group in found if group for arn in group.target_groups]


def find_limit_s(places: Places) -> float:
    """A group may want ten good probes, five minutes apart. Where that cannot be read, what most take is waited for."""
    try:
        doors = [door for region, arn in places for door in list_doors(region, (arn,))]
    except (AwsRefused, AwsUnclear):
        return BACK_WITHIN_S
    return max([BACK_WITHIN_S, *(PATIENCE * door.back_after_s for door in doors)])


def _wait(
    world: World, places: Places, good: Callable[[list[States]], bool], limit_s: float,
    cancelled: Callable[[], bool] = lambda: False,
) -> list[States]:  # fmt: skip
    """What the load balancer said last. Raises AwsRefused, AwsUnclear where it said nothing, or may not be asked.

    That AWS does not answer for a while is no reason to believe that users are back.
    """
    deadline = time.monotonic() + limit_s
    seen: list[States] | None = None
    while True:
        try:
            seen = [{one.identifier: one.state for one in list_targets(region, arn)} for region, arn in places]
        except (AwsRefused, AwsUnclear) as error:
            if seen is None or (isinstance(error, AwsRefused) and error.code in FORBIDDEN):
                raise
        if not seen or good(seen) or cancelled() or time.monotonic() > deadline:
            return seen or []
        time.sleep(world.policy.infrastructure.auto_scaling.poll_every.total_seconds())


def _is_missed(states: States, name: str) -> bool:
    """Whether it is to come back, and users are sent to others meanwhile. One that was taken out is not waited for."""
    return states.get(name) in COMING_BACK and any(state == HEALTHY for other, state in states.items() if other != name)
