"""kill -9 of the bot before, inside and after each step of every action on RDS: AWS is asked for everything once.

Counted at the outside: what the cloud wrote down of the calls that changed something.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from bot.clock import utc_now
from bot.comms.notices import incident_room
from bot.recovery.registry import find_action
from bot.sandbox.cloud import REGION
from bot.sandbox.primary_instance import DATABASE_URL_SECRET, PRIMARY
from bot.sandbox.stage import DATABASE, Stage
from bot.store.tables import Plan, Run
from bot.systems.rds import Rds
from tests.crash.moments import Moment, when_begun, when_ended
from tests.crash.rig import Rig, open_rig
from tests.integration.rds.driver import hasten, wait_until
from tests.stage_fixtures import SharedStage

if TYPE_CHECKING:
    from mypy_boto3_rds.client import RDSClient

pytestmark = pytest.mark.crash

OTHER = "other-instance"
Given = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """One action: what is there before it, and what AWS is asked for, in order. `good`: whether all verdicts are."""

    action: str
    arrange: Callable[[Stage], Given]
    calls: tuple[str, ...]
    good: bool = True


def rds_client() -> RDSClient:
    client: RDSClient = boto3.client("rds", region_name=REGION)
    return client


def settle(name: str) -> None:
    wait_until(f"{name} available", lambda: Rds(REGION).observe(name).status == "available")


def nothing(stage: Stage) -> Given:
    return {"instance": PRIMARY}


def nothing_twice(stage: Stage) -> Given:
    return {"instance": PRIMARY, "second_region": True}


def a_moment(stage: Stage) -> Given:
    moment = utc_now()
    wait_until("the moment", lambda: (Rds(REGION).observe(PRIMARY).latest_restorable or moment) > moment)
    return {"instance": PRIMARY, "to_time": moment.isoformat(), "new_instance": OTHER}


def a_snapshot(stage: Stage) -> Given:
    name = f"before-{utc_now():%H%M%S%f}"
    rds_client().create_db_snapshot(DBInstanceIdentifier=PRIMARY, DBSnapshotIdentifier=name)
    settle(PRIMARY)
    return {"instance": PRIMARY, "snapshot": name, "new_instance": OTHER}


def a_copy(stage: Stage) -> Given:
    given = a_snapshot(stage)
    rds_client().restore_db_instance_from_db_snapshot(
        DBInstanceIdentifier=OTHER, DBSnapshotIdentifier=given["snapshot"]
    )
    settle(OTHER)
    return {"database": DATABASE, "instance": OTHER}


def a_bare_one(stage: Stage) -> Given:
    stage.cloud.adopt_rds_instance(OTHER, None)
    return {"instance": OTHER}


def a_replica(stage: Stage) -> Given:
    rds_client().create_db_instance_read_replica(DBInstanceIdentifier=OTHER, SourceDBInstanceIdentifier=PRIMARY)
    settle(OTHER)
    stage.cloud.set_replica_lag(OTHER, 1.0)
    return {"instance": OTHER}


CASES = [
    Case("rds_snapshot", nothing_twice, ("CreateDBSnapshot", "CopyDBSnapshot")),
    Case("rds_failover", nothing, ("RebootDBInstance",)),
    Case("rds_restore_to_time", a_moment, ("RestoreDBInstanceToPointInTime", "ModifyDBInstance")),
    Case("rds_restore_snapshot", a_snapshot, ("RestoreDBInstanceFromDBSnapshot", "ModifyDBInstance")),
    Case(
        "switch_database", a_copy, ("UpdateSecretVersionStage", "PutSecretValue", "UpdateSecretVersionStage"),
        good=False,  # nobody restarts the application here
    ),
    Case("rds_promote_replica", a_replica, ("PromoteReadReplica",), good=False),  # nobody fences the old primary
    Case("rds_enable_multi_az", a_bare_one, ("ModifyDBInstance",)),
    Case(
        "rds_change_class", lambda stage: {**a_bare_one(stage), "instance_class": "db.t3.xlarge"}, ("ModifyDBInstance",)
    ),
    Case(
        "rds_backup_settings",
        lambda stage: {**a_bare_one(stage), "retention_days": 14, "window": "01:00-02:00"},
        ("ModifyDBInstance",),
    ),
    Case("rds_delete_instance", a_bare_one, ("DeleteDBInstance",)),
]  # fmt: skip


@pytest.fixture
def rds_stage(fresh_stage: SharedStage) -> Iterator[SharedStage]:
    """With the document's instance, and nothing else on RDS."""
    environment = fresh_stage.stage.cloud.environment()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        if Rds(REGION).find(PRIMARY) is None:
            fresh_stage.stage.adopt_primary()
        reset_secret(fresh_stage.stage)
        yield fresh_stage
        if Rds(REGION).find(OTHER) is not None:
            remove(OTHER)
        settle(PRIMARY)


