"""Manual snapshots: complete, copied to the second region, taken once whatever happens to AWS's answers."""

from __future__ import annotations

import boto3
import pytest

from bot.systems.rds import Rds
from tests.integration.rds.conftest import PRIMARY, SECOND, Aws
from tests.integration.rds.driver import bad, perform, prepare, refusal


def test_taken_and_copied(aws: Aws) -> None:
    performance, evidence = perform(aws.world, "rds_snapshot", instance=PRIMARY, second_region=True)
    assert bad(evidence) == []
    name = str(evidence.measured["snapshot"])
    for rds in (aws.rds, Rds(SECOND)):
        snapshot = rds.find_snapshot(name)
        assert snapshot is not None
        assert (snapshot.status, snapshot.mark) == ("available", performance.context.mark)
    assert aws.calls("CreateDBSnapshot", "CopyDBSnapshot") == ["CreateDBSnapshot", "CopyDBSnapshot"]


def test_encrypted_copy_gets_a_key_of_the_second_region(aws: Aws) -> None:
    aws.stage.cloud.adopt_rds_instance(
        "encrypted", None, StorageEncrypted=True, KmsKeyId="arn:aws:kms:us-east-1:1:key/a"
    )
    _, evidence = perform(aws.world, "rds_snapshot", instance="encrypted", second_region=True)
    assert bad(evidence) == []
    copy = Rds(SECOND).find_snapshot(str(evidence.measured["snapshot"]))
    assert copy is not None
    assert copy.description["KmsKeyId"] == "alias/aws/rds"


@pytest.mark.parametrize("kind", ["throttle", "lost", "cut"])
def test_taken_once_whatever_the_answer(aws: Aws, kind: str) -> None:
    """Throttled: made again. Lost: found by its name. Cut off before AWS acted: failed in words."""
    aws.stage.cloud.fail(kind, "CreateDBSnapshot")
    performance = prepare(aws.world, "rds_snapshot", instance=PRIMARY)
    if kind == "cut":
        assert "No snapshot was begun." in performance.fail()
    performance.run()
    assert bad(performance.prove()) == []
    manual = boto3.client("rds", region_name="us-east-1").describe_db_snapshots(SnapshotType="manual")
    assert len([one for one in manual["DBSnapshots"] if performance.context.mark in one["DBSnapshotIdentifier"]]) == 1
    acted = [one for one in aws.stage.cloud.calls("CreateDBSnapshot") if one["acted"]]
    assert len(acted) == 1


def test_after_a_crash_nothing_is_taken_twice(aws: Aws) -> None:
    performance, _ = perform(aws.world, "rds_snapshot", instance=PRIMARY, second_region=True)
    performance.again()
    assert bad(performance.prove()) == []
    assert len(aws.calls("CreateDBSnapshot", "CopyDBSnapshot")) == 2


def test_refused(aws: Aws) -> None:
    assert "no RDS instance nothing-like-it" in refusal(aws.world, "rds_snapshot", instance="nothing-like-it")
    aws.stage.cloud.adopt_rds_instance("full", None)
    aws.stage.cloud.stick_rds_instance("full", "storage-full")
    assert "storage-full (its storage is full)" in refusal(aws.world, "rds_snapshot", instance="full")


def test_name_of_somebody_else(aws: Aws) -> None:
    """A snapshot without our mark is never taken for ours."""
    performance = prepare(aws.world, "rds_snapshot", instance=PRIMARY)
    name = f"{PRIMARY}-{performance.context.mark}"
    aws.client.create_db_snapshot(DBInstanceIdentifier=PRIMARY, DBSnapshotIdentifier=name)
    aws.settle()
    assert "It was not touched" in performance.fail()
