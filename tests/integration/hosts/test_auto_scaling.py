"""The auto-scaling group put right, and its servers replaced one after another, in a cloud of machines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.clock import utc_now
from bot.diagnostics.check import Surroundings
from bot.diagnostics.checks.infrastructure_auto_scaling import CHECK
from bot.recovery.action import World
from bot.sandbox.fleet import GROUP
from tests.aws_calls import watch_check
from tests.fleets import Servers, make_world, take_servers
from tests.integration.rds.driver import bad, perform, prepare, refusal, wait_until
from tests.stage_fixtures import SharedStage


@pytest.fixture
def servers(fresh_stage: SharedStage, monkeypatch: pytest.MonkeyPatch) -> Iterator[Servers]:
    servers = take_servers(fresh_stage, monkeypatch)
    servers.revive()
    yield servers
    servers.put_right()


@pytest.fixture
def world(servers: Servers, tmp_path: Path) -> World:
    return make_world(servers, tmp_path)


def look(world: World) -> tuple[str, list[str]]:
    with watch_check(CHECK) as rights:
        found = CHECK.run(Surroundings(world.policy, world.environment, utc_now, "traitortrack"))
    assert rights == set(CHECK.permissions)
    return found.state, [one.action for one in found.suggests]


def test_settings_are_seen_and_put_right(world: World, servers: Servers) -> None:
    assert look(world) == ("ok", [])
    assert "already" in refusal(world, "verify_auto_scaling")
    servers.client("autoscaling").update_auto_scaling_group(
        AutoScalingGroupName=GROUP, MinSize=1, MaxSize=9, HealthCheckType="EC2", HealthCheckGracePeriod=10
    )
    state, actions = look(world)
    assert (state, set(actions)) == ("warning", {"verify_auto_scaling"})
    performance, evidence = perform(world, "verify_auto_scaling")
    assert bad(evidence) == []
    notes = " ".join(performance.plan.notes)
    assert "Min size is 1, to be 2." in notes
    assert "Health check type is EC2, to be ELB." in notes
    assert look(world) == ("ok", [])
    performance.again()
    assert servers.list_members() == set(servers.fleet.instance_ids), "who was there stays"


def test_every_server_is_replaced_while_users_are_served(world: World, servers: Servers) -> None:
    performance = prepare(world, "refresh_instances")
    assert "hosts.app_1" in " ".join(performance.plan.notes)
    servers.stage.cloud.fail("lost", "StartInstanceRefresh")
    performance.run()
    assert bad(performance.prove()) == []
    assert servers.list_members().isdisjoint(servers.fleet.instance_ids)
    assert servers.answers()
    performance.again()
    calls = [call["operation"] for call in servers.stage.cloud.calls()]
    assert calls.count("StartInstanceRefresh") == 1


def test_a_refresh_that_is_cancelled_stops(world: World, servers: Servers) -> None:
    servers.stage.cloud.change_server_pace(refresh_step_s=30)
    performance = prepare(world, "refresh_instances")
    performance.context.cancelled = lambda: bool(performance.words)
    servers.stage.cloud.change_server_pace(refresh_step_s=1)
    words = performance.fail()
    assert "The refresh is cancelled; 2 of 2 servers are the old ones" in words
    scaling = servers.client("autoscaling")
    found = scaling.describe_instance_refreshes(AutoScalingGroupName=GROUP)["InstanceRefreshes"]
    assert found[0]["Status"] == "Cancelled"
    started = scaling.start_instance_refresh(AutoScalingGroupName=GROUP)
    assert "goes on already" in refusal(world, "refresh_instances")
    scaling.cancel_instance_refresh(AutoScalingGroupName=GROUP)
    assert started["InstanceRefreshId"] != found[0]["InstanceRefreshId"]

    def is_over() -> bool:
        newest = scaling.describe_instance_refreshes(AutoScalingGroupName=GROUP)["InstanceRefreshes"][0]
        return bool(newest["Status"] == "Cancelled")

    wait_until("the end of the second", is_over)
