"""Restore a copied snapshot in the second region, where the first one may be gone. (Document: Full DR Simulation.)

Nothing of the first region is asked: settings come from the policy, and what the snapshot itself holds.
"""

from __future__ import annotations

from pydantic import Field, JsonValue

from bot.outcome import Refused
from bot.recovery.action import Context, Facts, History, Parameters, World
from bot.recovery.instances import open_region, open_second_rds, require_login
from bot.recovery.rds_restores import RdsRestore
from bot.recovery.restored_instances import (
    RESTORE_PERMISSIONS,
    NewName,
    find_restored,
    list_moved_settings,
    predict_switch_loss,
    refuse_taken,
    suggest_names,
    wait_until_restored,
)
from bot.recovery.side_plan import list_moved
from bot.store.documents import PlanDocument
from bot.systems.rds import Rds, Snapshot
from bot.systems.rds_changes import restore_from_snapshot
from bot.systems.security_groups import find_group_ids
from bot.words import show_duration

LISTED = 50


class RestoreCopy(Parameters):
    snapshot: str | None = Field(
        default=None, title="Snapshot", description="The newest where none is named.",
        pattern=r"^(rds:)?[A-Za-z][A-Za-z0-9-]{0,254}$",
    )  # fmt: skip
    new_instance: NewName


class RdsRestoreCopy(RdsRestore[RestoreCopy]):
    name = "rds_restore_copy"
    purpose = "Restore a copied snapshot in the second region, without asking the first"
    restored = "copy"
    permissions = (
        *RESTORE_PERMISSIONS,
        "ec2:DescribeSecurityGroups",
        "rds:DescribeDBSnapshots",
        "rds:DescribeDBSubnetGroups",
        "rds:RestoreDBInstanceFromDBSnapshot",
    )
    parameters = RestoreCopy

    def target(self, parameters: RestoreCopy) -> str:
        return parameters.new_instance

    def choices(self, world: World, name: str, given: Facts) -> list[tuple[str, str]] | None:
        rds = open_second_rds(world)
        if name == "snapshot":
            copies = rds.list_snapshots(world.policy.infrastructure.rds.instance)[:LISTED]
            return [(one.identifier, f"{_age(one, world)} old · {one.identifier}") for one in copies]
        return suggest_names(world, rds) if name == "new_instance" else None

    def disaster(self, world: World, parameters: RestoreCopy) -> str | None:
        return next((key for key in ("region_outage",) if key in world.policy.disasters), None)

    def observe(self, world: World, parameters: RestoreCopy) -> Facts:
        """The copy, and what the instance is to have there."""
        require_login(world)
        rds = open_second_rds(world)
        snapshot = find_copy(world, rds, parameters.snapshot)
        settings: JsonValue = list_settings(world, rds.region)
        second = world.policy.infrastructure.rds.second_region
        largest = second.largest_storage_gib if second else None
        return {
            "region": "secondary",
            "resource_id": None,
            "snapshot": snapshot.identifier,
            "snapshot_taken_at": snapshot.taken_at.isoformat() if snapshot.taken_at else None,
            "settings": settings,
            "afterwards": {"MaxAllocatedStorage": largest} if largest else {},
        }

    def plan(self, world: World, parameters: RestoreCopy, observed: Facts, history: History) -> PlanDocument:
        rds = open_second_rds(world)
        refuse_taken(rds, parameters.new_instance)
        snapshot = find_copy(world, rds, str(observed["snapshot"]))
        assert snapshot.taken_at is not None  # `find_copy` refuses others
        source = open_region(world, "primary", brief=True)
        return self.draft(
            world,
            parameters,
            observed,
            history,
            title=f"Restore {snapshot.identifier} in {rds.region}",
            loss=predict_switch_loss(world, None, snapshot.taken_at),
            untouched="what is there",
            back_to=snapshot.taken_at,
            notes=[
                f"The copy holds the state of {snapshot.taken_at:%d %b %H:%M:%S} UTC, {snapshot.size_gib:,} GiB.",
                f"Settings are those of the policy for {rds.region}; {source.region} is not asked for anything.",
            ],
        )

    def moved(self, planned: Facts, now: Facts) -> list[str]:
        """A copy that has come since is no reason to wait; the one that was planned has to be there still."""
        return [*list_moved(planned, now, ("snapshot", "snapshot_taken_at")), *list_moved_settings(planned, now)]

    def preflight(self, context: Context[RestoreCopy]) -> Facts:
        """Copies are deleted too."""
        snapshot = find_copy(context.world, open_second_rds(context.world), str(context.plan.observed["snapshot"]))
        return {"words": f"{snapshot.identifier} is {snapshot.status}"}

    def restore(self, context: Context[RestoreCopy]) -> Facts:
        """Begun once; found again by its name and mark."""
        restored, snapshot = find_restored(context), str(context.plan.observed["snapshot"])
        restore_from_snapshot(restored.rds, snapshot, restored.name, restored.settings, context.mark)
        return wait_until_restored(context)


def find_copy(world: World, rds: Rds, name: str | None) -> Snapshot:
    """The one that is named, or the newest. Raises `Refused` where there is none that can be restored."""
    if name is not None:
        snapshot = rds.find_snapshot(name)
        if snapshot is None or snapshot.status != "available" or snapshot.taken_at is None:
            state = snapshot.status if snapshot else "not there"
            raise Refused(f"Snapshot {name} is {state} in {rds.region}.", "Choose another one.")
        return snapshot
    instance = world.policy.infrastructure.rds.instance
    copies = rds.list_snapshots(instance)
    if not copies:
        raise Refused(
            f"There is no copy of a snapshot of {instance} in {rds.region}.",
            "While the first region lives, `/dr plan rds_copy_snapshot` makes one; archives in S3 are another way.",
        )
    return copies[0]


def list_settings(world: World, region: str) -> dict[str, JsonValue]:
    """Everything that RDS would otherwise choose by itself. Raises `Refused` where the policy does not say it."""
    rules, backups = world.policy.infrastructure.rds, world.policy.backups.automated_daily
    second = rules.second_region
    if second is None:
        raise Refused(
            "The policy does not say what an instance belongs to in the second region.",
            "Add `infrastructure.rds.second_region`.",
        )
    groups: JsonValue = [*find_group_ids(region, second.security_groups, second.subnet_group)]
    return {
        "BackupRetentionPeriod": backups.retention.days,
        "CopyTagsToSnapshot": True,
        "DBInstanceClass": rules.instance_class,
        "DBParameterGroupName": second.parameter_group,
        "DBSubnetGroupName": second.subnet_group,
        "DeletionProtection": True,
        "MultiAZ": rules.multi_az,
        "PreferredBackupWindow": backups.window,
        "PubliclyAccessible": rules.publicly_accessible,
        "VpcSecurityGroupIds": groups,
    }


def _age(snapshot: Snapshot, world: World) -> str:
    return show_duration(world.now() - snapshot.taken_at) if snapshot.taken_at else "of unknown age"


ACTION = RdsRestoreCopy()
