"""RDS over the wire: what is strict here is answered by us, every other operation by moto.

moto parses the request and serialises the answer in both cases; each method is named for its operation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from moto.core.parse import XFormedDict
from moto.core.responses import ActionResult, EmptyResult, PaginatedResult
from moto.rds import urls
from moto.rds.responses import RDSResponse

from bot.sandbox.strict_cloud.rds import changes, creation, removal, replicas, snapshots
from bot.sandbox.strict_cloud.rds.settings import Facts, refuse
from bot.sandbox.strict_cloud.rds.state import Instance, Region, Snapshot, World

WORLD = World()
Request = Mapping[str, object]
EVENT_WINDOW_MIN = 60  # DescribeEvents' default


def install() -> World:
    """Put ourselves in moto's place for RDS; returns what exists, for the controls."""
    urls.url_paths = {"{0}/$": StrictRds.dispatch}
    return WORLD


class StrictRds(RDSResponse):
    """The operations on instances, snapshots, automated backups, events and their tags."""

    def create_db_instance(self) -> ActionResult:
        return self._instance(creation.create_instance)

    def create_db_instance_read_replica(self) -> ActionResult:
        return self._instance(replicas.create_replica)

    def restore_db_instance_to_point_in_time(self) -> ActionResult:
        return self._instance(creation.restore_to_time)

    def restore_db_instance_from_db_snapshot(self) -> ActionResult:
        return self._instance(creation.restore_snapshot)

    def promote_read_replica(self) -> ActionResult:
        return self._instance(replicas.promote_replica)

    def delete_db_instance(self) -> ActionResult:
        return self._instance(removal.delete_instance)

    def modify_db_instance(self) -> ActionResult:
        return self._instance(changes.modify_instance)

    def reboot_db_instance(self) -> ActionResult:
        return self._instance(changes.reboot_instance)

    def create_db_snapshot(self) -> ActionResult:
        return self._snapshot(snapshots.create_snapshot)

    def copy_db_snapshot(self) -> ActionResult:
        return self._snapshot(snapshots.copy_snapshot)

    def delete_db_snapshot(self) -> ActionResult:
        return self._snapshot(snapshots.delete_snapshot)

    def stop_db_instance(self) -> ActionResult:
        return self._instance(changes.stop_instance)

    def start_db_instance(self) -> ActionResult:
        return self._instance(changes.start_instance)

    def describe_db_instances(self) -> ActionResult:
        with WORLD.lock:
            name = self._request.get("DBInstanceIdentifier")
            found = [self._region.instance(name)] if name else list(self._region.instances.values())
            described = [instance.describe(WORLD.pace.restorable_lag_s) for instance in found]
        return PaginatedResult({"DBInstances": _filter(described, self._request, INSTANCE_FILTERS)})

    def describe_db_snapshots(self) -> ActionResult:
        with WORLD.lock:
            found = snapshots.find_snapshots(self._region, self._request)
        return PaginatedResult({"DBSnapshots": _filter(found, self._request, SNAPSHOT_FILTERS)})

    def describe_db_instance_automated_backups(self) -> ActionResult:
        wanted = {self._request.get(name) for name in ("DBInstanceIdentifier", "DbiResourceId")} - {None}
        with WORLD.lock:
            instances = [entry for entry in self._region.instances.values() if entry.retention_days]
            found = [_describe_backups(entry) for entry in instances if not wanted or wanted & _names(entry)]
        if wanted and not found:
            raise refuse("DBInstanceAutomatedBackupNotFound", f"No automated backup of {min(map(str, wanted))}.")
        return PaginatedResult({"DBInstanceAutomatedBackups": found})

    def describe_events(self) -> ActionResult:
        with WORLD.lock:
            found = _find_events(self._region, self._request)
        return PaginatedResult({"Events": found})

    def describe_pending_maintenance_actions(self) -> ActionResult:
        return PaginatedResult({"PendingMaintenanceActions": []})  # nobody patches this cloud

    def list_tags_for_resource(self) -> ActionResult:
        facts = self._tagged()
        return super().list_tags_for_resource() if facts is None else ActionResult({"TagList": facts["TagList"]})

    def add_tags_to_resource(self) -> ActionResult:
        facts = self._tagged()
        if facts is None:
            return super().add_tags_to_resource()
        added = {tag["Key"]: tag for tag in self.params["Tags"]}
        facts["TagList"] = [*(tag for tag in _tags(facts) if tag["Key"] not in added), *added.values()]
        return EmptyResult()

    def remove_tags_from_resource(self) -> ActionResult:
        facts = self._tagged()
        if facts is None:
            return super().remove_tags_from_resource()
        facts["TagList"] = [tag for tag in _tags(facts) if tag["Key"] not in self.params["TagKeys"]]
        return EmptyResult()

    @property
    def _region(self) -> Region:
        return WORLD.region(self.region)

    @property
    def _request(self) -> Request:
        return self.params.original_dict() if isinstance(self.params, XFormedDict) else {}  # a plain {} when empty

    def _instance(self, act: Callable[[Region, Request], Instance]) -> ActionResult:
        with WORLD.lock:
            instance = act(self._region, self._request)
            return ActionResult({"DBInstance": instance.describe(WORLD.pace.restorable_lag_s)})

    def _snapshot(self, act: Callable[[Region, Request], Snapshot]) -> ActionResult:
        with WORLD.lock:
            return ActionResult({"DBSnapshot": act(self._region, self._request).describe()})

    def _tagged(self) -> Facts | None:
        """Return the facts that hold the tags of the resource asked for, None when it is moto's."""
        name = str(self.params["ResourceName"])
        if ":db:" in name:
            return self._region.instance(name).facts
        return self._region.snapshot(name).facts if ":snapshot:" in name else None


