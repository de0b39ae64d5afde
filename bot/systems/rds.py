"""Database instances on AWS RDS: what they are, their snapshots and events, and the calls that change them.

Every call that changes something is made once (see `aws`); names are chosen by the caller, so that a call that
happened although its answer got lost is found again by its name and its tag.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bot.systems.aws import ACTING, BRIEF, READING, AwsRefused, ask, open_client
from bot.systems.outcomes import SystemRefused

if TYPE_CHECKING:
    from mypy_boto3_rds.client import RDSClient
    from mypy_boto3_rds.type_defs import DBInstanceTypeDef, DBSnapshotTypeDef

RUN_TAG = "holdfast:run"
"""Tag that carries the mark of the run that made an instance or a snapshot."""
NOT_FOUND = ("DBInstanceNotFound", "DBInstanceNotFoundFault", "DBSnapshotNotFound", "DBSnapshotNotFoundFault")
EVENTS_MINUTES = 24 * 60
WINDOW_NOT_FOUND = ("DBInstanceAutomatedBackupNotFound", "DBInstanceAutomatedBackupNotFoundFault")


class InstanceMissing(SystemRefused):
    """There is no instance of that name in the region."""

    def __init__(self, identifier: str, region: str) -> None:
        super().__init__(f"There is no RDS instance {identifier} in {region}.", "Check the name and the region.")


@dataclass(frozen=True)
class Instance:
    """One instance, as RDS describes it."""

    description: DBInstanceTypeDef

    @property
    def identifier(self) -> str:
        return self.description["DBInstanceIdentifier"]

    @property
    def resource_id(self) -> str:
        """What stays when it is renamed, and differs when another one takes the name."""
        return self.description.get("DbiResourceId", "")

    @property
    def status(self) -> str:
        """RDS's word, such as `available`; `creating` for the moments in which it says none."""
        return self.description.get("DBInstanceStatus") or "creating"

    @property
    def instance_class(self) -> str:
        return self.description.get("DBInstanceClass", "")

    @property
    def multi_az(self) -> bool:
        return self.description.get("MultiAZ", False)

    @property
    def address(self) -> tuple[str, int] | None:
        """Host and port; None until it has them."""
        endpoint = self.description.get("Endpoint", {})
        host, port = endpoint.get("Address"), endpoint.get("Port")
        return (host, port) if host and port else None

    @property
    def latest_restorable(self) -> datetime | None:
        """UTC; None without automated backups."""
        return self.description.get("LatestRestorableTime")

    @property
    def retention_days(self) -> int:
        """How long automated backups are kept; 0 means that there are none."""
        return self.description.get("BackupRetentionPeriod", 0)

    @property
    def backup_window(self) -> str:
        return self.description.get("PreferredBackupWindow", "")

    @property
    def storage_gib(self) -> int:
        return self.description.get("AllocatedStorage", 0)

    @property
    def largest_storage_gib(self) -> int:
        """How far RDS lets the storage grow by itself; its present size where it does not."""
        return max(self.description.get("MaxAllocatedStorage", 0), self.storage_gib)

    @property
    def source(self) -> str | None:
        """The instance that it is a read replica of; an ARN where that is in another region."""
        return self.description.get("ReadReplicaSourceDBInstanceIdentifier") or None

    @property
    def replicas(self) -> list[str]:
        return list(self.description.get("ReadReplicaDBInstanceIdentifiers", []))

    @property
    def protected(self) -> bool:
        """Whether deletion protection is on."""
        return self.description.get("DeletionProtection", False)

    @property
    def pending(self) -> dict[str, Any]:
        """Changes that wait for the maintenance window; a password is only said to be among them."""
        pending: Mapping[str, Any] = self.description.get("PendingModifiedValues", {})
        found = {name: value for name, value in pending.items() if value not in (None, [], {})}
        return {name: "(hidden)" if "Password" in name else value for name, value in sorted(found.items())}

    @property
    def mark(self) -> str | None:
        """Mark of the run that made it."""
        return _find_mark(self.description.get("TagList", []))


@dataclass(frozen=True)
class Snapshot:
    """One manual or automated snapshot."""

    description: DBSnapshotTypeDef

    @property
    def identifier(self) -> str:
        return self.description["DBSnapshotIdentifier"]

    @property
    def arn(self) -> str:
        return self.description["DBSnapshotArn"]

    @property
    def instance(self) -> str:
        return self.description["DBInstanceIdentifier"]

    @property
    def status(self) -> str:
        """`creating`, `copying`, `available`, `failed`, …"""
        return self.description.get("Status") or "creating"

    @property
    def progress_percent(self) -> int:
        return self.description.get("PercentProgress", 0)

    @property
    def encrypted(self) -> bool:
        return self.description.get("Encrypted", False)

    @property
    def taken_at(self) -> datetime | None:
        """The moment whose state it holds, UTC; a copy keeps that of its original. None while it is created."""
        return self.description.get("OriginalSnapshotCreateTime") or self.description.get("SnapshotCreateTime")

    @property
    def size_gib(self) -> int:
        """Storage of the instance that it was taken of."""
        return self.description.get("AllocatedStorage", 0)

    @property
    def mark(self) -> str | None:
        """Mark of the run that made it."""
        return _find_mark(self.description.get("TagList", []))


@dataclass(frozen=True)
class Maintenance:
    """Something that AWS wants to do to an instance."""

    action: str
    description: str
    applies_at: datetime | None
    """When it does so by itself, UTC; None where no date is set."""


@dataclass(frozen=True)
class Event:
    """Something that RDS says has happened to an instance. UTC."""

    at: datetime
    message: str
    categories: tuple[str, ...]


