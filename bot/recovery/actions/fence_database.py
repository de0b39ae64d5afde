"""Keep every client off a database that must not be written to any more, or let them in again.

Shut by PostgreSQL itself where its server can be reached; where it cannot, the RDS instance is stopped. What cannot be
reached in either way is not fenced, and the refusal says so. (Not in the document, whose promoted replica and old
primary both take writes.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import Field, model_validator

from bot.outcome import Failed, Refused
from bot.policy import Policy
from bot.recovery.action import Action, Context, Evidence, Facts, History, Parameters, Step, World
from bot.recovery.backups import settings_of
from bot.recovery.connection_secret import describe_place, find_connection
from bot.recovery.fencing import fence, is_same_database, judge_fence, lift_fence, look_at_door
from bot.recovery.instances import (
    OBSERVE_PERMISSIONS,
    InstanceName,
    RegionChoice,
    act_once,
    database_behind,
    instance_url,
    name_region,
    open_region,
    require_login,
    watch_for,
)
from bot.recovery.side_plan import list_moved
from bot.store.documents import Loss, PlanDocument, Prediction, Suggestion, Verdict
from bot.systems.aws import AwsUnclear
from bot.systems.doors import Door
from bot.systems.rds import Instance, Rds
from bot.systems.rds_changes import start_instance, stop_instance
from bot.systems.rds_waiting import is_ready, wait_for_instance
from bot.systems.secrets import read_url
from bot.words import show_count

UNREACHED = "Nothing can be fenced from here."
CUT_OFF = "Cut it off by its security group or its network, or go on knowing that it may still be written to."
STOPPED = ("stopping", "stopped")


class Fence(Parameters):
    database: str = Field(title="Database")
    instance: InstanceName | None = Field(default=None, title="On this RDS instance")
    version: str | None = Field(
        default=None, title="Or where this version of its secret leads", pattern=r"^[A-Za-z0-9-]{32,64}$"
    )
    region: RegionChoice = Field(default="primary", title="Region of the instance")
    door: Literal["shut", "open"] = Field(default="shut", title="Clients", description="Shut out, or let in again.")

    @model_validator(mode="after")
    def check_one(self) -> Fence:
        """One database."""
        if (self.instance is None) == (self.version is None):
            raise ValueError("name either an `instance` or a `version` of the secret")
        return self


@dataclass(frozen=True)
class Place:
    """The database that is meant, as far as it can be reached."""

    url: str | None
    door: Door | None
    instance: Instance | None


class FenceDatabase(Action[Fence]):
    name = "fence_database"
    purpose = "Keep every client off a database that must not be written to any more, or let them in again"
    risk = "high"
    permissions = (
        *OBSERVE_PERMISSIONS,
        "rds:StopDBInstance",
        "rds:StartDBInstance",
        "secretsmanager:DescribeSecret",
        "secretsmanager:GetSecretValue",
    )
    parameters = Fence

    def target(self, parameters: Fence) -> str:
        return parameters.instance or parameters.database

    def touches(self, policy: Policy, parameters: Fence) -> frozenset[str]:
        return frozenset({parameters.database, parameters.instance or parameters.database})

    def choices(self, world: World, name: str, given: Facts) -> list[tuple[str, str]] | None:
        if name == "database":
            return [(key, settings.title) for key, settings in world.policy.databases.items()]
        if name == "region":
            return [(one, name_region(world, one)) for one in ("primary", "secondary")]
        return [("shut", "Shut clients out"), ("open", "Let clients in again")] if name == "door" else None

    def observe(self, world: World, parameters: Fence) -> Facts:
        """By which means it can be done, and whether the application is there now."""
        place = find_place(world, parameters)
        if parameters.door == "shut":
            refuse_followed(place)
        means = choose_means(place, parameters)
        door, instance = place.door, place.instance
        return {
            "place": describe_place(place.url) if place.url else str(parameters.instance),
            "means": means,
            "open": door.open if door else None,
            "status": instance.status if instance else None,
            "resource_id": instance.resource_id if instance else None,
            "used": is_used(world, parameters.database, place),
            "followed": ", ".join(instance.replicas) if instance else "",
        }

    def plan(self, world: World, parameters: Fence, observed: Facts, history: History) -> PlanDocument:
        place, shutting = observed["place"], parameters.door == "shut"
        how = {
            "door": "PostgreSQL lets nobody in and every session on it is ended" if shutting else "PostgreSQL lets in",
            "instance": "the RDS instance is stopped" if shutting else "the RDS instance is started",
        }[str(observed["means"])]
        used = observed["used"] and shutting
        return self.document(
            parameters,
            observed,
            title=f"{'Shut' if shutting else 'Open'} {place}",
            environment=settings_of(world, parameters.database).environment,
            loss=Loss(seconds=0, rows=0, words="none; nothing in the database is changed"),
            downtime=Prediction(seconds=None, source="until the application uses another database")
            if used
            else Prediction(seconds=0, source="the application does not use it"),
            duration=history.duration or Prediction(seconds=None, source="not measured here yet"),
            way_back=f"`/dr undo`: it is {'opened again' if shutting else 'shut again'}.",
            confirm=self.target(parameters),
            notes=[f"{how[0].upper()}{how[1:]}.", *_warn(observed, shutting)],
        )

    def moved(self, planned: Facts, now: Facts) -> list[str]:
        return list_moved(planned, now, ("place", "means", "resource_id", "used"))

    def steps(self) -> list[Step[Fence]]:
        return [Step("fence", "Move the door, and see that it has moved", move, cancellable=False)]

    def verify(self, context: Context[Fence]) -> Evidence:
        return measure(context)

    def clean_up(self, context: Context[Fence]) -> str:
        place = find_place(context.world, context.parameters)
        if place.door:
            inside = show_count(place.door.sessions, "session")
            return f"It is {'open' if place.door.open else 'shut'}, with {inside} on it."
        return f"{place.instance.identifier} is {place.instance.status}." if place.instance else "It cannot be reached."

    def undo(self, parameters: Fence, plan: PlanDocument, outputs: dict[str, Facts]) -> Suggestion | None:
        shut = parameters.door == "shut"
        return Suggestion(
            action=self.name,
            label="Let clients in again" if shut else "Shut it again",
            parameters={**parameters.model_dump(mode="json"), "door": "open" if shut else "shut"},
        )


def find_place(world: World, parameters: Fence) -> Place:
    """Raises `Refused` where there is no such instance or version, or its region does not answer."""
    if parameters.version is not None:
        present = find_connection(world, parameters.database)
        led = read_url(present.secrets.read(present.secret.name, parameters.version), present.secret.name)
        return Place(led, look_at_door(world, parameters.database, led), None)
    _refuse_other(world, parameters)
    require_login(world)
    rds = open_region(world, parameters.region, brief=True)
    try:
        instance = rds.observe(str(parameters.instance))
    except AwsUnclear as away:
        raise Refused(f"{rds.region} does not answer: {away.reason} {UNREACHED}", CUT_OFF) from away
    url = instance_url(world, instance) if instance.address else None
    return Place(url, look_at_door(world, parameters.database, url) if url else None, instance)


def _refuse_other(world: World, parameters: Fence) -> None:
    name, _ = database_behind(world)
    if parameters.database != name:
        raise Refused(f"{parameters.database} does not live on RDS; {name} does.", "Name a `version` of its secret.")


def refuse_followed(place: Place) -> None:
    """Raises `Refused` where it is not the primary's door, or an instance that RDS does not stop."""
    instance, door = place.instance, place.door
    if instance and instance.replicas and door is None:
        raise Refused(
            f"{', '.join(instance.replicas)} follows {instance.identifier}, and its server cannot be reached: RDS does "
            "not stop an instance that is followed.",
            "Promote the replica, `/dr plan rds_promote_replica`; then ask again.",
        )
    if door and door.in_recovery:
        raise Refused("It is a replica: it takes no writes, and its door is that of its primary.", "Promote it first.")


