"""What exists in RDS: instances, snapshots and events, by region; and the one lock and clock for all of it."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bot.sandbox.strict_cloud.pace import Agenda, Clock, Pace
from bot.sandbox.strict_cloud.rds.archive import Archive
from bot.sandbox.strict_cloud.rds.server import BaseBackup, Server
from bot.sandbox.strict_cloud.rds.settings import ACCOUNT, Facts, refuse

log = logging.getLogger(__name__)


@dataclass
class Event:
    """One line of DescribeEvents."""

    source: str
    source_type: str  # db-instance or db-snapshot
    message: str
    categories: list[str]
    date: datetime

    def describe(self, region: str) -> Facts:
        """Return the event as the API has it."""
        kind = {"db-instance": "db", "db-snapshot": "snapshot"}[self.source_type]
        return {
            "SourceIdentifier": self.source,
            "SourceType": self.source_type,
            "Message": self.message,
            "EventCategories": self.categories,
            "Date": self.date,
            "SourceArn": arn(region, kind, self.source),
        }


@dataclass
class Snapshot:
    """One DBSnapshot; `backup` is None where no database is behind the instance."""

    identifier: str
    region: str
    facts: Facts
    settings: Facts  # of the instance, taken where a restore says nothing
    status: str = "creating"
    percent: int = 0
    backup: BaseBackup | None = None

    def describe(self) -> Facts:
        """Return the snapshot as the API has it."""
        return {
            **self.facts,
            "DBSnapshotIdentifier": self.identifier,
            "DBSnapshotArn": arn(self.region, "snapshot", self.identifier),
            "Status": self.status,
            "PercentProgress": self.percent,
        }


@dataclass
class Instance:
    """One DBInstance. `facts`: members of its description that change only when somebody asks for it."""

    identifier: str
    region: str
    facts: Facts
    agenda: Agenda
    status: str = "creating"
    pending: Facts = field(default_factory=dict)
    applying: Facts = field(default_factory=dict)
    server: Server | None = None
    archive: Archive | None = None
    paper_archive_since: datetime | None = None  # restorable since, where no database is behind it
    stuck: dict[str, str | None] = field(
        default_factory=dict
    )  # of its region: what a test holds by name in a bad state
    lag_s: float | None = None  # ReplicaLag that a test has set

    @property
    def arn(self) -> str:
        """Its Amazon Resource Name."""
        return arn(self.region, "db", self.identifier)

    @property
    def retention_days(self) -> int:
        """BackupRetentionPeriod."""
        return int(str(self.facts.get("BackupRetentionPeriod", 0)))

    @property
    def source(self) -> str | None:
        """Identifier (or ARN, where it is in another region) of what it replicates."""
        source = self.facts.get("ReadReplicaSourceDBInstanceIdentifier")
        return str(source) if source else None

    @property
    def earliest(self) -> datetime | None:
        """Since when it can be restored to a point in time."""
        archive = self.archive
        return archive.earliest if archive else self.paper_archive_since

    def set_status(self, status: str) -> None:
        """Take a status; one that a test holds it in stays."""
        held = self.stuck.get(self.identifier)
        self.status = held if held and status == "available" else status

    def describe(self, lag_s: float) -> Facts:
        """Return the instance as the API has it; `lag_s`: how far LatestRestorableTime is behind."""
        facts: Facts = {
            **self.facts,
            "DBInstanceIdentifier": self.identifier,
            "DBInstanceArn": self.arn,
            "DBInstanceStatus": self.status,
            "PendingModifiedValues": _show_pending({**self.pending, **self.applying}),
        }
        if (server := self.server) is not None:
            facts["Endpoint"] = {"Address": "127.0.0.1", "Port": server.port, "HostedZoneId": "Z2R2ITUGPM61AM"}
        if (latest := self.latest_restorable(lag_s)) is not None:
            facts["LatestRestorableTime"] = latest
        return facts

    def latest_restorable(self, lag_s: float) -> datetime | None:
        """Return LatestRestorableTime, None without backups."""
        if self.retention_days == 0 or self.earliest is None:
            return None
        if (archive := self.archive) is not None:
            return archive.latest(lag_s)
        now = datetime.fromtimestamp(datetime.now(UTC).timestamp() - lag_s, UTC).replace(microsecond=0)
        return max(self.earliest, now)


class Region:
    """The instances, snapshots and events of one region."""

    def __init__(self, name: str, world: World) -> None:
        self.name = name
        self.world = world
        self.instances: dict[str, Instance] = {}
        self.snapshots: dict[str, Snapshot] = {}
        self.events: list[Event] = []
        self.stuck: dict[str, str | None] = {}
        self.agenda = world.agenda()  # of copies of snapshots, one after the other

    def instance(self, identifier: object) -> Instance:
        """Return an instance by identifier or ARN. Raises DBInstanceNotFound."""
        name = str(identifier).rpartition(":")[2].lower()
        if name not in self.instances or self._is_elsewhere(identifier):
            raise refuse("DBInstanceNotFound", f"DBInstance {identifier} not found.")
        return self.instances[name]

    def snapshot(self, identifier: object) -> Snapshot:
        """Return a snapshot by identifier or ARN of this region. Raises DBSnapshotNotFound."""
        name = snapshot_name(identifier)
        if name not in self.snapshots or self._is_elsewhere(identifier):
            raise refuse("DBSnapshotNotFound", f"DBSnapshot {identifier} not found.")
        return self.snapshots[name]

    def available_instance(self, identifier: object, *, also: Iterable[str] = ()) -> Instance:
        """Return an instance that can be changed. Raises DBInstanceNotFound and InvalidDBInstanceState."""
        instance = self.instance(identifier)
        if instance.status not in {"available", "storage-optimization", *also}:
            raise refuse(
                "InvalidDBInstanceState",
                f"Database instance is not in available state: {instance.identifier} is {instance.status}.",
            )
        return instance

    def new_instance(self, identifier: str, facts: Facts) -> Instance:
        """Add an instance that is being created. Raises DBInstanceAlreadyExists."""
        self.check_free(identifier)
        name = identifier.lower()
        instance = Instance(name, self.name, {**facts, "InstanceCreateTime": datetime.now(UTC)}, self.world.agenda())
        instance.facts["DbiResourceId"] = f"db-{secrets.token_hex(13).upper()}"
        instance.stuck = self.stuck
        instance.agenda = self.world.agenda(lambda error: self._fail(instance, error))
        self.instances[name] = instance
        return instance

    def check_free(self, identifier: str) -> None:
        """Raise DBInstanceAlreadyExists when an instance has that name."""
        if identifier.lower() in self.instances:
            raise refuse("DBInstanceAlreadyExists", "DB instance already exists")

    def tell(self, source: Instance | Snapshot, message: str, *categories: str) -> None:
        """Record an event."""
        kind = "db-instance" if isinstance(source, Instance) else "db-snapshot"
        self.events.append(Event(source.identifier, kind, message, list(categories), datetime.now(UTC)))

    def _is_elsewhere(self, identifier: object) -> bool:
        return str(identifier).startswith("arn:") and str(identifier).split(":")[3] != self.name

    def _fail(self, instance: Instance, error: BaseException) -> None:
        log.error("%s failed: %s", instance.identifier, error)
        instance.status = "incompatible-restore" if instance.status == "creating" else "failed"
        self.tell(instance, f"DB instance is in state {instance.status}.", "failure")


class World:
    """Every region; whoever reads or changes anything holds `lock`."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.clock = Clock()
        self.pace = Pace()
        self._regions: dict[str, Region] = {}
        self._workers = ThreadPoolExecutor(max_workers=8, thread_name_prefix="rds")

    def region(self, name: str) -> Region:
        """Return a region, by name or by an ARN in it."""
        name = name.split(":")[3] if name.startswith("arn:") else name
        return self._regions.setdefault(name, Region(name, self))

    def instances(self) -> Iterator[Instance]:
        """Yield every instance of every region."""
        for region in self._regions.values():
            yield from list(region.instances.values())

    def advance(self) -> None:
        """Let happen what is due."""
        with self.lock:
            for region in list(self._regions.values()):
                for agenda in [region.agenda, *(instance.agenda for instance in region.instances.values())]:
                    agenda.advance()

    def agenda(self, failed: Callable[[BaseException], None] = lambda error: log.error("%s", error)) -> Agenda:
        """Return an empty agenda; `failed` is told when its work fails."""
        return Agenda(self.clock, self.pace, self._workers, failed)

    def stop(self) -> None:
        """Stop every server of ours and delete what they stored."""
        self._workers.shutdown(wait=True, cancel_futures=True)
        snapshots = [kept.backup for region in self._regions.values() for kept in region.snapshots.values()]
        with ThreadPoolExecutor(max_workers=8) as workers:
            list(workers.map(discard, self.instances()))
            list(workers.map(lambda backup: backup.remove() if backup else None, snapshots))


def discard(instance: Instance) -> None:
    """Stop and delete what is behind an instance."""
    if instance.archive is not None:
        instance.archive.remove()
        instance.archive = None
    if instance.server is not None:
        instance.server.stop()
        instance.server = None


def arn(region: str, kind: str, name: str) -> str:
    """Return the ARN of an RDS resource; `kind` is db or snapshot."""
    return f"arn:aws:rds:{region}:{ACCOUNT}:{kind}:{name}"


def snapshot_name(identifier: object) -> str:
    """Return a snapshot's identifier out of itself or of its ARN; automated ones begin with "rds:"."""
    text = str(identifier).lower()
    return text.split(":snapshot:", 1)[1] if ":snapshot:" in text else text


def _show_pending(pending: Facts) -> Facts:
    shown = {name: "****" if name == "MasterUserPassword" else value for name, value in pending.items()}
    group = shown.pop("DBSubnetGroup", None)
    return {**shown, "DBSubnetGroupName": group["DBSubnetGroupName"]} if isinstance(group, dict) else shown
