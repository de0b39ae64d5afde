"""RDS snapshots: manual ones, the automatic one that continuous backups begin with, and copies to other regions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from bot.sandbox.strict_cloud.rds.server import BaseBackup
from bot.sandbox.strict_cloud.rds.settings import Facts, inherited_settings, refuse
from bot.sandbox.strict_cloud.rds.state import Instance, Region, Snapshot, arn, snapshot_name

NAME = re.compile(r"[a-z](?:-?[a-z0-9])*", re.IGNORECASE)
SHARED = (
    *("Engine", "EngineVersion", "AllocatedStorage", "MasterUsername", "AvailabilityZone", "LicenseModel", "Iops"),
    *("StorageType", "StorageThroughput", "KmsKeyId", "IAMDatabaseAuthenticationEnabled", "InstanceCreateTime"),
    *("DbiResourceId", "DedicatedLogVolume"),
)
Request = Mapping[str, object]


def create_snapshot(region: Region, request: Request) -> Snapshot:
    """CreateDBSnapshot: the instance is "backing-up" meanwhile."""
    instance = region.available_instance(request.get("DBInstanceIdentifier"))
    name = check_snapshot_name(region, request.get("DBSnapshotIdentifier"))
    tags = request.get("Tags") or []
    instance.set_status("backing-up")
    return begin_snapshot(region, instance, name, tags, then_available=True)


def begin_snapshot(region: Region, instance: Instance, name: str, tags: object, *, then_available: bool) -> Snapshot:
    """Take a snapshot as the next thing that the instance does."""
    snapshot = _describe_snapshot(instance, name, "manual")
    snapshot.facts["TagList"] = tags or (instance.facts["TagList"] if instance.facts["CopyTagsToSnapshot"] else [])
    region.snapshots[name] = snapshot
    server = instance.server

    def take() -> None:
        snapshot.backup = server.back_up() if server else None

    def half() -> None:
        snapshot.percent = 50

    def finish() -> None:
        _complete(region, snapshot)
        if then_available:
            instance.set_status("available")

    region.tell(snapshot, "Creating manual snapshot", "creation")
    half_s = region.world.pace.backing_up_s / 2
    instance.agenda.add(half_s, half)
    instance.agenda.add(half_s, finish, take)
    return snapshot


def keep_automatic_snapshot(region: Region, instance: Instance) -> None:
    """List the base backup of continuous archiving among the snapshots, as RDS does."""
    snapshot = _describe_snapshot(
        instance, f"rds:{instance.identifier}-{datetime.now(UTC):%Y-%m-%d-%H-%M-%S}", "automated"
    )
    snapshot.backup = instance.archive.base if instance.archive else None
    _complete(region, snapshot)
    region.snapshots[snapshot.identifier] = snapshot


def copy_snapshot(region: Region, request: Request) -> Snapshot:
    """CopyDBSnapshot, called in the target's region; a source elsewhere is named by its ARN."""
    wanted = str(request.get("SourceDBSnapshotIdentifier"))
    home = region.world.region(wanted) if wanted.startswith("arn:") else region
    source = home.snapshot(wanted)
    if source.status != "available":
        raise refuse("InvalidDBSnapshotState", f"Snapshot {source.identifier} is {source.status}.")
    if source.facts.get("Encrypted") and home is not region and not request.get("KmsKeyId"):
        raise refuse("InvalidParameterValue", "KmsKeyId must be provided to copy an encrypted snapshot across regions.")
    name = check_snapshot_name(region, request.get("TargetDBSnapshotIdentifier"))
    tags = request.get("Tags") or (source.facts["TagList"] if request.get("CopyTags") else [])
    facts: Facts = {
        **source.facts,
        "SnapshotType": "manual",
        "SnapshotCreateTime": datetime.now(UTC),
        "SourceDBSnapshotIdentifier": arn(home.name, "snapshot", source.identifier),
        "TagList": tags,
    }
    if key := request.get("KmsKeyId"):
        facts |= {"KmsKeyId": key, "Encrypted": True}
    if home is not region:
        facts |= {"SourceRegion": home.name, "OptionGroupName": f"default:postgres-{_major(source.facts)}"}
    settings = {**source.settings, "StorageEncrypted": facts["Encrypted"], "KmsKeyId": facts.get("KmsKeyId")}
    copy = region.snapshots[name] = Snapshot(name, region.name, facts, settings)
    _begin_copy(region, copy, source.backup)
    return copy