def choose_means(place: Place, parameters: Fence) -> str:
    """The door where there is one; else the instance. Raises `Refused` where neither can be reached."""
    if place.door:
        return "door"
    instance = place.instance
    if instance and (is_ready(instance) or instance.status in STOPPED):
        return "instance"
    where = f"{instance.identifier} is {instance.status}" if instance else "RDS was not asked: it is no instance"
    raise Refused(f"Its server cannot be reached, and {where}. {UNREACHED}", CUT_OFF)


def is_used(world: World, database: str, place: Place) -> bool | None:
    """Whether the application's secret leads there, by whatever name; None where that is not known."""
    if place.url is None:
        return None
    try:
        used = find_connection(world, database).url
    except (Refused, Failed):
        return None
    is_named = describe_place(used) == describe_place(place.url)
    return is_named or is_same_database(place.door, look_at_door(world, database, used))


def _warn(observed: Facts, shutting: bool) -> list[str]:
    if not shutting:
        left = "The application's secret leads elsewhere: what is written here once it is open, it does not see."
        return [left] if observed["used"] is False else []
    followed = observed["followed"]
    received = [f"{followed} receives the shut door, and lets clients in when it is promoted."] if followed else []
    if observed["used"]:
        used = "THE APPLICATION USES IT: from then on it is down, until its secret leads elsewhere."
    elif observed["used"] is None:
        used = "Whether the application uses it is not known: its secret cannot be read."
    else:
        used = "The application's secret leads elsewhere."
    return [used, *received]


