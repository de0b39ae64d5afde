"""Scenes of the actions on RDS. Counted at the outside: the cloud writes down every call that changes something."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import TYPE_CHECKING

import boto3
import pytest
from psycopg.conninfo import make_conninfo

from bot.clock import utc_now
from bot.sandbox.cloud import REGION
from bot.sandbox.primary_instance import DATABASE_URL_SECRET, PRIMARY, SECOND_REGION
from bot.sandbox.stage import DATABASE, Stage
from bot.store.tables import Run
from bot.systems.doors import observe_door
from bot.systems.rds import Rds
from tests.crash.rig import Rig
from tests.crash.scenes import Build, Given, Scene
from tests.integration.rds.driver import wait_until
from tests.stage_fixtures import SharedStage

if TYPE_CHECKING:
    from mypy_boto3_rds.client import RDSClient
    from mypy_boto3_secretsmanager.client import SecretsManagerClient

OTHER = "other-instance"
REMOVAL = ("ModifyDBInstance", "DeleteDBInstance")
"""What removes a restored instance, which has the protection of its source once that was carried over."""
TIME_SCALE = 0.3
"""How long things take in the cloud, of what they take otherwise."""


def on_rds(arrange: Callable[[Stage], Given], *calls: str, good: bool = True, undone: tuple[str, ...] = ()) -> Build:
    """An action that asks AWS for `calls`, in this order; where it is cancelled, for the first of them, and then for
    what takes them back: `undone`, of which the first may be needless."""

    def build(stack: ExitStack, shared: SharedStage) -> Scene:
        cloud = shared.stage.cloud
        stack.enter_context(rds(shared))
        given = arrange(shared.stage)
        there = list_instances()
        cloud.forget_calls()

        def list_calls() -> list[str]:
            return [str(call["operation"]) for call in cloud.calls() if call["service"] != "s3"]

        def done(rig: Rig, run: Run) -> None:
            assert list_calls() == [*calls]

        def untouched(rig: Rig, run: Run) -> None:
            ends = [undone[index:] for index in range(len(undone) + 1)]
            assert list_calls() in [[*calls[:count], *end] for count in range(len(calls) + 1) for end in ends]
            assert list_instances() == there
            value = boto3.client("secretsmanager", region_name=REGION).get_secret_value(SecretId=DATABASE_URL_SECRET)
            assert value["SecretString"] == shared.stage.application_url

        return Scene(given, done, untouched, good=good)

    return build


def fence_database(stack: ExitStack, shared: SharedStage) -> Scene:
    """Of the copy, which nobody uses; afterwards nobody can."""
    scene = on_rds(a_copy, undone=())(stack, shared)
    address = _rds().observe(OTHER).address
    assert address is not None
    server = make_conninfo(shared.stage.cluster.admin_url, port=address[1])

    def done(rig: Rig, run: Run) -> None:
        door = observe_door(server, DATABASE)
        assert (door.open, door.sessions) == (False, 0)
        scene.done(rig, run)

    return Scene(scene.given, done, scene.untouched)


@contextmanager
def rds(shared: SharedStage) -> Iterator[None]:
    """With the document's instance, and nothing else on RDS; the cloud hurries."""
    cloud = shared.stage.cloud
    with pytest.MonkeyPatch.context() as patch:
        for name, value in cloud.environment().items():
            patch.setenv(name, value)
        if _rds().find(PRIMARY) is None:
            shared.stage.adopt_primary()
        cloud.change_pace(time_scale=TIME_SCALE, restorable_lag_s=0.5)
        _reset_secret(shared.stage)
        try:
            yield
        finally:
            _forget_environment(shared.stage)
            for region in (REGION, SECOND_REGION):
                if _rds(region).find(OTHER) is not None:
                    _remove(OTHER, region)
            _settle(PRIMARY)
            cloud.change_pace(time_scale=1.0, restorable_lag_s=2.0)


def list_instances() -> dict[str, str]:
    found = _client().describe_db_instances()["DBInstances"]
    return {one["DBInstanceIdentifier"]: one["DBInstanceStatus"] for one in found}


def nothing(stage: Stage) -> Given:
    return {"instance": PRIMARY}


def nothing_twice(stage: Stage) -> Given:
    return {"instance": PRIMARY, "second_region": True}


def a_moment(stage: Stage) -> Given:
    moment = utc_now()
    wait_until("the moment", lambda: (_rds().observe(PRIMARY).latest_restorable or moment) > moment)
    return {"instance": PRIMARY, "to_time": moment.isoformat(), "new_instance": OTHER}


