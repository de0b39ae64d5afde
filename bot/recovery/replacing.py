"""A server in the place of another: launched, filled, behind the load balancer, and only then the other one out.

What a run has launched is known by its mark, which is a tag of the instance and the beginning of its client token: a
call that is made again after a crash launches nothing, since it says the same with the same token. Where an instance of
the same run has been terminated, however long ago, the next has a token of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.outcome import Cancelled, Failed, Refused
from bot.recovery.action import Context, Facts, World
from bot.recovery.environment_file import write_environment
from bot.recovery.maintenance import carry_page
from bot.recovery.on_hosts import open_application_hosts
from bot.recovery.releases import deploy, restart_on
from bot.systems.aws import AwsUnclear
from bot.systems.hosts.opening import OpenHost, open_host, open_replacement
from bot.systems.membership import attach, deregister, detach, register
from bot.systems.servers import COMING, GOING, MARK, Server, Servers, Template, is_reachable
from bot.systems.target_health import Group, find_group, list_targets, short_name
from bot.words import show_duration

HEALTHY = "healthy"
RUNS_WITHIN_S, REACHED_WITHIN_S, HEALTHY_WITHIN_S, STOPS_WITHIN_S = 600.0, 600.0, 600.0, 600.0
DRAINS_WITHIN_S = 3700.0
"""A little more than the longest delay that a target group can have."""
DEPLOY_S = 900.0
MOST_LAUNCHES = 20
"""In one run, by all its attempts."""


@dataclass(frozen=True)
class Place:
    """Where a server is: the host of the policy, its region, and the groups that it is in."""

    host: OpenHost
    region: str
    group: Group
    fewest: int
    """So many healthy servers there have to be in each target group."""
    old: str
    """Id of the instance that is there, or was when the replacement was planned."""

    @property
    def named(self) -> str:
        """Id of the instance that the policy names, which may have been replaced before."""
        assert self.host.host.instance_id  # `find_place` has refused others
        return self.host.host.instance_id

    @property
    def servers(self) -> Servers:
        return Servers(self.region)

    @property
    def is_member(self) -> bool:
        """Whether the old one is in the auto-scaling group, whose members the group itself registers."""
        return self.old in self.group.instances

    def list_states(self) -> dict[str, dict[str, str]]:
        """What the load balancer says of each server, by target group."""
        return {
            arn: {target.identifier: target.state for target in list_targets(self.region, arn)}
            for arn in self.group.target_groups
        }


def find_place(world: World, key: str, old: str | None = None) -> Place:
    """`old`: the instance, where it is known. Raises `Refused` where one of that key cannot be replaced, in words."""
    if key not in world.policy.hosts:
        known = ", ".join(world.policy.hosts)
        raise Refused(f"{key!r} is not a host of the policy: {known}.", "Name one of them.")
    host = world.policy.hosts[key]
    if host.reach != "ssm":
        raise Refused(
            f"{host.title} is reached by {host.reach}; only one that is reached by SSM can be replaced.",
            "The key of a new host cannot be known beforehand, and this machine cannot be launched again.",
        )
    assert host.region  # the policy was checked
    wanted = world.policy.infrastructure.auto_scaling
    group = find_group(host.region, wanted.group)
    if group is None or not group.target_groups:
        missing = f"puts its servers into no target group ({wanted.group})" if group else f"{wanted.group} is not there"
        raise Refused(
            f"The auto-scaling group {missing}, so it is not known which load balancer sends users to a server.",
            "`/dr diagnose infrastructure` shows it.",
        )
    opened = open_host(world.policy, world.environment, key)
    old = old or Servers(host.region).find_current(str(host.instance_id))
    return Place(opened, host.region, group, max(group.min_size, wanted.min_size), old)


def list_others(world: World, place: Place) -> list[OpenHost]:
    """The application's other hosts."""
    key = place.host.host.application
    return [host for host in open_application_hosts(world, key) if host.key != place.host.key]


def launch(context: Context[Any], place: Place, template: Template) -> Facts:
    """Launch it, or find what an attempt before a crash launched; returns when it runs and takes commands."""
    servers = place.servers
    alive = [one for one in servers.list_launched(context.mark) if one.state in COMING]
    if alive:
        name = alive[0].identifier
    else:
        group, subnet = context.world.policy.infrastructure.auto_scaling.group, context.plan.observed["subnet"]
        tags = {"Name": f"{group}-{place.host.key}", MARK: context.mark}
        name = _launch_next(servers, template, tags, str(subnet) if subnet else None)
    wait(context, f"{name} to run", RUNS_WITHIN_S, lambda: _runs(servers, name), f"{name} is not running yet")
    wait(
        context, f"the SSM agent of {name}", REACHED_WITHIN_S, lambda: is_reachable(place.region, name),
        f"{name} runs; it cannot be reached yet",
    )  # fmt: skip
    return {"instance": name, "words": f"{name} runs and can be reached"}


