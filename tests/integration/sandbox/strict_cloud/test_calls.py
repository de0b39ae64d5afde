"""What goes wrong on request, and the count of what was asked, taken outside."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from bot.sandbox.cloud import BUCKET, Cloud, CloudRefused

from .asking import describe, refused
from .conftest import OpenClient

TOKEN = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("kind", "code", "status"), [("throttle", "Throttling", 400), ("error", "InternalFailure", 500)]
)
def test_a_call_that_is_refused_does_nothing(
    cloud: Cloud, rds: Any, name: str, kind: str, code: str, status: int
) -> None:
    cloud.adopt_rds_instance(name, None)
    cloud.fail(kind, "ModifyDBInstance")
    refused(code, rds.modify_db_instance, DBInstanceIdentifier=name, DeletionProtection=True)
    assert not describe(rds, name)["DeletionProtection"]
    rds.modify_db_instance(DBInstanceIdentifier=name, DeletionProtection=True)
    calls = cloud.calls("ModifyDBInstance")
    assert [(call["acted"], call["status"], call["fault"]) for call in calls] == [
        (False, status, kind),
        (True, 200, None),
    ]


def test_a_lost_answer_has_its_effect(cloud: Cloud, rds: Any, name: str) -> None:
    cloud.adopt_rds_instance(name, None)
    cloud.fail("lost", "CreateDBSnapshot")
    with pytest.raises(BotoCoreError):
        rds.create_db_snapshot(DBInstanceIdentifier=name, DBSnapshotIdentifier=name)
    assert rds.describe_db_snapshots(DBSnapshotIdentifier=name)["DBSnapshots"]
    assert [(call["acted"], call["status"]) for call in cloud.calls("CreateDBSnapshot")] == [(True, 200)]


def test_a_client_that_tries_again_after_a_lost_answer_is_told_that_it_exists(
    cloud: Cloud, open_client: OpenClient, name: str
) -> None:
    cloud.adopt_rds_instance(name, None)
    cloud.fail("lost", "CreateDBSnapshot")
    stubborn = open_client("rds", attempts=3)
    snapshot = {"DBInstanceIdentifier": name, "DBSnapshotIdentifier": name}
    with pytest.raises(ClientError):
        stubborn.create_db_snapshot(**snapshot)
    assert len(cloud.calls("CreateDBSnapshot")) == 2


def test_a_connection_that_is_cut_before_has_no_effect(cloud: Cloud, rds: Any, name: str) -> None:
    cloud.adopt_rds_instance(name, None)
    cloud.fail("cut", "ModifyDBInstance")
    with pytest.raises(BotoCoreError):
        rds.modify_db_instance(DBInstanceIdentifier=name, DeletionProtection=True)
    assert not describe(rds, name)["DeletionProtection"]


def test_questions_can_be_throttled_and_a_patient_client_gets_its_answer(
    cloud: Cloud, open_client: OpenClient, name: str
) -> None:
    cloud.adopt_rds_instance(name, None)
    cloud.fail("throttle", "DescribeDBInstances", times=2)
    assert describe(open_client("rds", attempts=4), name)["DBInstanceStatus"] == "available"


def test_storage_can_be_throttled_as_well(cloud: Cloud, open_client: OpenClient) -> None:
    cloud.fail("throttle", service="s3")
    refused("SlowDown", open_client("s3").put_object, Bucket=BUCKET, Key="a", Body=b"x")
    open_client("s3").put_object(Bucket=BUCKET, Key="a", Body=b"x")
    assert [call["status"] for call in cloud.calls(f"PUT /{BUCKET}/a")] == [503, 200]


def test_the_log_counts_changes_and_holds_no_secrets(
    cloud: Cloud, rds: Any, open_client: OpenClient, name: str
) -> None:
    cloud.adopt_rds_instance(name, None)
    rds.describe_db_instances()
    rds.modify_db_instance(DBInstanceIdentifier=name, MasterUserPassword="tell nobody")
    open_client("secretsmanager").create_secret(Name=name, SecretString="tell nobody", ClientRequestToken=TOKEN)
    assert [(call["service"], call["operation"], call["region"]) for call in cloud.calls()] == [
        ("rds", "ModifyDBInstance", "us-east-1"),
        ("secretsmanager", "CreateSecret", "us-east-1"),
    ]
    assert cloud.calls("ModifyDBInstance")[0]["parameters"] == {
        "DBInstanceIdentifier": name,
        "MasterUserPassword": "****",
        "Version": "2014-10-31",
    }
    assert "tell nobody" not in str(cloud.calls())


def test_a_control_that_makes_no_sense_says_so(cloud: Cloud) -> None:
    with pytest.raises(CloudRefused, match="there is no fault 'bad luck'"):
        cloud.fail("bad luck")
    with pytest.raises(CloudRefused, match="there is no duration 'dawdling_s'"):
        cloud.change_pace(dawdling_s=1)
