"""The calls that change something on RDS, each made once.

None of them has a client token. What makes something carries a name that the caller chose and the run's mark as a
tag, so that whoever comes after a crash or a lost answer sees whether it happened; what only changes something is seen
in the instance's description or in its events. A name that is taken by something without our mark is never ours.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bot.systems.aws import AwsRefused, AwsUnclear, act
from bot.systems.outcomes import SystemRefused
from bot.systems.rds import Instance, Rds, Snapshot, run_tags

if TYPE_CHECKING:
    from bot.systems.rds_settings import Settings

EXISTS = (
    "DBInstanceAlreadyExists",
    "DBInstanceAlreadyExistsFault",
    "DBSnapshotAlreadyExists",
    "DBSnapshotAlreadyExistsFault",
)


class NameTaken(SystemRefused):
    """Something that this run did not make has the name."""

    def __init__(self, what: str, identifier: str) -> None:
        super().__init__(f"There is {what} {identifier} already. It was not touched.", "Choose another name.")


def restore_to_time(
    rds: Rds, source: str, target: str, moment: datetime, settings: Settings, mark: str
) -> Instance | None:
    """Begin to restore `source` as of `moment` (UTC) into a new instance. Raises NameTaken, AwsRefused.

    Returns what is there already when this run made it earlier; None when the call was made now.
    """

    def call() -> object:
        return rds.acting.restore_db_instance_to_point_in_time(
            SourceDBInstanceIdentifier=source,
            TargetDBInstanceIdentifier=target,
            RestoreTime=moment,
            **_with_tags(settings, mark),
        )

    return _make_instance(rds, target, mark, call)


def restore_from_snapshot(rds: Rds, snapshot: str, target: str, settings: Settings, mark: str) -> Instance | None:
    """Begin to restore a snapshot into a new instance; as `restore_to_time`."""

    def call() -> object:
        return rds.acting.restore_db_instance_from_db_snapshot(
            DBSnapshotIdentifier=snapshot, DBInstanceIdentifier=target, **_with_tags(settings, mark)
        )

    return _make_instance(rds, target, mark, call)


def create_replica(
    rds: Rds, source: str, target: str, settings: Settings, mark: str, *, source_region: str | None = None,
    kms_key: str | None = None,
) -> Instance | None:  # fmt: skip
    """Begin to make a read replica; as `restore_to_time`. A source in another region is named by its ARN.

    An encrypted one needs a key of the replica's region then: keys do not leave theirs.
    """
    across: dict[str, Any] = {"SourceRegion": source_region} if source_region else {}
    key: dict[str, Any] = {"KmsKeyId": kms_key} if kms_key else {}

    def call() -> object:
        return rds.acting.create_db_instance_read_replica(
            DBInstanceIdentifier=target,
            SourceDBInstanceIdentifier=source,
            **across,
            **key,
            **_with_tags(settings, mark),
        )

    return _make_instance(rds, target, mark, call)


def take_snapshot(rds: Rds, instance: str, snapshot: str, mark: str) -> Snapshot | None:
    """Begin a manual snapshot. Returns what this run began earlier, None when it was begun now. Raises NameTaken."""

    def call() -> object:
        return rds.acting.create_db_snapshot(
            DBInstanceIdentifier=instance, DBSnapshotIdentifier=snapshot, Tags=run_tags(mark)
        )

    return _make_snapshot(rds, snapshot, mark, call)


def copy_snapshot(
    source: Snapshot, *, source_region: str, to: Rds, kms_key: str, mark: str, name: str | None = None
) -> Snapshot | None:
    """Begin to copy a snapshot to another region, under its own name unless told; as `take_snapshot`.

    An encrypted one needs a key of that region: keys do not leave theirs.
    """
    key: dict[str, Any] = {"KmsKeyId": kms_key} if source.encrypted else {}

    def call() -> object:
        return to.acting.copy_db_snapshot(
            SourceDBSnapshotIdentifier=source.arn,
            TargetDBSnapshotIdentifier=name or source.identifier,
            SourceRegion=source_region,
            Tags=run_tags(mark),
            **key,
        )

    return _make_snapshot(to, name or source.identifier, mark, call)


def change_instance(rds: Rds, identifier: str, changes: Settings) -> None:
    """Change settings now. RDS applies every other pending change with them: plans must show those."""
    told: dict[str, Any] = dict(changes)
    act(
        f"change {', '.join(changes)} of {identifier}",
        lambda: rds.acting.modify_db_instance(DBInstanceIdentifier=identifier, ApplyImmediately=True, **told),
    )


def fail_over(rds: Rds, identifier: str) -> None:
    """Reboot onto the standby. Raises AwsRefused on one without Multi-AZ, or not available."""
    act(
        f"fail {identifier} over to its standby",
        lambda: rds.acting.reboot_db_instance(DBInstanceIdentifier=identifier, ForceFailover=True),
    )


def promote(rds: Rds, identifier: str, *, retention_days: int, window: str) -> None:
    """Make a read replica an instance of its own, for good. Untold, RDS would keep backups for one day."""
    act(
        f"promote {identifier}",
        lambda: rds.acting.promote_read_replica(
            DBInstanceIdentifier=identifier, BackupRetentionPeriod=retention_days, PreferredBackupWindow=window
        ),
    )


def stop_instance(rds: Rds, identifier: str) -> None:
    """Begin to stop an instance; RDS starts it again by itself after seven days. Raises AwsRefused where it follows
    another one, or is followed.
    """
    act(f"stop {identifier}", lambda: rds.acting.stop_db_instance(DBInstanceIdentifier=identifier))


def start_instance(rds: Rds, identifier: str) -> None:
    """Begin to start a stopped instance."""
    act(f"start {identifier}", lambda: rds.acting.start_db_instance(DBInstanceIdentifier=identifier))


def delete_instance(rds: Rds, identifier: str, *, final_snapshot: str | None) -> None:
    """Begin to delete an instance; with a last snapshot named, that is taken and automated backups are kept too."""
    last: dict[str, Any] = {"SkipFinalSnapshot": True}
    if final_snapshot is not None:
        last = {
            "SkipFinalSnapshot": False,
            "FinalDBSnapshotIdentifier": final_snapshot,
            "DeleteAutomatedBackups": False,
        }
    act(f"delete {identifier}", lambda: rds.acting.delete_db_instance(DBInstanceIdentifier=identifier, **last))


def _make_instance(rds: Rds, identifier: str, mark: str, call: Callable[[], object]) -> Instance | None:
    """Never twice: looks first, and looks again where the answer does not tell."""
    found = rds.find(identifier)
    if found is None:
        try:
            act(f"make instance {identifier}", call)
        except AwsUnclear:
            found = rds.find(identifier)
            if found is None:
                raise
        except AwsRefused as refusal:
            if refusal.code not in EXISTS:
                raise
            found = rds.observe(identifier)
    if found is not None and found.mark != mark:
        raise NameTaken("an instance", identifier)
    return found


def _make_snapshot(rds: Rds, identifier: str, mark: str, call: Callable[[], object]) -> Snapshot | None:
    found = rds.find_snapshot(identifier)
    if found is None:
        try:
            act(f"make snapshot {identifier}", call)
        except AwsUnclear:
            found = rds.find_snapshot(identifier)
            if found is None:
                raise
        except AwsRefused as refusal:
            if refusal.code not in EXISTS:
                raise
            found = rds.find_snapshot(identifier)
    if found is not None and found.mark != mark:
        raise NameTaken("a snapshot", identifier)
    return found


def _with_tags(settings: Settings, mark: str) -> dict[str, Any]:
    told: dict[str, Any] = dict(settings)
    return {**told, "Tags": [*told.get("Tags", []), *run_tags(mark)]}