class Rds:
    """The instances of one region."""

    def __init__(self, region: str, *, brief: bool = False) -> None:
        """`brief`: the region may be gone, so no question waits long for its answer."""
        self.region = region
        self._reading: RDSClient = open_client("rds", region_name=region, config=BRIEF if brief else READING)
        # Used by `rds_changes`.
        self.acting: RDSClient = open_client("rds", region_name=region, config=ACTING)

    def find(self, identifier: str) -> Instance | None:
        """The instance, or None. Raises AwsRefused, AwsUnclear."""
        try:
            answer = ask(
                f"describe {identifier}",
                lambda: self._reading.describe_db_instances(DBInstanceIdentifier=identifier),
            )
        except AwsRefused as refusal:
            if refusal.code in NOT_FOUND:
                return None
            raise
        return next((Instance(one) for one in answer["DBInstances"]), None)

    def observe(self, identifier: str) -> Instance:
        """The instance. Raises InstanceMissing."""
        found = self.find(identifier)
        if found is None:
            raise InstanceMissing(identifier, self.region)
        return found

    def list_instances(self) -> list[Instance]:
        """All PostgreSQL instances of the region, by name."""
        pages = self._reading.get_paginator("describe_db_instances").paginate()
        found = ask("list instances", lambda: [one for page in pages for one in page["DBInstances"]])
        return sorted(
            (Instance(one) for one in found if one.get("Engine", "") == "postgres"), key=lambda one: one.identifier
        )

    def offers(self, instance: Instance, instance_class: str) -> bool | None:
        """Whether the region offers a class for the instance's engine; None where it does not even list its own.

        Whether the class fits the engine's version, RDS says when it is asked for.
        """
        if self._lists_class(instance, instance_class):
            return True
        return False if self._lists_class(instance, instance.instance_class) else None

    def _lists_class(self, instance: Instance, instance_class: str) -> bool:
        pages = self._reading.get_paginator("describe_orderable_db_instance_options").paginate(
            Engine=instance.description.get("Engine", "postgres"), DBInstanceClass=instance_class
        )
        return ask("list classes", lambda: any(page["OrderableDBInstanceOptions"] for page in pages))

    def find_earliest(self, instance: Instance) -> datetime | None:
        """The earliest moment that automated backups go back to, UTC; None where RDS does not say."""
        try:
            answer = ask(
                f"describe the automated backups of {instance.identifier}",
                lambda: self._reading.describe_db_instance_automated_backups(DBInstanceIdentifier=instance.identifier),
            )
        except AwsRefused as refusal:
            if refusal.code in WINDOW_NOT_FOUND:
                return None
            raise
        # Backups of a deleted instance that had the name before may be kept as well.
        own = [one for one in answer["DBInstanceAutomatedBackups"] if one.get("DbiResourceId") == instance.resource_id]
        windows = [one.get("RestoreWindow", {}).get("EarliestTime") for one in own]
        return min((one for one in windows if one is not None), default=None)

    def find_snapshot(self, identifier: str) -> Snapshot | None:
        """The snapshot, or None."""
        try:
            answer = ask(
                f"describe snapshot {identifier}",
                lambda: self._reading.describe_db_snapshots(DBSnapshotIdentifier=identifier),
            )
        except AwsRefused as refusal:
            if refusal.code in NOT_FOUND:
                return None
            raise
        return next((Snapshot(one) for one in answer["DBSnapshots"]), None)

    def list_snapshots(self, instance: str) -> list[Snapshot]:
        """Snapshots of an instance that can be restored from, manual and automated, the newest first."""
        pages = self._reading.get_paginator("describe_db_snapshots").paginate(DBInstanceIdentifier=instance)
        found = ask("list snapshots", lambda: [Snapshot(one) for page in pages for one in page["DBSnapshots"]])
        usable = [(at, one) for one in found if one.status == "available" and (at := one.taken_at) is not None]
        return [one for _, one in sorted(usable, key=lambda pair: pair[0], reverse=True)]

    def list_maintenance(self, instance: Instance) -> list[Maintenance]:
        """What AWS wants to do to an instance, such as an upgrade of its system, by the time it does so."""
        arn = instance.description.get("DBInstanceArn", "")
        answer = ask(
            f"list the maintenance of {instance.identifier}",
            lambda: self._reading.describe_pending_maintenance_actions(ResourceIdentifier=arn),
        )
        found = [
            Maintenance(one.get("Action", "?"), one.get("Description", ""), one.get("CurrentApplyDate"))
            for resource in answer["PendingMaintenanceActions"]
            for one in resource.get("PendingMaintenanceActionDetails", [])
        ]
        return sorted(found, key=lambda one: (one.applies_at is None, one.applies_at))

    def list_events(self, identifier: str) -> list[Event]:
        """What happened to an instance in the last day, oldest first."""
        pages = self._reading.get_paginator("describe_events").paginate(
            SourceIdentifier=identifier, SourceType="db-instance", Duration=EVENTS_MINUTES
        )
        found = ask("list events", lambda: [one for page in pages for one in page["Events"]])
        events = [Event(one["Date"], one.get("Message", ""), tuple(one.get("EventCategories", []))) for one in found]
        return sorted(events, key=lambda one: one.at)


def run_tags(mark: str) -> list[Any]:
    """The tag that says which run made something."""
    return [{"Key": RUN_TAG, "Value": mark}]


def _find_mark(tags: Any) -> str | None:
    return next((str(tag.get("Value")) for tag in tags if tag.get("Key") == RUN_TAG), None)