def launched(context: Context[Any], place: Place) -> Facts | None:
    """An instance of this run that runs and is reachable."""
    found = [one.identifier for one in place.servers.list_launched(context.mark) if one.state == "running"]
    if not found or not is_reachable(place.region, found[0]):
        return None
    return {"instance": found[0], "words": f"{found[0]} runs and can be reached"}


def fill(context: Context[Any], place: Place, revision: str) -> Facts:
    """Put the code there."""
    host = new_host(context, place)
    context.progress(f"deploying {revision[:12]} on {name_of(context)}")
    found = deploy(context, host, revision, DEPLOY_S)
    return {**found, "words": f"{found['name']} from the {found['source']}"}


def configure(context: Context[Any], place: Place) -> Facts:
    """Write the environment file there; what comes back are fingerprints."""
    found = write_environment(context, new_host(context, place))
    variables = found.get("variables")
    count = len(variables) if isinstance(variables, dict) else 0
    return {**found, "words": f"{count} variables"}


def start(context: Context[Any], place: Place) -> Facts:
    """Start the service, and wait until it answers well on the host itself: so it reaches its database too."""
    restart_on(context, new_host(context, place))
    return {"words": "healthy on the host"}


def enlist(context: Context[Any], place: Place) -> Facts:
    """Put it behind the load balancer, and wait until it is healthy there; with the maintenance page, where users are
    kept out.
    """
    name = name_of(context)
    _carry_page(context, place)
    if place.is_member and name not in place.group.instances:
        _attach_surely(place, name)
    else:
        for arn in place.group.target_groups:
            register(place.region, arn, name)
    wait(
        context, f"{name} to be healthy for the load balancer", HEALTHY_WITHIN_S, lambda: is_healthy(place, name),
        f"{name} is not healthy for the load balancer yet",
    )  # fmt: skip
    return {"words": f"{name} is healthy in {', '.join(map(short_name, place.group.target_groups))}"}


def enlisted(context: Context[Any], place: Place) -> Facts | None:
    found = [one.identifier for one in place.servers.list_launched(context.mark) if one.state == "running"]
    if not found or not is_healthy(place, found[0]):
        return None
    return {"words": f"{found[0]} is healthy"}


def retire(context: Context[Any], place: Place) -> Facts:
    """Take the old one out and let it drain; never so that fewer than the least are left healthy."""
    refuse_too_few(place)
    _carry_page(context, place)
    if place.is_member:
        detach(place.region, place.group.name, place.old)
    for arn, states in place.list_states().items():
        if states.get(place.old, "draining") != "draining":  # also where it is stopped, and stays registered as unused
            deregister(place.region, arn, place.old)
    wait(
        context,
        f"the end of the draining of {place.old}",
        DRAINS_WITHIN_S,
        lambda: is_out(place),
        f"{place.old} drains",
        to_the_end=True,
    )
    return {"words": f"{place.old} is out"}


def retired(context: Context[Any], place: Place) -> Facts | None:
    return {"words": f"{place.old} is out"} if is_out(place) and not place.is_member else None


def refuse_too_few(place: Place) -> None:
    """Raises `Failed` where without the old one fewer than the least are healthy, and with it more."""
    for arn, states in place.list_states().items():
        others = sum(1 for name, state in states.items() if state == HEALTHY and name != place.old)
        if others < place.fewest and states.get(place.old) == HEALTHY:
            raise Failed(
                f"{place.old} stays in {short_name(arn)}: without it {others} servers are healthy, and {place.fewest} "
                "are needed.",
                "The new server serves beside it.", "See why the others are ill, then try this run again.",
            )  # fmt: skip