def move(context: Context[Fence]) -> Facts:
    """May be done again."""
    world, parameters = context.world, context.parameters
    shutting = parameters.door == "shut"
    if context.plan.observed["means"] == "instance":
        return _move_instance(context, shutting=shutting)
    url = find_place(world, parameters).url
    assert url is not None  # as planned: by its door
    if not shutting:
        return lift_fence(world, parameters.database, url)
    facts = fence(world, parameters.database, url)
    if not facts["shut"]:
        raise Failed(str(facts["words"]), "Clients may still write there.", "Try again, or stop its instance.")
    return facts


def _move_instance(context: Context[Fence], *, shutting: bool) -> Facts:
    rds, name = open_region(context.world, context.parameters.region), str(context.parameters.instance)
    call, there = (stop_instance, _is_stopped) if shutting else (start_instance, is_ready)
    if shutting != (rds.observe(name).status in STOPPED):
        act_once(context, lambda: call(rds, name), lambda: _has_begun(rds, name, shutting=shutting))
    found = wait_for_instance(rds, name, watch_for(context), there, bad={})
    return {"shut": shutting, "words": f"{name} is {found.status}"}


def _is_stopped(instance: Instance) -> bool:
    return instance.status == "stopped"


def _has_begun(rds: Rds, name: str, *, shutting: bool) -> bool:
    return (rds.observe(name).status in STOPPED) == shutting


def measure(context: Context[Fence]) -> Evidence:
    """The door or the instance as it is now."""
    place, parameters = find_place(context.world, context.parameters), context.parameters
    shutting = parameters.door == "shut"
    if context.plan.observed["means"] == "instance":
        status = place.instance.status if place.instance else "not there"
        good = status == "stopped" if shutting else bool(place.instance and is_ready(place.instance))
        wanted = "stopped; RDS starts it again by itself after seven days" if shutting else "available"
        return Evidence([Verdict(name="Instance", expected=wanted, found=status, good=good)])
    assert place.url is not None
    if shutting:
        return Evidence([judge_fence(context.world, parameters.database, place.url, "Database")])
    is_open = place.door is not None and place.door.open
    return Evidence(
        [Verdict(name="Database", expected="lets clients in", found="it does" if is_open else "shut", good=is_open)]
    )


ACTION = FenceDatabase()
