"""A restore of a snapshot, and the deletion of what a restore left."""

from __future__ import annotations

from bot.systems.rds_settings import find_differences, settings_for_afterwards, settings_for_restore
from tests.integration.rds.conftest import NEW, PRIMARY, Aws
from tests.integration.rds.driver import bad, perform, prepare, refusal

LEFT = "left-by-a-restore"


def test_restored_and_deleted(aws: Aws) -> None:
    _, evidence = perform(aws.world, "rds_snapshot", instance=PRIMARY)
    snapshot = str(evidence.measured["snapshot"])
    aws.stage.cloud.forget_calls()
    performance, evidence = perform(
        aws.world, "rds_restore_snapshot", instance=PRIMARY, snapshot=snapshot, new_instance=NEW
    )
    assert bad(evidence) == []
    assert aws.count(NEW) == aws.count(PRIMARY)
    source, restored = aws.rds.observe(PRIMARY).description, aws.rds.observe(NEW).description
    assert find_differences(settings_for_restore(source), settings_for_restore(restored)).keys() <= {"Port"}
    assert find_differences(settings_for_afterwards(source), settings_for_afterwards(restored)) == {}
    performance.again()
    assert aws.calls() == ["RestoreDBInstanceFromDBSnapshot", "ModifyDBInstance"]


def test_refused(aws: Aws) -> None:
    def why(snapshot: str, name: str = NEW) -> str:
        return refusal(aws.world, "rds_restore_snapshot", instance=PRIMARY, snapshot=snapshot, new_instance=name)

    assert "There is no snapshot nothing" in why("nothing")
    _, evidence = perform(aws.world, "rds_snapshot", instance=PRIMARY)
    snapshot = str(evidence.measured["snapshot"])
    assert f"an RDS instance {PRIMARY} already" in why(snapshot, PRIMARY)
    performance = prepare(aws.world, "rds_restore_snapshot", instance=PRIMARY, snapshot=snapshot, new_instance=NEW)
    aws.client.delete_db_snapshot(DBSnapshotIdentifier=snapshot)
    assert "No instance was made" in performance.fail()


def test_deleted_after_a_final_snapshot(aws: Aws, secret: str) -> None:
    aws.stage.cloud.adopt_rds_instance(LEFT, None)
    aws.stage.cloud.forget_calls()
    performance, evidence = perform(aws.world, "rds_delete_instance", instance=LEFT)
    assert bad(evidence) == []
    assert aws.rds.find(LEFT) is None
    performance.again()
    assert aws.calls() == ["DeleteDBInstance"]


def test_lost_answer_to_a_deletion(aws: Aws, secret: str) -> None:
    aws.stage.cloud.adopt_rds_instance(LEFT, None)
    aws.stage.cloud.fail("lost", "DeleteDBInstance")
    aws.stage.cloud.forget_calls()
    _, evidence = perform(aws.world, "rds_delete_instance", instance=LEFT)
    assert bad(evidence) == []
    assert aws.calls() == ["DeleteDBInstance"]


def test_deletion_is_refused(aws: Aws, secret: str) -> None:
    """Protection is respected; what the application uses, or a replica follows, stays."""
    assert "protected against deletion" in refusal(aws.world, "rds_delete_instance", instance=PRIMARY)
    aws.client.modify_db_instance(DBInstanceIdentifier=PRIMARY, DeletionProtection=False)
    try:
        assert "secret leads to" in refusal(aws.world, "rds_delete_instance", instance=PRIMARY)
    finally:
        aws.client.modify_db_instance(DBInstanceIdentifier=PRIMARY, DeletionProtection=True)
    assert aws.calls("DeleteDBInstance") == []