def halt(context: Context[Any], place: Place) -> Facts:
    """Stop the old one, which is kept; one that is gone already stays gone. Commands go to the new one from now on."""
    servers = place.servers
    servers.mark_successor(name_of(context), place.named)
    _carry_page(context, place)  # the last time: who shows the page from now on finds it
    found = servers.find(place.old)
    if found is None or found.state in GOING:
        return {"words": f"{place.old} is gone already"}
    if found.state not in ("stopping", "stopped"):
        servers.stop(place.old)
    wait(
        context,
        f"{place.old} to stop",
        STOPS_WITHIN_S,
        lambda: _is_stopped(servers, place.old),
        f"{place.old} is stopping",
        to_the_end=True,
    )
    return {"words": f"{place.old} is stopped, and kept"}


def remove_launched(context: Context[Any], place: Place) -> str:
    """Take away what only this run made: behind the load balancer as little as anywhere. Says what is true now."""
    gone = list[str]()
    for one in place.servers.list_launched(context.mark):
        if one.state in GOING:
            continue
        if one.identifier in place.group.instances:
            detach(place.region, place.group.name, one.identifier)
        for arn in place.group.target_groups:
            deregister(place.region, arn, one.identifier)
        place.servers.terminate(one.identifier)
        gone.append(one.identifier)
    return f"{', '.join(gone)} was told to terminate." if gone else "No server was launched."


def is_healthy(place: Place, name: str) -> bool:
    """In every target group."""
    return all(states.get(name) == HEALTHY for states in place.list_states().values())


def is_out(place: Place) -> bool:
    """Whether the old one gets no requests any more, nor finishes any."""
    return all(place.old not in states for states in place.list_states().values())


def name_of(context: Context[Any]) -> str:
    """Id of the instance that this run launched."""
    return str(context.outputs["launch"]["instance"])


def new_host(context: Context[Any], place: Place) -> OpenHost:
    """It, as a host that commands can be run on."""
    return open_replacement(place.host, name_of(context))


def _launch_next(servers: Servers, template: Template, tags: dict[str, str], subnet: str | None) -> str:
    """With the first token of this run whose instance was not terminated. What is asked for comes from the plan, since
    EC2 refuses a token that it knows with another request.
    """
    for number in range(MOST_LAUNCHES):
        launched = _launch_surely(servers, template, f"{tags[MARK]}-{number}", tags, subnet)
        if launched is not None:
            return launched.identifier
    raise Failed(f"{MOST_LAUNCHES} servers of this run were terminated.", "None of them is left.", "Make a new plan.")


def _launch_surely(
    servers: Servers, template: Template, token: str, tags: dict[str, str], subnet: str | None
) -> Server | None:
    """An answer that was lost is asked for again: the token makes sure that it is of the same instance."""
    try:
        return servers.launch(template, token, tags, subnet)
    except AwsUnclear:
        return servers.launch(template, token, tags, subnet)


def _attach_surely(place: Place, name: str) -> None:
    """A second call would be refused, since it is a member by then: that is seen in the group."""
    try:
        attach(place.region, place.group.name, name)
    except AwsUnclear:
        found = find_group(place.region, place.group.name)
        if found is None or name not in found.instances:
            raise


def _carry_page(context: Context[Any], place: Place) -> None:
    """Somebody may show the page at any moment of this run, and does not know of the new server until its end."""
    if carry_page(context, new_host(context, place), [*list_others(context.world, place), place.host]):
        context.write(f"{name_of(context)} has the maintenance page, as the others.\n")


def _runs(servers: Servers, name: str) -> bool:
    found = servers.find(name)
    if found is not None and found.state not in COMING:
        raise Failed(f"{name} is {found.state}: it did not come up, or somebody stopped it.", "", "Make a new plan.")
    return found is not None and found.state == "running"


def _is_stopped(servers: Servers, name: str) -> bool:
    found: Server | None = servers.find(name)
    return found is None or found.state in ("stopped", *GOING)


def wait(
    context: Context[Any], what: str, limit_s: float, look: Callable[[], bool], words: str, *, to_the_end: bool = False
) -> None:
    """Look until it is so. That AWS does not answer for a while is no reason to give up what it works on.

    `to_the_end`: where the step may not be left once it has begun.
    """
    every_s = context.world.policy.infrastructure.auto_scaling.poll_every.total_seconds()
    deadline = time.monotonic() + limit_s
    while True:
        if not to_the_end and context.cancelled():
            raise Cancelled
        try:
            if look():
                return
        except AwsUnclear as error:
            words = f"AWS does not answer: {error.reason}"
        if time.monotonic() > deadline:
            raise Failed(f"Waited {show_duration(limit_s)} for {what}.", "", "Look at it in AWS, then try again.")
        context.progress(words)
        time.sleep(every_s)
