"""What every new RDS instance, restored or a replica, has in common: its settings, the wait, its removal.

An action begins to make it in its first step of that kind; from there on all are the same. The source is never touched,
so nothing is lost by a restore; what going over to it would lose is said in the plan.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, JsonValue

from bot.outcome import Cancelled, Failed, Refused
from bot.recovery.action import Context, Facts, World
from bot.recovery.instances import (
    InstanceName,
    act_once,
    database_behind,
    instance_url,
    look_for,
    open_rds,
    open_region,
    watch_for,
)
from bot.recovery.loss import find_newer
from bot.recovery.side_plan import list_moved
from bot.store.documents import Loss
from bot.systems.postgres import connect
from bot.systems.rds import Instance, Rds
from bot.systems.rds_changes import change_instance, delete_instance
from bot.systems.rds_settings import (
    SETTINGS,
    Settings,
    find_differences,
    settings_for_afterwards,
    settings_for_restore,
)
from bot.systems.rds_waiting import BAD, GOING, is_ready, wait_for_instance, wait_until_gone
from bot.words import cut, show_duration

RESTORE_PERMISSIONS = (
    "rds:DescribeDBInstances",
    "rds:AddTagsToResource",
    "rds:ModifyDBInstance",
    "rds:DeleteDBInstance",
    "iam:PassRole",
)
"""Besides the restore itself; iam:PassRole is for the role of enhanced monitoring."""
LOOK_TIMEOUT_S = 60

NewName = Annotated[
    InstanceName,
    Field(title="New instance", description="Name of the instance that is made; the present one stays as it is."),
]


@dataclass(frozen=True)
class Restored:
    """One restore: where it goes, with which settings, and the moment whose state it brings back."""

    rds: Rds
    name: str
    settings: Settings
    afterwards: Settings


def find_restored(context: Context[Any]) -> Restored:
    """Settings are those of the plan, which people have seen."""
    observed = context.plan.observed
    return Restored(
        open_region(context.world, "secondary" if observed.get("region") == "secondary" else "primary"),
        context.plan.target,
        SETTINGS.validate_python(observed["settings"]),
        SETTINGS.validate_python(observed["afterwards"]),
    )


def observe_settings(source: Instance) -> Facts:
    """What is carried over from a source."""
    settings: JsonValue = settings_for_restore(source.description)
    afterwards: JsonValue = settings_for_afterwards(source.description)
    return {"settings": settings, "afterwards": afterwards}


def list_moved_settings(planned: Facts, now: Facts) -> list[str]:
    """In words, what of the source has moved since the plan."""
    moved = list_moved(planned, now, ("resource_id",))
    for kind in ("settings", "afterwards"):
        before, after = SETTINGS.validate_python(planned[kind]), SETTINGS.validate_python(now[kind])
        names = [*find_differences(before, after), *(name for name in after if name not in before)]
        moved += [f"{name} was {show_value(before.get(name))}, is {show_value(after.get(name))}" for name in names]
    return moved


def refuse_taken(rds: Rds, name: str) -> None:
    """The name of the new instance must be free when it is planned; from then on the run's mark tells whose it is."""
    found = rds.find(name)
    if found is not None:
        raise Refused(
            f"There is an RDS instance {name} already; it is {found.status}.",
            "Choose another name, or delete it with `/dr plan rds_delete_instance`.",
        )


def suggest_names(world: World, rds: Rds | None = None) -> list[tuple[str, str]]:
    """The policy's name, where it is free, and one that says when it was made; in the primary region unless told."""
    name = world.policy.infrastructure.rds.restored_instance
    dated = f"{name}-{world.now():%m%d-%H%M}"
    free = [] if (rds or open_rds(world)).find(name) else [name]
    return [(one, one) for one in (*free, dated)]


def predict_switch_loss(world: World, source: Instance | None, moment: datetime) -> Loss:
    """What going over to the restored instance would lose, counted now on the source where it can be asked."""
    age = world.now() - moment
    rows = None if source is None else _count_newer(world, source, moment)
    told = "an unknown number of rows" if rows is None else f"{rows:,} rows"
    words = f"nothing now; once the application goes over to it, the last {show_duration(age)}: {told}"
    return Loss(seconds=age.total_seconds(), rows=rows, words=words)


def wait_until_restored(context: Context[Any]) -> Facts:
    """Wait until it is available. AWS cannot stop a restore: on a cancellation it is deleted as soon as it can be."""
    restored = find_restored(context)
    try:
        instance = wait_for_instance(restored.rds, restored.name, watch_for(context, cancellable=True))
    except Cancelled:
        context.progress("AWS cannot stop what it makes; it is deleted as soon as it is complete")
        raise
    return _facts_of(instance)


