"""What keeps users from the servers in AWS is named as such: dead machines, a wrong health path, security groups."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bot.clock import utc_now
from bot.diagnostics.causes import guess_cause
from bot.diagnostics.check import Check, Surroundings
from bot.diagnostics.checks.infrastructure_load_balancer import CHECK as BALANCER
from bot.diagnostics.checks.infrastructure_servers import CHECK as MACHINES
from bot.diagnostics.checks.infrastructure_way_in import CHECK as WAY_IN
from bot.policy import load_policy
from bot.sandbox.cloud import REGION
from bot.sandbox.demo_policy import write_demo_policy
from bot.sandbox.primary_instance import let_in
from bot.store.documents import Finding
from bot.systems.security_groups import list_let_in
from bot.systems.target_health import list_targets
from tests.aws_calls import watch_check
from tests.fleets import QUICK, Servers, take_servers
from tests.integration.rds.driver import wait_until
from tests.stage_fixtures import SharedStage


@pytest.fixture
def servers(fresh_stage: SharedStage, monkeypatch: pytest.MonkeyPatch) -> Iterator[Servers]:
    """Both are well."""
    servers = take_servers(fresh_stage, monkeypatch)
    servers.revive()
    yield servers
    servers.stage.cloud.change_server_pace(**QUICK)


@pytest.fixture
def around(servers: Servers, tmp_path: Path) -> Surroundings:
    path, _ = write_demo_policy(tmp_path, servers.stage.warehouse_url)
    servers.describe(path)
    return Surroundings(load_policy(path), dict(os.environ), utc_now, "traitortrack")


def explain(*findings: Finding) -> str:
    guess = guess_cause(findings)
    assert guess is not None
    return guess.words


@pytest.mark.parametrize("check", [MACHINES, WAY_IN, BALANCER], ids=lambda one: str(one.name))
def test_all_is_well_and_no_more_is_asked_than_was_declared(around: Surroundings, check: Check) -> None:
    with watch_check(check) as rights:
        assert check.run(around).state == "ok"
    assert rights <= set(check.permissions)


def test_a_wrong_health_path_is_named_rather_than_the_servers(around: Surroundings, servers: Servers) -> None:
    balancing, arn = servers.client("elbv2"), servers.fleet.target_group
    balancing.modify_target_group(TargetGroupArn=arn, HealthCheckPath="/nowhere")
    try:
        wait_until("404", lambda: {one.code for one in list_targets(REGION, arn)} == {"Target.ResponseCodeMismatch"})
        found, seen = WAY_IN.run(around), BALANCER.run(around)
    finally:
        balancing.modify_target_group(TargetGroupArn=arn, HealthCheckPath="/health")
    assert (found.state, found.signs) == ("critical", ["health path wrong"])
    assert "asks the servers for /nowhere, the policy's health endpoint is /health: 0 of 2 are healthy" in found.summary
    assert "--health-check-path /health` puts it right" in found.summary
    assert any("[404]; its application answers, but not with what" in line for line in seen.evidence)
    assert "the load balancer asks for the wrong page" in explain(seen, found)


def test_a_machine_that_has_crashed_and_one_that_was_stopped(around: Surroundings, servers: Servers) -> None:
    servers.stage.cloud.crash_machine(servers.well)
    servers.client("ec2").stop_instances(InstanceIds=[servers.failed])
    wait_until("its stop", lambda: servers.state_of(servers.failed) == "stopped")
    found = MACHINES.run(around)
    assert (found.state, found.signs) == ("critical", ["server ill"])
    assert f"({servers.failed}) is stopped: somebody stopped it" in found.summary
    assert f"({servers.well}) fails AWS's check of the instance: it has crashed" in found.summary
    assert [(one.action, one.parameters) for one in found.suggests] == [
        ("replace_server", {"host": "app_1"}), ("replace_server", {"host": "app_2"}),
    ]  # fmt: skip
    assert "a server's machine does not run" in explain(found, BALANCER.run(around))


def test_a_load_balancer_that_its_security_group_shuts_off(around: Surroundings, servers: Servers) -> None:
    ec2, balancing = servers.client("ec2"), servers.client("elbv2")
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    subnets = [one["SubnetId"] for one in ec2.describe_subnets()["Subnets"]][:2]
    with ExitStack() as last:
        group = str(ec2.create_security_group(GroupName="shut", Description="shut", VpcId=vpc)["GroupId"])
        last.callback(ec2.delete_security_group, GroupId=group)
        made = balancing.create_load_balancer(Name="front", Subnets=subnets, SecurityGroups=[group])
        arn = made["LoadBalancers"][0]["LoadBalancerArn"]
        last.callback(balancing.delete_load_balancer, LoadBalancerArn=arn)
        forward = [{"Type": "forward", "TargetGroupArn": servers.fleet.target_group}]
        balancing.create_listener(LoadBalancerArn=arn, Protocol="HTTP", Port=443, DefaultActions=forward)
        with watch_check(WAY_IN) as rights:
            found = WAY_IN.run(around)
        assert rights <= set(WAY_IN.permissions)
        assert (found.state, found.signs) == ("critical", ["shut off"])
        assert f"app/front/{arn.rpartition('/')[2]} ({group}) let nobody in at port 443" in found.summary
        assert list_let_in(REGION, [group], 443) == []
        let_in(ec2, group)
        assert list_let_in(REGION, [group], 443) == ["10.0.0.0/8"]
        assert WAY_IN.run(around).state == "ok"
