"""Target groups: health as probes find it, requests only to the healthy, and targets that drain."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
import requests

from bot.sandbox.children import get_local
from bot.sandbox.cloud import Cloud, MachineFacts
from bot.sandbox.ports import free_port
from bot.sandbox.service import ask
from tests.integration.sandbox.test_machines import release
from tests.integration.sandbox.waiting import wait_for

from .asking import refused
from .conftest import OpenClient

DELAY = "deregistration_delay.timeout_seconds"


@pytest.fixture(scope="module")
def elb(open_client: OpenClient) -> Any:
    return open_client("elbv2")


@pytest.fixture(scope="module")
def servers(running_cloud: Cloud, open_client: OpenClient) -> Iterator[list[MachineFacts]]:
    """Two, each with a small application that is not started."""
    running_cloud.change_server_pace(pending_s=0.05, stopping_s=0.05, probe_every_s=0.05, timeout_scale=0.02)
    ec2 = open_client("ec2")
    made = ec2.run_instances(ImageId="ami-0123456789abcdef0", MinCount=2, MaxCount=2)["Instances"]
    names = [one["InstanceId"] for one in made]
    for name in names:
        wait_for(partial(is_ready, running_cloud, name), f"{name} up", deadline_s=60)
        release(running_cloud.describe_machine(name).disk, "1")
    yield [running_cloud.describe_machine(name) for name in names]
    ec2.terminate_instances(InstanceIds=names)


def is_ready(cloud: Cloud, name: str) -> bool:
    found = cloud.describe_machine(name)
    return found.is_up and found.state == "running"


@pytest.fixture
def group(elb: Any, open_client: OpenClient, name: str) -> str:
    vpc = open_client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
    made = elb.create_target_group(
        Name=name, Protocol="HTTP", Port=5000, VpcId=vpc, HealthCheckPath="/health", HealthyThresholdCount=2,
        UnhealthyThresholdCount=2,
    )["TargetGroups"][0]  # fmt: skip
    elb.modify_target_group_attributes(
        TargetGroupArn=made["TargetGroupArn"], Attributes=[{"Key": DELAY, "Value": "50"}]
    )
    return str(made["TargetGroupArn"])


def states(elb: Any, group: str, *names: str) -> dict[str, str]:
    targets = {"Targets": [{"Id": name} for name in names]} if names else {}
    found = elb.describe_target_health(TargetGroupArn=group, **targets)["TargetHealthDescriptions"]
    return {one["Target"]["Id"]: one["TargetHealth"]["State"] for one in found}


def name_of(server: MachineFacts) -> str:
    return server.disk.root.name


def say(server: MachineFacts, verb: str) -> None:
    ask(str(server.disk.init_socket), verb)


def test_a_target_comes_is_ill_and_goes(elb: Any, cloud: Cloud, group: str, servers: list[MachineFacts]) -> None:
    first, second = servers
    one, two = name_of(first), name_of(second)
    port = free_port()
    cloud.serve_target_group(group, port)
    url = f"http://127.0.0.1:{port}/"
    assert get_local(url, 5).status_code == 503, "nobody is registered"
    say(first, "start")
    elb.register_targets(TargetGroupArn=group, Targets=[{"Id": one}, {"Id": two}])
    wait_for(lambda: states(elb, group) == {one: "healthy", two: "unhealthy"}, "the probes", deadline_s=30)
    seen = {get_local(url, 5).json()["where"] for _ in range(4)}
    assert seen == {str(first.disk.current.resolve())}, "only the healthy one is asked"
    say(second, "start")
    wait_for(lambda: states(elb, group)[two] == "healthy", "the second", deadline_s=30)
    assert len({get_local(url, 5).json()["where"] for _ in range(4)}) == 2
    elb.modify_target_group_attributes(
        TargetGroupArn=group, Attributes=[{"Key": "stickiness.enabled", "Value": "true"}]
    )
    with requests.Session() as client:
        client.trust_env = False
        wait_for(lambda: "AWSALB" in client.get(url, timeout=5).cookies, "the cookie", deadline_s=30)
        assert len({client.get(url, timeout=5).json()["where"] for _ in range(4)}) == 1
    elb.deregister_targets(TargetGroupArn=group, Targets=[{"Id": one}, {"Id": "i-00000000000000000"}])
    assert states(elb, group)[one] == "draining"
    assert {get_local(url, 5).json()["where"] for _ in range(4)} == {str(second.disk.current.resolve())}
    wait_for(lambda: one not in states(elb, group), "the end of its draining", deadline_s=30)
    assert states(elb, group, one) == {one: "unused"}
    say(second, "kill")
    wait_for(lambda: states(elb, group) == {two: "unhealthy"}, "its death", deadline_s=30)
    assert get_local(url, 5).status_code == 502, "where none is healthy, all are tried"
    say(first, "kill")


def test_only_what_runs_can_be_registered(
    elb: Any, group: str, open_client: OpenClient, servers: list[MachineFacts], cloud: Cloud
) -> None:
    """The last test of the second server."""
    ec2, name = open_client("ec2"), name_of(servers[1])
    elb.register_targets(TargetGroupArn=group, Targets=[{"Id": name}])
    ec2.stop_instances(InstanceIds=[name])
    assert states(elb, group) == {name: "unused"}
    refused("InvalidTarget", elb.register_targets, TargetGroupArn=group, Targets=[{"Id": name}])
    refused("TargetGroupNotFound", elb.deregister_targets, TargetGroupArn=f"{group}x", Targets=[{"Id": name}])