def reset_secret(stage: Stage) -> None:
    client = boto3.client("secretsmanager", region_name=REGION)
    client.delete_secret(SecretId=DATABASE_URL_SECRET, ForceDeleteWithoutRecovery=True)
    client.create_secret(Name=DATABASE_URL_SECRET, SecretString=stage.application_url)


def remove(name: str) -> None:
    settle(name)
    rds_client().modify_db_instance(DBInstanceIdentifier=name, DeletionProtection=False)
    settle(name)
    rds_client().delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
    wait_until(f"the end of {name}", lambda: Rds(REGION).find(name) is None)


def start(rig: Rig, case: Case, given: Given) -> Run:
    """Ask for a plan and approve it by as many as it needs."""
    incident = rig.declare(case.action)
    asked = rig.services.plans.request(
        person=rig.person("diego"), action=case.action, parameters=given,
        place=incident_room(incident.id), incident_id=incident.id,
    )  # fmt: skip
    plan: Plan = rig.wait("the plan", lambda: made(rig, asked.id))
    for key in ("amara", "mei"):
        if plan.state == "pending":
            typed = plan.document.confirm if plan.document else None
            rig.services.approvals.decide(plan.id, plan.hash, rig.person(key), "approve", typed=typed)
            plan = rig.services.plans.find(plan.id)
    found = next((run for run in rig.services.runs.list_recent() if run.plan_id == plan.id), None)
    assert found is not None, f"{plan.state}: {plan.reason}"
    return found


def made(rig: Rig, plan_id: int) -> Plan | None:
    plan = rig.services.plans.find(plan_id)
    return None if plan.state == "making" else plan


def at_once(rig: Rig, run_id: int) -> None:
    """Between the approval and the first step, or as near to it as it comes."""
    rig.kill()


def moments_of(action: str) -> list[Moment]:
    """Before the first step, as soon as each begins (which is after the one before), and after the last.

    Those that change the world are also killed inside, in their second attempt.
    """
    moments: list[Moment] = [at_once]
    steps = find_action(action).steps()
    for step in steps:
        moments += [when_begun(step.name)]
        moments += [when_begun(step.name, 0.4, attempt=2)] if step.happened else []
    return [*moments, when_ended(steps[-1].name)]


def kill_in_time(rig: Rig, run: Run, kill: Moment) -> None:
    """Says how the run stands when the moment never comes."""
    try:
        kill(rig, run.id)
    except AssertionError as late:
        found = rig.services.runs.find(run.id)
        raise AssertionError(f"{late}: {found.state} {found.words}\n{rig.bot.log_tail()}") from late


@pytest.mark.timeout(400)
@pytest.mark.parametrize("case", CASES, ids=[case.action for case in CASES])
def test_killed(rds_stage: SharedStage, tmp_path: Path, case: Case) -> None:
    cloud = rds_stage.stage.cloud
    given = case.arrange(rds_stage.stage)
    with open_rig(rds_stage, tmp_path) as rig:
        hasten(Path(rig.environment["HOLDFAST_POLICY"]))
        rig.start_and_wait()
        cloud.forget_calls()
        run = start(rig, case, given)
        for kill in moments_of(case.action):
            kill_in_time(rig, run, kill)
            rig.start()
        ended = rig.finished(run.id)
        assert ended.state == "done", f"{ended.words}\n{rig.bot.log_tail()}"
        assert ended.proof is not None
        assert ended.proof.good or not case.good, ended.proof
        assert [call["operation"] for call in cloud.calls() if call["service"] != "s3"] == [*case.calls]
        rig.assert_sound()
