"""Restore a snapshot of an RDS instance into a new one. (Document: Restore from AWS RDS Automated Backup.)"""

from __future__ import annotations

from pydantic import Field

from bot.outcome import Refused
from bot.recovery.action import Context, Facts, History, Parameters, World
from bot.recovery.instances import InstanceName, database_behind, list_choices, open_rds, require_login
from bot.recovery.rds_restores import RdsRestore
from bot.recovery.restored_instances import (
    RESTORE_PERMISSIONS,
    NewName,
    find_restored,
    list_moved_settings,
    observe_settings,
    predict_switch_loss,
    refuse_taken,
    suggest_names,
    wait_until_restored,
)
from bot.store.documents import PlanDocument
from bot.systems.rds import Rds, Snapshot
from bot.systems.rds_changes import restore_from_snapshot
from bot.systems.rds_settings import NOT_FROM_SNAPSHOT, describe_left_out
from bot.words import show_duration

LISTED = 50


class RestoreSnapshot(Parameters):
    instance: InstanceName = Field(title="Instance", description="Whose settings the new one gets.")
    snapshot: str = Field(
        title="Snapshot",
        description="Manual or automated.",
        pattern=r"^(rds:)?[A-Za-z][A-Za-z0-9-]{0,254}$",
    )
    new_instance: NewName


class RdsRestoreSnapshot(RdsRestore[RestoreSnapshot]):
    name = "rds_restore_snapshot"
    purpose = "Restore a snapshot of an RDS instance into a new instance beside it"
    restored = "snapshot"
    permissions = (*RESTORE_PERMISSIONS, "rds:DescribeDBSnapshots", "rds:RestoreDBInstanceFromDBSnapshot")
    parameters = RestoreSnapshot

    def target(self, parameters: RestoreSnapshot) -> str:
        return parameters.new_instance

    def choices(self, world: World, name: str, given: Facts) -> list[tuple[str, str]] | None:
        if name == "instance":
            return list_choices(world)
        if name == "snapshot":
            instance = str(given.get("instance") or world.policy.infrastructure.rds.instance)
            return [(one.identifier, _label(one, world)) for one in open_rds(world).list_snapshots(instance)[:LISTED]]
        return suggest_names(world) if name == "new_instance" else None

    def disaster(self, world: World, parameters: RestoreSnapshot) -> str | None:
        return database_behind(world)[1].disaster

    def observe(self, world: World, parameters: RestoreSnapshot) -> Facts:
        require_login(world)
        rds = open_rds(world)
        source, snapshot = rds.observe(parameters.instance), find_usable(rds, parameters)
        carried = observe_settings(source)
        if isinstance(carried["settings"], dict):
            carried["settings"] = {
                name: value for name, value in carried["settings"].items() if name not in NOT_FROM_SNAPSHOT
            }
        return {
            "source": source.identifier,
            "resource_id": source.resource_id,
            "snapshot": snapshot.identifier,
            "snapshot_taken_at": snapshot.taken_at.isoformat() if snapshot.taken_at else None,
            **carried,
        }

    def plan(self, world: World, parameters: RestoreSnapshot, observed: Facts, history: History) -> PlanDocument:
        rds = open_rds(world)
        refuse_taken(rds, parameters.new_instance)
        source, snapshot = rds.observe(parameters.instance), find_usable(rds, parameters)
        assert snapshot.taken_at is not None  # `find_usable` refuses others
        return self.draft(
            world,
            parameters,
            observed,
            history,
            title=f"Restore snapshot {snapshot.identifier}",
            loss=predict_switch_loss(world, source, snapshot.taken_at),
            untouched=f"the instance {parameters.instance}",
            back_to=snapshot.taken_at,
            notes=[
                f"The snapshot is of {snapshot.taken_at:%d %b %H:%M:%S} UTC, {snapshot.size_gib:,} GiB of storage.",
                f"Every setting of {source.identifier} is carried over; the new instance has its own endpoint.",
                *_warn_of_other(snapshot, source.identifier),
                *describe_left_out(source.description),
            ],
        )

    def moved(self, planned: Facts, now: Facts) -> list[str]:
        taken = "snapshot_taken_at"
        replaced = [] if planned[taken] == now[taken] else ["the snapshot was replaced by another one"]
        return [*replaced, *list_moved_settings(planned, now)]

    def preflight(self, context: Context[RestoreSnapshot]) -> Facts:
        """Snapshots are deleted by retention."""
        snapshot = find_usable(open_rds(context.world), context.parameters)
        return {"words": f"{snapshot.identifier} is {snapshot.status}"}

    def restore(self, context: Context[RestoreSnapshot]) -> Facts:
        """Begun once; found again by its name and mark."""
        restored = find_restored(context)
        restore_from_snapshot(restored.rds, context.parameters.snapshot, restored.name, restored.settings, context.mark)
        return wait_until_restored(context)


def find_usable(rds: Rds, parameters: RestoreSnapshot) -> Snapshot:
    """The snapshot, if it is complete. Raises `Refused`."""
    snapshot = rds.find_snapshot(parameters.snapshot)
    if snapshot is None:
        raise Refused(f"There is no snapshot {parameters.snapshot} in {rds.region}.", "Choose another one.")
    if snapshot.status != "available" or snapshot.taken_at is None:
        raise Refused(f"Snapshot {snapshot.identifier} is {snapshot.status}.", "Wait, or choose another one.")
    return snapshot


def _warn_of_other(snapshot: Snapshot, instance: str) -> list[str]:
    if snapshot.instance == instance:
        return []
    return [f"The snapshot is of {snapshot.instance}, the settings are those of {instance}."]


def _label(snapshot: Snapshot, world: World) -> str:
    assert snapshot.taken_at is not None  # only usable ones are listed
    age = show_duration(world.now() - snapshot.taken_at)
    kind = "automated" if snapshot.identifier.startswith("rds:") else "manual"
    return f"{age} old · {snapshot.taken_at:%d %b %H:%M} UTC · {kind} · {snapshot.identifier}"


ACTION = RdsRestoreSnapshot()
