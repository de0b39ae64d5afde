"""A server in the place of a failed one, in a cloud whose servers are machines; and the failed one's removal."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.clock import utc_now
from bot.recovery.action import World
from bot.recovery.failed_servers import find_failed, list_failed
from bot.recovery.playbooks.conditions import ask_condition
from bot.recovery.playbooks.references import Occasion
from bot.sandbox.demo_policy import write_demo_policy
from bot.sandbox.fleet import GROUP, TEMPLATE
from bot.systems.hosts.opening import open_host
from bot.systems.servers import MARK
from tests.fleets import Servers, make_world, take_servers
from tests.integration.rds.driver import bad, perform, prepare, refusal, wait_until
from tests.stage_fixtures import SharedStage

LAUNCH = "RunInstances"


@pytest.fixture
def servers(fresh_stage: SharedStage, monkeypatch: pytest.MonkeyPatch) -> Servers:
    return take_servers(fresh_stage, monkeypatch)


@pytest.fixture
def world(servers: Servers, tmp_path: Path) -> World:
    return make_world(servers, tmp_path)


def calls(servers: Servers, *names: str) -> list[str]:
    made = [str(call["operation"]) for call in servers.stage.cloud.calls()]
    return [name for name in made if not names or name in names]


def test_another_takes_its_place_and_it_is_removed_afterwards(world: World, servers: Servers) -> None:
    """Users who are kept out by then are let in by the new one as little as by the others, who are told of it at its
    end: somebody shows the page while it is half done.
    """
    performance = prepare(world, "replace_server", host="app_1")
    performance.run(until="register")
    _, shown_page = perform(world, "maintenance_on", application="traitortrack")
    new = str(performance.context.outputs["launch"]["instance"])
    page = servers.stage.cloud.describe_machine(new).disk.maintenance_file
    assert (bad(shown_page), page.exists()) == ([], False)
    performance.run(until="retire")
    assert page.exists()
    page.unlink()
    performance.run()
    assert page.exists(), "it is looked for again before the end"
    evidence = performance.prove()
    assert bad(evidence) == []
    assert bad(perform(world, "maintenance_off", application="traitortrack")[1]) == []
    assert not page.exists()
    assert evidence.measured["instance"] == new
    assert servers.fleet.list_states() == {servers.well: "healthy", new: "healthy"}
    assert servers.list_members() == {servers.well, new}
    assert servers.state_of(servers.failed) == "stopped"
    notes = " ".join(performance.plan.notes)
    assert "1 other server is healthy now; there have to be 2" in notes
    assert performance.plan.downtime.seconds == 0
    assert "instance_id" in evidence.words
    disk = servers.stage.cloud.describe_machine(new).disk
    written = disk.environment_file.read_text()
    assert "ENVIRONMENT=production" in written
    assert (disk.current / "main.py").exists()
    shown = f"{performance.plan.model_dump_json()}{performance.context.outputs}{evidence}"
    assert servers.stage.application_url not in shown
    assert not list_failed(world)
    there = open_host(world.policy, world.environment, "app_1")
    assert there.run("is_running", 20).good, "commands for the host go to the one in its place"
    assert (
        str(disk.environment_file.stat().st_size)
        in there.machine.run(["wc", "-c", "/machine/opt/traitortrack/.env"], 20).text
    )
    assert prepare(world, "replace_server", host="app_1").plan.observed["old"] == new, "and it can be replaced again"

    assert "only a stopped server" in refusal(world, "terminate_server", instance=new)
    plan = prepare(world, "terminate_server", instance=servers.failed).plan
    assert "hosts.app_1" in plan.notes[0]
    assert "not there" in refusal(world, "terminate_server", instance="i-00000000000000000")


def test_a_stopped_one_is_terminated_once(world: World, servers: Servers) -> None:
    ec2 = servers.client("ec2")
    made = ec2.run_instances(LaunchTemplate={"LaunchTemplateName": TEMPLATE}, MinCount=1, MaxCount=1)
    name = made["Instances"][0]["InstanceId"]
    wait_until("it runs", lambda: servers.state_of(name) == "running")
    ec2.stop_instances(InstanceIds=[name])
    wait_until("its stop", lambda: servers.state_of(name) == "stopped")
    removal, evidence = perform(world, "terminate_server", instance=name)
    assert bad(evidence) == []
    assert servers.state_of(name) == "terminated"
    removal.again()
    assert len(calls(servers, "TerminateInstances")) == 1


def test_after_a_crash_nothing_is_launched_twice(world: World, servers: Servers) -> None:
    """Also where the failed one was stopped: then it stays registered, as unused."""
    servers.client("ec2").stop_instances(InstanceIds=[servers.failed])
    performance = prepare(world, "replace_server", host="app_1")
    servers.stage.cloud.fail("lost", LAUNCH)
    performance.run(until="retire")
    performance.again()
    assert len(servers.list_others()) == 1, calls(servers)
    assert bad(performance.prove()) == []
    (new,) = servers.list_others()
    group = servers.fleet.target_group
    servers.client("elbv2").deregister_targets(TargetGroupArn=group, Targets=[{"Id": new}])
    assert f"{new} stays in its place" in performance.action.clean_up(performance.context), "nobody else is left"
    assert servers.state_of(new) == "running"


def test_tried_again_when_ec2_has_forgotten_what_was_terminated(world: World, servers: Servers) -> None:
    """Terminated instances lose their tags soon, and are listed for an hour; their client tokens live for a day."""
    performance = prepare(world, "replace_server", host="app_1")
    performance.run(until="deploy")
    first = str(performance.context.outputs["launch"]["instance"])
    performance.action.clean_up(performance.context)
    wait_until("its end", lambda: servers.state_of(first) == "terminated")
    servers.client("ec2").delete_tags(Resources=[first], Tags=[{"Key": MARK}])
    performance.context.outputs = {}
    performance.run(until="deploy")
    second = str(performance.context.outputs["launch"]["instance"])
    assert (second != first, servers.state_of(second)) == (True, "running")
    performance.action.clean_up(performance.context)


def test_cancelled_before_it_serves_nothing_is_left(world: World, servers: Servers) -> None:
    performance = prepare(world, "replace_server", host="app_1")
    performance.run(until="register")
    performance.context.cancelled = lambda: True
    words = performance.fail()
    assert "was told to terminate" in words
    assert f"{servers.failed} was not touched" in words
    assert servers.list_members() == set(servers.fleet.instance_ids)
    assert set(servers.list_others().values()) <= {"shutting-down"}


def test_one_that_serves_stays_and_a_healthy_one_does_not_go_where_too_few_would_be_left(
    world: World, servers: Servers
) -> None:
    servers.revive()
    performance = prepare(world, "replace_server", host="app_1")
    performance.run(until="retire")
    new = str(performance.context.outputs["launch"]["instance"])
    assert f"{new} serves and stays" in performance.action.clean_up(performance.context)
    assert servers.fleet.list_states()[new] == "healthy"
    servers.client("elbv2").deregister_targets(
        TargetGroupArn=servers.fleet.target_group, Targets=[{"Id": servers.well}]
    )
    assert "without it 1 servers are healthy, and 2 are needed" in performance.fail()
    assert servers.fleet.list_states()[servers.failed] == "healthy"


def test_the_playbook_sees_which_has_failed(world: World, servers: Servers) -> None:
    occasion = Occasion(world, "traitortrack", utc_now())
    answer = ask_condition("server_failed", occasion)
    assert answer.met
    assert f"({servers.failed}) is unhealthy" in answer.words
    assert find_failed(world) == "app_1"
    servers.revive()
    assert not ask_condition("server_failed", occasion).met


def test_what_is_refused(world: World, servers: Servers, tmp_path: Path) -> None:
    assert "is not a host of the policy" in refusal(world, "replace_server", host="app_9")
    assert "cannot be planned" in refusal(world, "replace_server", host="app_1", revision="v1; reboot")
    scaling = servers.client("autoscaling")
    scaling.update_auto_scaling_group(AutoScalingGroupName=GROUP, MaxSize=2)
    try:
        assert "the most that it may have" in refusal(world, "replace_server", host="app_1")
    finally:
        scaling.update_auto_scaling_group(AutoScalingGroupName=GROUP, MaxSize=5)
    local, policy = tmp_path / "local", servers.stage
    local.mkdir()
    _, here = write_demo_policy(local, policy.warehouse_url, supervisor=policy.supervisor_path)
    found = refusal(World(here, world.environment, utc_now), "replace_server", host="app_1")
    assert "only one that is reached by SSM can be replaced" in found