def a_snapshot(stage: Stage) -> Given:
    name = f"before-{utc_now():%H%M%S%f}"
    _client().create_db_snapshot(DBInstanceIdentifier=PRIMARY, DBSnapshotIdentifier=name)
    _settle(PRIMARY)
    return {"instance": PRIMARY, "snapshot": name, "new_instance": OTHER}


def a_copy(stage: Stage) -> Given:
    given = a_snapshot(stage)
    _client().restore_db_instance_from_db_snapshot(DBInstanceIdentifier=OTHER, DBSnapshotIdentifier=given["snapshot"])
    _settle(OTHER)
    return {"database": DATABASE, "instance": OTHER}


def a_copy_and_a_replicated_secret(stage: Stage) -> Given:
    """The secret is a replica of another region's, so that there is something to do before it can be written to."""
    given = a_copy(stage)
    _remove_secret(_secrets())
    _secrets(SECOND_REGION).create_secret(
        Name=DATABASE_URL_SECRET, SecretString=stage.application_url, AddReplicaRegions=[{"Region": REGION}]
    )
    return given


def a_bare_one(stage: Stage) -> Given:
    stage.cloud.adopt_rds_instance(OTHER, None)
    return {"instance": OTHER}


def a_small_one(stage: Stage) -> Given:
    return {**a_bare_one(stage), "instance_class": "db.t3.xlarge"}


def a_forgetful_one(stage: Stage) -> Given:
    return {**a_bare_one(stage), "retention_days": 14, "window": "01:00-02:00"}


def a_replica(stage: Stage) -> Given:
    _client().create_db_instance_read_replica(DBInstanceIdentifier=OTHER, SourceDBInstanceIdentifier=PRIMARY)
    _settle(OTHER)
    stage.cloud.set_replica_lag(OTHER, 1.0)
    return {"instance": OTHER}


def one_to_follow(stage: Stage) -> Given:
    """From the other region, as the names of what a replica belongs to are not those of its source then."""
    return {"source": PRIMARY, "source_region": "primary", "region": "secondary", "new_instance": OTHER}


def a_snapshot_to_copy(stage: Stage) -> Given:
    return {"instance": PRIMARY, "snapshot": a_snapshot(stage)["snapshot"]}


def a_copy_elsewhere(stage: Stage) -> Given:
    name, second = a_snapshot(stage)["snapshot"], _rds(SECOND_REGION)
    found = _rds().find_snapshot(name)
    assert found is not None
    second.acting.copy_db_snapshot(
        SourceDBSnapshotIdentifier=found.arn, TargetDBSnapshotIdentifier=name, SourceRegion=REGION
    )

    def is_there() -> bool:
        copy = second.find_snapshot(name)
        return copy is not None and copy.status == "available"

    wait_until("the copy", is_there)
    return {"snapshot": name, "new_instance": OTHER}


def _client() -> RDSClient:
    return _rds().acting


def _rds(region: str = REGION) -> Rds:
    return _open_rds(os.environ["AWS_ENDPOINT_URL"], region)


@cache
def _open_rds(_endpoint: str, region: str) -> Rds:
    """Making a client costs more than asking it."""
    return Rds(region)


def _settle(name: str, region: str = REGION) -> None:
    wait_until(f"{name} available", lambda: _rds(region).observe(name).status == "available")


def _reset_secret(stage: Stage) -> None:
    for region in (SECOND_REGION, REGION):
        _remove_secret(_secrets(region))
    _secrets().create_secret(Name=DATABASE_URL_SECRET, SecretString=stage.application_url)


def _remove_secret(client: SecretsManagerClient) -> None:
    """With its replicas first, as AWS wants it."""
    found = client.list_secrets(Filters=[{"Key": "name", "Values": [DATABASE_URL_SECRET]}])["SecretList"]
    for entry in found:
        replicas = client.describe_secret(SecretId=entry["ARN"]).get("ReplicationStatus", [])
        if replicas and "PrimaryRegion" not in entry:
            client.remove_regions_from_replication(
                SecretId=entry["ARN"], RemoveReplicaRegions=[one["Region"] for one in replicas]
            )
        client.delete_secret(SecretId=entry["ARN"], ForceDeleteWithoutRecovery=True)


def _secrets(region: str = REGION) -> SecretsManagerClient:
    return boto3.client("secretsmanager", region_name=region)


def _forget_environment(stage: Stage) -> None:
    """The application starts from its first database again."""
    if stage.environment_path.exists():
        stage.environment_path.unlink()
        stage.warehouse.stop()


def _remove(name: str, region: str = REGION) -> None:
    client = _rds(region).acting
    _settle(name, region)
    client.modify_db_instance(DBInstanceIdentifier=name, DeletionProtection=False)
    _settle(name, region)
    client.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
    wait_until(f"the end of {name}", lambda: _rds(region).find(name) is None)