def find_ready(context: Context[Any]) -> Facts | None:
    """Whether this run's instance is there and available."""
    restored = find_restored(context)
    instance = restored.rds.find(restored.name)
    return _facts_of(instance) if instance and instance.mark == context.mark and is_ready(instance) else None


def put_right(context: Context[Any]) -> Facts:
    """What the restore call does not take, and what it did not do."""
    restored = find_restored(context)
    rds, name = restored.rds, restored.name
    missing = _find_missing(restored, wait_for_instance(rds, name, watch_for(context)))
    if missing:
        act_once(context, lambda: change_instance(rds, name, _as_changes(missing)), lambda: _is_changing(restored))
        wait_for_instance(rds, name, watch_for(context), lambda one: _is_right(restored, one))
    changed: list[JsonValue] = [*sorted(missing)]
    return {"changed": changed, "words": ", ".join(sorted(missing)) or "nothing was left to do"}


def was_put_right(context: Context[Any]) -> Facts | None:
    """Whether nothing is left to put right."""
    restored = find_restored(context)
    look_for(lambda: _is_changing(restored))
    instance = restored.rds.find(restored.name)
    if instance is None or instance.mark != context.mark or not _is_right(restored, instance):
        return None
    return {"changed": [], "words": "nothing was left to do"}


def clean_up(context: Context[Any]) -> str:
    """Delete what this run made where it was cancelled or went bad; keep what may still become good."""
    restored = find_restored(context)
    instance = restored.rds.find(restored.name)
    if instance is None:
        return "No instance was made; the source was not touched."
    if instance.mark != context.mark:
        return f"{restored.name} is not of this run and was left alone; the source was not touched."
    if not context.cancelled() and instance.status not in BAD:
        return (
            f"{restored.name} is {instance.status} and stays, since it may be what you need: "
            f"`/dr retry {context.run_id}` goes on, `/dr plan rds_delete_instance` removes it. "
            "The source was not touched."
        )
    _remove(context, restored)
    return f"{restored.name} was deleted again; the source was not touched."


def _remove(context: Context[Any], restored: Restored) -> None:
    """RDS deletes nothing that it is still making, and nothing that is protected."""
    rds, name, watch = restored.rds, restored.name, watch_for(context)
    instance = wait_for_instance(rds, name, watch, _can_be_deleted, bad={})
    if instance.protected:
        change_instance(rds, name, SETTINGS.validate_python({"DeletionProtection": False}))
        wait_for_instance(rds, name, watch, lambda one: not one.protected and _can_be_deleted(one), bad={})
    if instance.status not in GOING:
        delete_instance(rds, name, final_snapshot=None)
    wait_until_gone(rds, name, watch)


def _can_be_deleted(instance: Instance) -> bool:
    return is_ready(instance) or instance.status in BAD


def list_differences(wanted: Settings, instance: Instance) -> Settings:
    """What of `wanted` the instance has not.

    Without the port: it is part of the endpoint, which is another one anyway and always read from RDS.
    """
    description = instance.description
    found = {**settings_for_restore(description), **settings_for_afterwards(description)}
    return {name: value for name, value in find_differences(wanted, found).items() if name != "Port"}


def _find_missing(restored: Restored, instance: Instance) -> Settings:
    """Without tags, which the restore itself has set."""
    differences = list_differences({**restored.settings, **restored.afterwards}, instance)
    return {name: value for name, value in differences.items() if name != "Tags"}


def _is_right(restored: Restored, instance: Instance) -> bool:
    return is_ready(instance) and not instance.pending and not _find_missing(restored, instance)


def _is_changing(restored: Restored) -> bool:
    instance = restored.rds.observe(restored.name)
    return not is_ready(instance) or bool(instance.pending) or not _find_missing(restored, instance)


def _as_changes(missing: Settings) -> Settings:
    """As ModifyDBInstance names them, where it differs from the restore calls."""
    changes: Settings = {}
    for name, value in missing.items():
        if name == "EnableCloudwatchLogsExports":
            exports: dict[str, JsonValue] = {"EnableLogTypes": value}
            changes["CloudwatchLogsExportConfiguration"] = exports
        else:
            changes[name] = value
    return changes


def _count_newer(world: World, source: Instance, moment: datetime) -> int | None:
    _, settings = database_behind(world)
    try:
        with connect(instance_url(world, source), purpose="loss", connect_timeout_s=5, statement_timeout_s=30) as open_:
            return find_newer(open_, settings.loss_tables, moment).rows
    except (Refused, Failed):
        return None


def _facts_of(instance: Instance) -> Facts:
    host, port = instance.address or ("?", 0)
    return {
        "instance": instance.identifier,
        "resource_id": instance.resource_id,
        "words": f"{instance.identifier} is {instance.status} at {host}:{port}",
    }


def show_value(value: JsonValue) -> str:
    """A setting, short enough for a message."""
    return cut(str(value), 60)
