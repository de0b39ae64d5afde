"""EC2 and SSM: machines that come up empty, and commands that really run on them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bot.sandbox.cloud import Cloud
from tests.integration.sandbox.waiting import wait_for

from .asking import refused
from .conftest import OpenClient

SCRIPT = "AWS-RunShellScript"
IMAGE = "ami-0123456789abcdef0"


@pytest.fixture(scope="module")
def ec2(open_client: OpenClient) -> Any:
    return open_client("ec2")


@pytest.fixture(scope="module")
def ssm(open_client: OpenClient) -> Any:
    return open_client("ssm")


@pytest.fixture(scope="module")
def server(running_cloud: Cloud, ec2: Any) -> Iterator[str]:
    """One that all tests here share, running."""
    running_cloud.change_server_pace(pending_s=0.1, stopping_s=0.1, appears_s=0.1, timeout_scale=0.02)
    name = launch(ec2)
    wait_for_state(ec2, name, "running")
    wait_for(lambda: running_cloud.describe_machine(name).is_up, "the agent")
    yield name
    ec2.terminate_instances(InstanceIds=[name])


def launch(ec2: Any, **more: object) -> str:
    asked = {"ImageId": IMAGE, "MinCount": 1, "MaxCount": 1, **more}
    return str(ec2.run_instances(**asked)["Instances"][0]["InstanceId"])


def state_of(ec2: Any, name: str) -> str:
    return str(ec2.describe_instances(InstanceIds=[name])["Reservations"][0]["Instances"][0]["State"]["Name"])


def wait_for_state(ec2: Any, name: str, state: str) -> None:
    wait_for(lambda: state_of(ec2, name) == state, f"{name} {state}", deadline_s=60)


def send(ssm: Any, server: str, script: str, **parameters: list[str]) -> str:
    answer = ssm.send_command(
        InstanceIds=[server], DocumentName=SCRIPT, TimeoutSeconds=30, Parameters={"commands": [script], **parameters}
    )
    return str(answer["Command"]["CommandId"])


def look(ssm: Any, server: str, command: str) -> dict[str, Any]:
    found: dict[str, Any] = ssm.get_command_invocation(CommandId=command, InstanceId=server)
    return found


def finish(ssm: Any, server: str, command: str) -> dict[str, Any]:
    def ended() -> bool:
        try:
            return look(ssm, server, command)["Status"] not in ("Pending", "InProgress", "Cancelling")
        except ssm.exceptions.InvocationDoesNotExist:
            return False

    wait_for(ended, f"the end of {command}", deadline_s=60)
    return look(ssm, server, command)


def test_a_token_launches_once(ec2: Any, cloud: Cloud) -> None:
    first = launch(ec2, ClientToken="once")
    assert state_of(ec2, first) in ("pending", "running")
    assert launch(ec2, ClientToken="once") == first
    refused(
        "IdempotentParameterMismatch",
        ec2.run_instances,
        ImageId=IMAGE,
        MinCount=1,
        MaxCount=1,
        InstanceType="t3.large",
        ClientToken="once",
    )
    wait_for_state(ec2, first, "running")
    disk = cloud.describe_machine(first).disk
    assert list(disk.install_folder.iterdir()) == [], "no code and no environment"
    ec2.stop_instances(InstanceIds=[first])
    wait_for_state(ec2, first, "stopped")
    assert not cloud.describe_machine(first).is_up
    ec2.start_instances(InstanceIds=[first])
    wait_for_state(ec2, first, "running")
    ec2.terminate_instances(InstanceIds=[first])
    wait_for_state(ec2, first, "terminated")
    assert not disk.root.exists()
    refused("IncorrectInstanceState", ec2.start_instances, InstanceIds=[first])


def test_a_command_runs_on_the_machine(ssm: Any, server: str, cloud: Cloud) -> None:
    command = send(ssm, server, "echo made > /machine/tmp/mark; readlink -f /machine/tmp; echo bad >&2; exit 3")
    refused("InvocationDoesNotExist", ssm.get_command_invocation, CommandId=command, InstanceId=server)
    found = finish(ssm, server, command)
    assert (found["Status"], found["ResponseCode"]) == ("Failed", 3)
    assert (found["StandardOutputContent"], found["StandardErrorContent"]) == ("/machine/tmp\n", "bad\n")
    assert (cloud.describe_machine(server).disk.root / "tmp" / "mark").read_text() == "made\n"


def test_output_is_cut(ssm: Any, server: str) -> None:
    found = finish(ssm, server, send(ssm, server, "yes | head -c 300000; yes e | head -c 90000 >&2"))
    assert (len(found["StandardOutputContent"]), len(found["StandardErrorContent"])) == (24_000, 8_000)
    assert found["Status"] == "Success"


def test_one_that_is_cancelled_is_stopped(ssm: Any, server: str) -> None:
    command = send(ssm, server, "sleep 600")
    wait_for(lambda: _in_progress(ssm, server, command), "its start")
    ssm.cancel_command(CommandId=command)
    assert finish(ssm, server, command)["Status"] == "Cancelled"


def _in_progress(ssm: Any, server: str, command: str) -> bool:
    try:
        return bool(look(ssm, server, command)["Status"] == "InProgress")
    except ssm.exceptions.InvocationDoesNotExist:
        return False


def test_one_that_is_too_slow_is_stopped(ssm: Any, server: str) -> None:
    found = finish(ssm, server, send(ssm, server, "sleep 600", executionTimeout=["1"]))
    assert (found["Status"], found["StatusDetails"]) == ("TimedOut", "ExecutionTimedOut")


def test_what_ssm_refuses(ssm: Any, server: str, cloud: Cloud) -> None:
    given = {"InstanceIds": [server], "DocumentName": SCRIPT, "Parameters": {"commands": ["true"]}}
    refused("InvalidInstanceId", ssm.send_command, **{**given, "InstanceIds": ["i-00000000000000000"]})
    refused("InvalidDocument", ssm.send_command, **{**given, "DocumentName": "AWS-RunPatchBaseline"})
    cloud.fail("throttle", "SendCommand")
    refused("ThrottlingException", ssm.send_command, **given)


def test_a_dead_machine_takes_nothing_and_ec2_calls_it_running(ssm: Any, ec2: Any, server: str, cloud: Cloud) -> None:
    """The last test of the shared machine."""
    running = send(ssm, server, "sleep 600", executionTimeout=["10"])
    wait_for(lambda: _in_progress(ssm, server, running), "its start")
    cloud.crash_machine(server)
    assert finish(ssm, server, running)["StatusDetails"] == "ExecutionTimedOut"
    assert finish(ssm, server, send(ssm, server, "true"))["StatusDetails"] == "DeliveryTimedOut"
    assert state_of(ec2, server) == "running"
    status = ec2.describe_instance_status(InstanceIds=[server])["InstanceStatuses"][0]
    assert (status["InstanceState"]["Name"], status["InstanceStatus"]["Status"]) == ("running", "impaired")
