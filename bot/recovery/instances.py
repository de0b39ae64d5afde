"""RDS instances as recovery sees them: which there are, the database behind one, and how long to wait for them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import Field

from bot.outcome import Refused
from bot.policy import Database
from bot.recovery.action import Context, Facts, World
from bot.recovery.backups import recovery_url, settings_of
from bot.systems.aws import AwsUnclear
from bot.systems.probe import probe_health
from bot.systems.rds import Instance, Rds
from bot.systems.rds_database import url_at
from bot.systems.rds_waiting import BAD, Pace, Watch, is_ready
from bot.words import show_duration

OBSERVE_PERMISSIONS = ("rds:DescribeDBInstances",)
HEALTHY_WITHIN_S = 60.0
LOOK_BEFORE_S = 5.0
CONFIRMED_WITHIN_S = 30.0
SIGN_WITHIN_S, SIGN_EVERY_S = 5.0, 0.5
REMOTE_EVERY_S = 0.25
"""Between two looks of a client that watches an instance: a connection over the network takes its time."""

InstanceName = Annotated[
    str,
    Field(
        title="Instance",
        description="Identifier of an RDS instance, such as traitortrack-primary.",
        pattern=r"^[a-z](-?[a-z0-9])*$",  # RDS keeps identifiers in lower case, without double or final hyphens
        max_length=63,
    ),
]


RegionChoice = Literal["primary", "secondary"]
"""Which of the policy's two regions is meant; its name may never be typed, so it cannot be mistyped."""


def name_region(world: World, choice: RegionChoice) -> str:
    regions = world.policy.infrastructure.regions
    return regions.primary if choice == "primary" else regions.secondary


def open_region(world: World, choice: RegionChoice, *, brief: bool = False) -> Rds:
    """RDS in one of the policy's regions; `brief` where it may be gone."""
    return Rds(name_region(world, choice), brief=brief)


def open_rds(world: World) -> Rds:
    """RDS in the region where the product runs."""
    return Rds(world.policy.infrastructure.regions.primary)


def open_second_rds(world: World) -> Rds:
    """RDS in the region where the product is rebuilt when the first is gone."""
    return Rds(world.policy.infrastructure.regions.secondary)


def find_second_instance(world: World) -> str:
    """The instance in the second region that the application can write to. Raises `Refused` where there is none."""
    rules, rds = world.policy.infrastructure.rds, open_second_rds(world)
    for name in (rules.read_replica, rules.restored_instance):
        found = rds.find(name)
        if found is not None and found.source is None:
            return name
    raise Refused(
        f"Neither {rules.read_replica} nor {rules.restored_instance} is an instance of its own in {rds.region}.",
        "Promote the replica there, or restore a copy: `/dr plan rds_restore_copy`.",
    )


def database_behind(world: World) -> tuple[str, Database]:
    """Name and settings of the database that lives on the policy's instance, and on every copy of it."""
    name = world.policy.infrastructure.rds.database
    return name, settings_of(world, name)


def instance_url(world: World, instance: Instance) -> str:
    """How the bot reaches the database on an instance, with its role on the database that the policy names."""
    name, settings = database_behind(world)
    return url_at(recovery_url(world.environment, name, settings), instance)


def require_login(world: World) -> None:
    """Raises `Refused` where the bot could not look into a database afterwards, before anything is begun."""
    name, settings = database_behind(world)
    recovery_url(world.environment, name, settings)


def watch_for(context: Context[Any], *, cancellable: bool = False) -> Watch:
    """At the policy's pace, telling the run; calls off the wait only where the step may be left at any moment."""
    rules = context.world.policy.infrastructure.rds
    pace = Pace(rules.poll_every.total_seconds(), rules.give_up_after.total_seconds())
    return Watch(pace, context.progress, context.cancelled) if cancellable else Watch(pace, context.progress)


def act_once(context: Context[Any], call: Callable[[], None], sign: Callable[[], bool]) -> None:
    """Make a call that must not be made twice. Where its answer is lost, what shows in the world decides."""
    try:
        call()
    except AwsUnclear:
        context.progress("AWS gave no clear answer; looking at what it does")
        if not look_for(sign, CONFIRMED_WITHIN_S):
            raise


def look_for(sign: Callable[[], bool], within_s: float = SIGN_WITHIN_S) -> bool:
    """Whether there is a sign of a call that an attempt before a crash may have made; RDS shows it with a delay."""
    deadline_s = time.monotonic() + within_s
    while not sign():
        if time.monotonic() >= deadline_s:
            return False
        time.sleep(SIGN_EVERY_S)
    return True


def observe_instance(instance: Instance) -> Facts:
    """What of an instance matters to whoever approves a change of it."""
    address = instance.address
    return {
        "resource_id": instance.resource_id,
        "status": instance.status,
        "instance_class": instance.instance_class,
        "multi_az": instance.multi_az,
        "endpoint": f"{address[0]}:{address[1]}" if address else None,
        "pending": {name: str(value) for name, value in instance.pending.items()},
    }


def environment_of(world: World) -> str:
    """What the database on RDS serves, as the policy says."""
    return database_behind(world)[1].environment


def refuse_unready(instance: Instance) -> None:
    """Raises `Refused` for an instance that RDS would not change now."""
    if is_ready(instance):
        return
    meaning = f" ({BAD[instance.status]})" if instance.status in BAD else ""
    raise Refused(
        f"{instance.identifier} is {instance.status}{meaning}; RDS changes only available instances.",
        "Ask again once it is available, or restore it beside with `/dr plan rds_restore_to_time`.",
    )


def list_choices(world: World, fits: Callable[[Instance], bool] = lambda one: True) -> list[tuple[str, str]]:
    """Instances that fit, as (name, label); the policy's own first."""
    first = world.policy.infrastructure.rds.instance
    found = [one for one in open_rds(world).list_instances() if fits(one)]
    found.sort(key=lambda one: (one.identifier != first, one.identifier))
    return [(one.identifier, f"{one.identifier} ({one.instance_class}, {one.status})") for one in found]


def describe_pending(instance: Instance, beside: tuple[str, ...] = ()) -> list[str]:
    """A note on each waiting change that would come along with one that is applied now."""
    return [
        f"Comes along: {name} becomes {value}; it waits for the maintenance window and RDS applies it at once too."
        for name, value in instance.pending.items()
        if name not in beside
    ]


def wait_healthy(world: World) -> Facts:
    """Whether the application answers as healthy soon: a verdict, not a reason to undo anything."""
    _, settings = database_behind(world)
    application = world.policy.applications[settings.application]
    url = f"{str(application.url).rstrip('/')}{application.health_path}"
    with probe_health(url) as probe:
        healthy = probe.wait_until_good(HEALTHY_WITHIN_S)
    within = show_duration(HEALTHY_WITHIN_S)
    return {"healthy": healthy, "words": "healthy" if healthy else f"not healthy within {within} at {url}"}
