"""Restore an RDS instance as it was at a moment, into a new one. (Document: Restore from AWS RDS Automated Backup.)"""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import Field, field_validator

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
from bot.systems.rds import Instance, Rds
from bot.systems.rds_changes import restore_to_time
from bot.systems.rds_settings import describe_left_out


class RestoreToTime(Parameters):
    instance: InstanceName
    to_time: datetime = Field(title="As it was at", description="The moment whose state is brought back.")
    new_instance: NewName

    @field_validator("to_time")
    @classmethod
    def check_zone(cls, moment: datetime) -> datetime:
        """A time without a zone would be somebody's guess."""
        if moment.tzinfo is None:
            raise ValueError("needs its zone, such as 2025-11-25T10:30:00Z")
        return moment.astimezone(UTC)


class RdsRestoreToTime(RdsRestore[RestoreToTime]):
    name = "rds_restore_to_time"
    purpose = "Restore an RDS instance as it was at a moment, into a new instance beside it"
    restored = "moment"
    permissions = (
        *RESTORE_PERMISSIONS,
        "rds:DescribeDBInstanceAutomatedBackups",
        "rds:RestoreDBInstanceToPointInTime",
    )
    parameters = RestoreToTime

    def target(self, parameters: RestoreToTime) -> str:
        return parameters.new_instance

    def choices(self, world: World, name: str, given: Facts) -> list[tuple[str, str]] | None:
        if name == "instance":
            return list_choices(world, lambda one: one.retention_days > 0)
        return suggest_names(world) if name == "new_instance" else None

    def disaster(self, world: World, parameters: RestoreToTime) -> str | None:
        return database_behind(world)[1].disaster

    def observe(self, world: World, parameters: RestoreToTime) -> Facts:
        require_login(world)
        rds = open_rds(world)
        source = rds.observe(parameters.instance)
        earliest, latest = find_window(rds, source)
        refuse_outside(parameters.to_time, earliest, latest)
        return {
            "source": source.identifier,
            "resource_id": source.resource_id,
            "status": source.status,
            "earliest": earliest.isoformat() if earliest else None,
            "latest": latest.isoformat(),
            **observe_settings(source),
        }

    def plan(self, world: World, parameters: RestoreToTime, observed: Facts, history: History) -> PlanDocument:
        rds = open_rds(world)
        refuse_taken(rds, parameters.new_instance)
        source = rds.observe(parameters.instance)
        latest = datetime.fromisoformat(str(observed["latest"]))
        return self.draft(
            world,
            parameters,
            observed,
            history,
            title=f"Restore {parameters.instance} as of {parameters.to_time:%d %b %H:%M:%S} UTC",
            loss=predict_switch_loss(world, source, parameters.to_time),
            untouched=f"the instance {parameters.instance}",
            back_to=parameters.to_time,
            notes=[
                f"The latest moment that could be restored was {latest:%d %b %H:%M:%S} UTC.",
                "Every setting of the source is carried over; the new instance has an endpoint of its own.",
                *describe_left_out(source.description),
            ],
        )

    def moved(self, planned: Facts, now: Facts) -> list[str]:
        """The window moves all the time; that the moment lies in it is looked at again."""
        return list_moved_settings(planned, now)

    def preflight(self, context: Context[RestoreToTime]) -> Facts:
        """The window moves on while people decide."""
        parameters, rds = context.parameters, open_rds(context.world)
        earliest, latest = find_window(rds, rds.observe(parameters.instance))
        refuse_outside(parameters.to_time, earliest, latest)
        return {"latest": latest.isoformat(), "words": f"RDS has everything until {latest:%H:%M:%S} UTC"}

    def restore(self, context: Context[RestoreToTime]) -> Facts:
        """Begun once; found again by its name and mark."""
        restored, parameters = find_restored(context), context.parameters
        restore_to_time(
            restored.rds, parameters.instance, restored.name, parameters.to_time, restored.settings, context.mark
        )
        return wait_until_restored(context)


def find_window(rds: Rds, source: Instance) -> tuple[datetime | None, datetime]:
    """Between which moments the instance can be restored. Raises `Refused` where there are no backups."""
    latest = source.latest_restorable
    if source.retention_days == 0 or latest is None:
        raise Refused(
            f"{source.identifier} keeps no automated backups, so no moment of it can be restored.",
            "Restore a snapshot with `/dr plan rds_restore_snapshot`, or a dump with `/dr restore`.",
        )
    return rds.find_earliest(source), latest


def refuse_outside(moment: datetime, earliest: datetime | None, latest: datetime) -> None:
    """RDS restores to before LatestRestorableTime only; refused here, in words."""
    if moment >= latest:
        raise Refused(
            f"{moment:%d %b %H:%M:%S} UTC cannot be restored yet: RDS has everything until {latest:%H:%M:%S} UTC.",
            "Choose an earlier moment, or wait; RDS is usually five minutes behind.",
        )
    if earliest is not None and moment < earliest:
        raise Refused(
            f"{moment:%d %b %H:%M:%S} UTC cannot be restored any more: the backups begin at "
            f"{earliest:%d %b %H:%M:%S} UTC.",
            "Choose a later moment, or a snapshot with `/dr plan rds_restore_snapshot`.",
        )


ACTION = RdsRestoreToTime()
