"""A server that somebody else may be in: evidence of its disks, then shut off and let in again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.clock import utc_now
from bot.policy import load_policy
from bot.recovery.action import World
from bot.sandbox.demo_policy import write_demo_policy
from bot.sandbox.fleet import GROUP
from tests.fleets import Servers, hurry, servers_of
from tests.integration.rds.driver import bad, perform, prepare, refusal
from tests.isolation import count_snapshots, give_back, groups_of, name_wall, wall_of
from tests.stage_fixtures import SharedStage


@pytest.fixture
def servers(shared_stage: SharedStage, monkeypatch: pytest.MonkeyPatch) -> Iterator[Servers]:
    stage = shared_stage.stage
    for name, value in stage.cloud.environment().items():
        monkeypatch.setenv(name, value)
    stage.start_application()
    servers = servers_of(stage)
    servers.reset()
    before = groups_of(servers, servers.failed)
    yield servers
    give_back(servers, before)


@pytest.fixture
def world(servers: Servers, tmp_path: Path) -> World:
    stage = servers.stage
    path, _ = write_demo_policy(tmp_path, stage.warehouse_url, supervisor=stage.supervisor_path)
    servers.describe(path)
    name_wall(servers, path)
    return World(hurry(load_policy(path)), dict(os.environ), utc_now)


def test_evidence_is_taken_once(world: World, servers: Servers) -> None:
    before = count_snapshots(servers)
    performance = prepare(world, "snapshot_evidence", host="app_1")
    performance.context.incident_id = 12
    performance.run()
    evidence = performance.prove()
    assert bad(evidence) == []
    performance.again()
    assert count_snapshots(servers) - before == 1
    assert "1 snapshot was taken, and stays" in performance.action.clean_up(performance.context)
    taken = evidence.measured["snapshots"]
    assert isinstance(taken, list)
    name = str(taken[0])
    found = servers.client("ec2").describe_snapshots(SnapshotIds=[name])["Snapshots"][0]
    tags = {one["Key"]: one["Value"] for one in found["Tags"]}
    assert tags["holdfast:evidence"] == "app_1"
    assert tags["holdfast:run"] == performance.context.mark
    assert tags["holdfast:incident"] == "12"


def test_shut_off_and_let_in_again(world: World, servers: Servers) -> None:
    before, wall = groups_of(servers, servers.failed), wall_of(servers)
    performance, evidence = perform(world, "isolate_host", host="app_1")
    assert groups_of(servers, servers.failed) == [wall]
    assert servers.failed not in servers.list_members()
    assert servers.fleet.list_states().get(servers.failed, "draining") == "draining"
    assert servers.state_of(servers.failed) == "running", "what is in its memory stays"
    assert {one.name.partition(" in ")[0] for one in bad(evidence)} <= {"Healthy"}, "until the group's new one is"
    notes = " ".join(performance.plan.notes)
    assert f"security groups {before[0]} become {wall}" in notes
    assert "1 healthy in" in notes
    assert "which are too few" in notes
    assert "cannot reach it by SSM any more" in notes
    undo = performance.action.undo(performance.context.parameters, performance.plan, performance.context.outputs)
    assert undo is not None
    assert "not its place in the auto-scaling group" in evidence.words
    back, evidence = perform(world, undo.action, **undo.parameters)
    assert (bad(evidence), groups_of(servers, servers.failed)) == ([], before)
    not_given = next(note for note in back.plan.notes if note.startswith("Not given back: "))
    assert f"attach-instances --instance-ids {servers.failed} --auto-scaling-group-name {GROUP}" in not_given
    assert servers.failed not in servers.list_members(), "as it was said"
    assert "no users" in evidence.words


def test_again_after_a_crash(world: World, servers: Servers) -> None:
    performance = prepare(world, "isolate_host", host="app_1")
    performance.run(until="shut")
    assert "registered with no" in performance.action.clean_up(performance.context), "what was left is told"
    performance.run()
    servers.stage.cloud.forget_calls()
    performance.again()
    assert [call["operation"] for call in servers.stage.cloud.calls()] == []


def test_the_one_that_was_planned_for_is_meant_also_once_another_is_in_its_place(
    world: World, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, wall = groups_of(servers, servers.well), wall_of(servers)
    performance = prepare(world, "isolate_host", host="app_1")
    performance.run(until="shut")
    monkeypatch.setattr("bot.systems.servers.Servers.find_current", lambda self, named: servers.well)
    performance.run()
    assert (groups_of(servers, servers.failed), groups_of(servers, servers.well)) == ([wall], before)


def with_wall(world: World, group: str | None) -> World:
    """The same world with another isolation group."""
    infrastructure = world.policy.infrastructure.model_copy(update={"isolation_group": group})
    policy = world.policy.model_copy(update={"infrastructure": infrastructure})
    return World(policy, world.environment, utc_now)


def test_refused(world: World, servers: Servers) -> None:
    assert "is not a host of the policy" in refusal(world, "isolate_host", host="$(id)")
    assert "groups.0: String should match" in refusal(world, "isolate_host", host="app_1", groups=["$(id)"])
    assert "names no isolation group" in refusal(with_wall(world, None), "isolate_host", host="app_1")
    open_one = groups_of(servers, servers.well)[0]
    rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "10.9.9.9/32"}]}
    servers.client("ec2").authorize_security_group_ingress(GroupId=open_one, IpPermissions=[rule])
    assert "lets somebody in" in refusal(with_wall(world, open_one), "isolate_host", host="app_1")
    servers.client("ec2").revoke_security_group_ingress(GroupId=open_one, IpPermissions=[rule])
