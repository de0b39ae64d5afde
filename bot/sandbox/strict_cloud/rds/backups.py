"""Continuous backups of RDS instances: beginning, ending, and which moment can be restored."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from bot.sandbox.strict_cloud.rds.archive import Archive
from bot.sandbox.strict_cloud.rds.settings import refuse
from bot.sandbox.strict_cloud.rds.snapshots import keep_automatic_snapshot
from bot.sandbox.strict_cloud.rds.state import Instance, Region

Request = Mapping[str, object]


def begin_backups(region: Region, instance: Instance) -> None:
    """Take an automatic backup and archive from then on, if retention says so; then be available."""
    if instance.retention_days == 0 or instance.earliest is not None:
        instance.set_status("available")
        return
    server = instance.server

    def finish() -> None:
        instance.set_status("available")
        instance.paper_archive_since = datetime.now(UTC).replace(microsecond=0)
        keep_automatic_snapshot(region, instance)
        region.tell(instance, "Finished DB Instance backup", "backup")

    def archive() -> None:
        if server is not None:
            instance.archive = Archive(server)

    instance.set_status("backing-up")
    region.tell(instance, "Backing up DB instance", "backup")
    instance.agenda.add(region.world.pace.backing_up_s, finish, archive)


def end_backups(instance: Instance) -> None:
    """Forget automatic backups: there is no restoring to a time any more."""
    if instance.archive is not None:
        instance.archive.remove()
    instance.archive = instance.paper_archive_since = None


def choose_time(source: Instance, request: Request, lag_s: float) -> datetime:
    """Return the moment (UTC) that a restore asks for. Raises RDSClientError for one that cannot be restored."""
    at, latest_wanted = request.get("RestoreTime"), bool(request.get("UseLatestRestorableTime"))
    if (at is not None) == latest_wanted:
        raise refuse("InvalidParameterCombination", "Specify either RestoreTime or UseLatestRestorableTime, not both.")
    latest = source.latest_restorable(lag_s)
    if source.retention_days == 0 or latest is None or source.earliest is None:
        raise refuse("PointInTimeRestoreNotEnabled", f"Point in time restore is not enabled for {source.identifier}.")
    if not isinstance(at, datetime):
        return latest
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    if not source.earliest <= at <= latest:
        raise refuse(
            "InvalidParameterValue",
            f"The specified instance cannot be restored to a time later than {latest:%Y-%m-%dT%H:%M:%SZ} "
            f"or earlier than {source.earliest:%Y-%m-%dT%H:%M:%SZ}.",
        )
    return at
