"""What the checks of the RDS instance find in a cloud whose primary is a real server."""

from __future__ import annotations

import boto3
import pytest

from bot.diagnostics.check import Check, Surroundings
from bot.diagnostics.checks.infrastructure_rds_events import CHECK as EVENTS
from bot.diagnostics.checks.infrastructure_rds_instance import CHECK as INSTANCE
from bot.diagnostics.checks.infrastructure_rds_storage import CHECK as STORAGE
from bot.sandbox.primary_instance import let_in
from bot.store.documents import Finding
from bot.systems.rds_waiting import BAD
from tests.aws_calls import watch_check
from tests.integration.rds.conftest import PRIMARY, REGION, Aws
from tests.integration.rds.driver import wait_until

DATABASE = "traitortrack"


def look(aws: Aws, **changed: object) -> Surroundings:
    """Under the policy with other facts about the instance."""
    places = aws.world.policy.infrastructure
    rds = places.rds.model_copy(update=changed)
    policy = aws.world.policy.model_copy(update={"infrastructure": places.model_copy(update={"rds": rds})})
    return Surroundings(policy, aws.world.environment, aws.world.now, DATABASE)


def suggested(finding: Finding) -> list[str]:
    return [suggestion.action for suggestion in finding.suggests]


def test_an_instance_as_the_policy_wants_it(aws: Aws) -> None:
    found = INSTANCE.run(look(aws))
    assert found.state == "ok", found
    assert "It takes connections at its address." in found.evidence


@pytest.mark.parametrize("check", [INSTANCE, EVENTS, STORAGE], ids=lambda check: str(check.name))
def test_checks_declare_what_they_ask(aws: Aws, check: Check) -> None:
    with watch_check(check) as rights:
        check.run(look(aws))
    assert rights == set(check.permissions) - {"ec2:DescribeSecurityGroups"}, "which is asked where it is silent"


def test_a_security_group_that_shuts_the_database_off(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the cloud here these groups have no effect, so that the instance is silent is put on."""
    monkeypatch.setattr("bot.diagnostics.checks.infrastructure_rds_instance._accepts", lambda _: False)
    found = INSTANCE.run(look(aws))
    assert (found.state, found.signs) == ("warning", ["database hangs"])
    assert any("let in at port" in line and "10.0.0.0/8" in line for line in found.evidence)
    ec2 = boto3.client("ec2", region_name=REGION)
    group = aws.rds.observe(PRIMARY).description["VpcSecurityGroups"][0]["VpcSecurityGroupId"]
    rules = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissions"]
    ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=rules)
    try:
        with watch_check(INSTANCE) as rights:
            found = INSTANCE.run(look(aws))
    finally:
        let_in(ec2, group)
    assert rights == set(INSTANCE.permissions)
    assert (found.state, "shut off" in found.signs, group in found.summary) == ("critical", True, True)
    assert "let nobody in at port" in found.summary


@pytest.mark.parametrize("status", ["stopped", "storage-full", "incompatible-parameters"])
def test_a_bad_state_leads_to_its_next_step(aws: Aws, copy: str, status: str) -> None:
    aws.stage.cloud.stick_rds_instance(copy, status)
    try:
        found = INSTANCE.run(look(aws, instance=copy))
    finally:
        aws.stage.cloud.stick_rds_instance(copy, None)
        aws.settle(copy)
    assert (found.state, f"{copy} (db.t3.large) is {status}: {BAD[status]}. " in found.summary) == ("critical", True)
    assert f"identifier {copy}" in found.summary


def test_storage_is_measured(aws: Aws) -> None:
    found = STORAGE.run(look(aws))
    assert found.state == "ok", found
    assert "of 53.7 GB storage are left" in found.evidence[0]


def test_what_differs_from_the_policy_leads_to_what_puts_it_right(aws: Aws) -> None:
    aws.client.modify_db_instance(
        DBInstanceIdentifier=PRIMARY, MultiAZ=False, BackupRetentionPeriod=3, ApplyImmediately=True
    )
    wait_until("single", lambda: aws.rds.observe(PRIMARY).retention_days == 3 and not aws.rds.observe(PRIMARY).multi_az)
    try:
        found = INSTANCE.run(look(aws))
    finally:
        aws.settle()
        aws.client.modify_db_instance(
            DBInstanceIdentifier=PRIMARY, MultiAZ=True, BackupRetentionPeriod=7, ApplyImmediately=True
        )
        wait_until("double", lambda: aws.rds.observe(PRIMARY).multi_az and aws.rds.observe(PRIMARY).retention_days == 7)
    assert found.state == "warning"
    assert sorted(suggested(found)) == ["rds_backup_settings", "rds_enable_multi_az"]


def test_a_failover_is_told_with_the_newest_first(aws: Aws) -> None:
    aws.client.reboot_db_instance(DBInstanceIdentifier=PRIMARY, ForceFailover=True)
    wait_until("the failover", lambda: any("failover" in one.categories for one in aws.rds.list_events(PRIMARY)))
    aws.settle()
    found = EVENTS.run(look(aws))
    newest_first = [one.message for one in aws.rds.list_events(PRIMARY)[::-1]]
    assert found.state == "warning"
    assert len(newest_first) >= 2
    assert [line.partition(" ago: ")[2] for line in found.evidence] == newest_first[: len(found.evidence)]


def test_nothing_is_critical_where_the_policy_names_what_is_not_there(aws: Aws) -> None:
    elsewhere = look(aws, instance="nowhere")
    found = [check.run(elsewhere) for check in (INSTANCE, EVENTS, STORAGE)]
    assert {one.state for one in found} == {"unknown"}
    assert all("no RDS instance nowhere" in one.summary for one in found)


def test_a_missing_instance_is_critical_where_the_database_is_on_rds(aws: Aws) -> None:
    url = "postgresql://holdfast@traitortrack-primary.abc.us-east-1.rds.amazonaws.com/traitortrack"
    policy = look(aws, instance="nowhere").policy
    found = INSTANCE.run(Surroundings(policy, {"HOLDFAST_RECOVERY_DATABASE_URL": url}, aws.world.now, DATABASE))
    assert found.state == "critical"


def test_a_cloud_that_does_not_answer_is_unknown(aws: Aws) -> None:
    aws.stage.cloud.fail("error", "DescribeDBInstances", times=20)
    aws.stage.cloud.fail("error", "DescribeEvents", times=20)
    found = [check.run(look(aws)) for check in (INSTANCE, EVENTS)]
    aws.stage.cloud.stop_failing()
    assert {one.state for one in found} == {"unknown"}
