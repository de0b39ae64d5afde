"""What every change of an RDS instance's settings has in common.

Changes are applied now and not in the maintenance window; RDS then applies every other waiting change too, so plans
show those and a plan is void when others come to wait.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue

from bot.recovery.action import Context, Facts, Needless, World
from bot.recovery.instances import (
    OBSERVE_PERMISSIONS,
    act_once,
    look_for,
    observe_instance,
    open_rds,
    refuse_unready,
    watch_for,
)
from bot.recovery.side_plan import list_moved
from bot.store.documents import Verdict
from bot.systems.rds import Instance, Rds
from bot.systems.rds_changes import change_instance
from bot.systems.rds_settings import Settings
from bot.systems.rds_waiting import is_ready, wait_for_instance

CHANGE_PERMISSIONS = (*OBSERVE_PERMISSIONS, "rds:ModifyDBInstance")


def observe_change(world: World, name: str, wanted: Settings) -> Facts:
    """The instance, and what the settings are now. Raises `Refused` where they are so already."""
    instance = open_rds(world).observe(name)
    refuse_unready(instance)
    if _is_reached(instance, wanted):
        told = ", ".join(f"{setting} {value}" for setting, value in wanted.items())
        raise Needless(f"{name} has {told} already.", "There is nothing to change.")
    return {**observe_instance(instance), "before": _read(instance, wanted)}


def list_moved_instance(planned: Facts, now: Facts) -> list[str]:
    """In words, what of the instance has moved since the plan; other waiting changes are part of what was shown."""
    moved = list_moved(planned, now, ("resource_id", "status", "instance_class", "multi_az", "before"))
    if planned["pending"] != now["pending"]:
        moved.append(f"waiting changes were {planned['pending'] or 'none'}, are {now['pending'] or 'none'}")
    return moved


def change(context: Context[Any], wanted: Settings) -> Facts:
    """Asked for once; the wait is for the settings, since RDS says "available" before it begins."""
    rds, name = open_rds(context.world), str(context.plan.target)
    instance = wait_for_instance(rds, name, watch_for(context))
    if not _is_reached(instance, wanted):
        act_once(context, lambda: change_instance(rds, name, wanted), lambda: _has_begun(rds, name, wanted))
    return _facts_of(
        wait_for_instance(rds, name, watch_for(context), lambda one: is_ready(one) and _is_reached(one, wanted)), wanted
    )


def changed(context: Context[Any], wanted: Settings) -> Facts | None:
    """Whether the settings are so, and the instance is up."""
    rds, name = open_rds(context.world), str(context.plan.target)
    look_for(lambda: _has_begun(rds, name, wanted))
    instance = rds.find(name)
    return _facts_of(instance, wanted) if instance and is_ready(instance) and _is_reached(instance, wanted) else None


def judge(context: Context[Any], wanted: Settings) -> list[Verdict]:
    """The settings, the state, and that nothing waits any more."""
    instance = open_rds(context.world).observe(context.plan.target)
    found, pending = _read(instance, wanted), instance.pending
    return [
        *(
            Verdict(name=name, expected=str(value), found=str(found[name]), good=found[name] == value)
            for name, value in wanted.items()
        ),
        Verdict(name="Instance", expected="available", found=instance.status, good=is_ready(instance)),
        Verdict(name="Waiting changes", expected="none", found=", ".join(pending) or "none", good=not pending),
    ]


def tell_state(context: Context[Any], wanted: Settings) -> str:
    """After a failure: nothing is taken back by itself, since RDS may still be at it."""
    instance = open_rds(context.world).find(context.plan.target)
    if instance is None:
        return f"{context.plan.target} is not there any more."
    told = ", ".join(f"{name} {value}" for name, value in _read(instance, wanted).items())
    waits = f"; {', '.join(instance.pending)} waits" if instance.pending else ""
    return f"{instance.identifier} is {instance.status} with {told}{waits}."


def _has_begun(rds: Rds, name: str, wanted: Settings) -> bool:
    instance = rds.observe(name)
    return not is_ready(instance) or bool(instance.pending.keys() & wanted.keys()) or _is_reached(instance, wanted)


def _is_reached(instance: Instance, wanted: Settings) -> bool:
    return _read(instance, wanted) == wanted and not instance.pending.keys() & wanted.keys()


def _read(instance: Instance, wanted: Settings) -> dict[str, JsonValue]:
    description: Mapping[str, Any] = instance.description
    return {name: description.get(name) for name in wanted}


def _facts_of(instance: Instance, wanted: Settings) -> Facts:
    told = ", ".join(f"{name} {value}" for name, value in _read(instance, wanted).items())
    return {"status": instance.status, "words": f"{told}, {instance.status}"}