def delete_snapshot(region: Region, request: Request) -> Snapshot:
    """DeleteDBSnapshot: manual ones only, and not while they are made."""
    snapshot = region.snapshot(request.get("DBSnapshotIdentifier"))
    if snapshot.status != "available" or snapshot.facts["SnapshotType"] == "automated":
        raise refuse("InvalidDBSnapshotState", f"Snapshot {snapshot.identifier} cannot be deleted.")
    del region.snapshots[snapshot.identifier]
    snapshot.status = "deleted"
    if snapshot.backup:
        snapshot.backup.remove()
    region.tell(snapshot, "Deleted manual snapshot", "deletion")
    return snapshot


def find_snapshots(region: Region, request: Request) -> list[Facts]:
    """DescribeDBSnapshots: by name, instance, type and the filters of the same names."""
    if name := request.get("DBSnapshotIdentifier"):
        return [region.snapshot(name).describe()]
    wanted = {"DBInstanceIdentifier": request.get("DBInstanceIdentifier"), "SnapshotType": request.get("SnapshotType")}
    wanted["DbiResourceId"] = request.get("DbiResourceId")
    found = [snapshot.describe() for snapshot in region.snapshots.values()]
    return [facts for facts in found if all(not value or facts.get(key) == value for key, value in wanted.items())]


def check_snapshot_name(region: Region, name: object) -> str:
    """Return a name for a new snapshot. Raises for one that is taken or malformed."""
    text = str(name)
    if len(text) > 255 or not NAME.fullmatch(text):
        raise refuse("InvalidParameterValue", f"Invalid snapshot identifier: {text}")
    if text.lower() in region.snapshots:
        raise refuse("DBSnapshotAlreadyExists", f"Cannot create the snapshot because one named {text} already exists.")
    return snapshot_name(text)


def _describe_snapshot(instance: Instance, name: str, kind: str) -> Snapshot:
    now = datetime.now(UTC)
    facts = {key: instance.facts[key] for key in SHARED if instance.facts.get(key) is not None}
    options = instance.facts["OptionGroupMemberships"]
    facts |= {
        "DBInstanceIdentifier": instance.identifier,
        "SnapshotType": kind,
        "SnapshotCreateTime": now,
        "OriginalSnapshotCreateTime": now,
        "Encrypted": instance.facts.get("StorageEncrypted", False),
        "OptionGroupName": options[0]["OptionGroupName"] if isinstance(options, list) else None,
        "Port": 5432,
        "TagList": [],
    }
    return Snapshot(name, instance.region, facts, inherited_settings(instance.facts))


def _complete(region: Region, snapshot: Snapshot) -> None:
    snapshot.status, snapshot.percent = "available", 100
    region.tell(
        snapshot, "Manual snapshot created" if snapshot.facts["SnapshotType"] == "manual" else "Created", "creation"
    )


def _begin_copy(region: Region, copy: Snapshot, backup: BaseBackup | None) -> None:
    def work() -> None:
        if backup is not None:
            scratch = backup.programs.make_directory("rds-backup")
            backup.programs.run("cp", "-a", backup.data, Path(scratch.path) / "data")
            copy.backup = BaseBackup(scratch, backup.programs, backup.account, backup.size_bytes)

    region.tell(copy, "Copying snapshot", "creation")
    delay_s = region.world.pace.copying_snapshot_s
    region.agenda.add(delay_s, lambda: _complete(region, copy), work)


def _major(facts: Facts) -> str:
    return str(facts["EngineVersion"]).split(".")[0]