INSTANCE_FILTERS = {
    "db-instance-id": ("DBInstanceIdentifier", "DBInstanceArn"),
    "dbi-resource-id": ("DbiResourceId",),
    "engine": ("Engine",),
}
SNAPSHOT_FILTERS = {
    "db-instance-id": ("DBInstanceIdentifier",),
    "db-snapshot-id": ("DBSnapshotIdentifier", "DBSnapshotArn"),
    "dbi-resource-id": ("DbiResourceId",),
    "snapshot-type": ("SnapshotType",),
    "engine": ("Engine",),
}


def _filter(found: list[Facts], request: Request, known: Mapping[str, tuple[str, ...]]) -> list[Facts]:
    filters = request.get("Filters") or []
    assert isinstance(filters, list)
    for entry in filters:
        if entry["Name"] not in known:
            raise refuse("InvalidParameterValue", f"Unrecognized filter name: {entry['Name']}")
        members = known[entry["Name"]]
        found = [facts for facts in found if any(facts.get(member) in entry["Values"] for member in members)]
    return found


def _names(instance: Instance) -> set[object]:
    return {instance.identifier, instance.facts["DbiResourceId"]}


def _describe_backups(instance: Instance) -> Facts:
    latest = instance.latest_restorable(WORLD.pace.restorable_lag_s)
    window = {"EarliestTime": instance.earliest, "LatestTime": latest} if latest else {}
    shared = ("DbiResourceId", "Engine", "EngineVersion", "AvailabilityZone", "AllocatedStorage", "MasterUsername")
    return {
        **{name: instance.facts.get(name) for name in shared},
        "DBInstanceIdentifier": instance.identifier,
        "DBInstanceArn": instance.arn,
        "Region": instance.region,
        "RestoreWindow": window,
        "Status": "active" if window else "creating",
        "BackupRetentionPeriod": instance.retention_days,
        "Encrypted": instance.facts.get("StorageEncrypted", False),
    }


def _find_events(region: Region, request: Request) -> list[Facts]:
    source, kind = request.get("SourceIdentifier"), request.get("SourceType")
    if source and not kind:
        raise refuse("InvalidParameterCombination", "Cannot specify source identifier without source type")
    minutes = int(str(request.get("Duration") or EVENT_WINDOW_MIN))
    start = _utc(request.get("StartTime")) or datetime.now(UTC) - timedelta(minutes=minutes)
    end = _utc(request.get("EndTime")) or datetime.max.replace(tzinfo=UTC)
    categories = set(map(str, request.get("EventCategories") or []))  # type: ignore[call-overload]
    return [
        event.describe(region.name)
        for event in region.events
        if (not source or event.source == source)
        and (not kind or event.source_type == kind)
        and start <= event.date <= end
        and (not categories or categories & set(event.categories))
    ]


def _utc(value: object) -> datetime | None:
    if not isinstance(value, datetime):
        return None
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _tags(facts: Facts) -> list[dict[str, str]]:
    tags = facts["TagList"]
    assert isinstance(tags, list)
    return tags
