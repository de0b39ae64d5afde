"""A rolling restart behind a real load balancer, which sees that a server is well later than the server does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.outcome import Failed
from bot.recovery.action import Memory, World
from bot.recovery.application_restart import restart_hosts
from bot.recovery.load_balancer import find_limit_s, put_ill_first, wait_taken_back
from bot.recovery.on_hosts import open_application_hosts
from bot.recovery.verification import verify_as_user
from bot.sandbox.cloud import REGION
from bot.sandbox.service import ask
from bot.systems.aws import AwsUnclear
from bot.systems.target_health import Target
from tests.fleets import QUICK, Servers, make_world, take_servers
from tests.integration.rds.driver import prepare, wait_until
from tests.stage_fixtures import SharedStage

APPLICATION = "traitortrack"
SLOW_S, NEVER_S = 0.7, 600.0


@pytest.fixture
def servers(fresh_stage: SharedStage, monkeypatch: pytest.MonkeyPatch) -> Iterator[Servers]:
    servers = take_servers(fresh_stage, monkeypatch)
    yield servers
    servers.stage.cloud.change_server_pace(**QUICK)


@pytest.fixture
def world(servers: Servers, tmp_path: Path) -> World:
    return make_world(servers, tmp_path)


def give_up_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.recovery.load_balancer.BACK_WITHIN_S", 0.2)
    monkeypatch.setattr("bot.recovery.load_balancer.PATIENCE", 0.0)


def test_the_next_is_restarted_only_when_users_are_sent_to_the_one_before(world: World, servers: Servers) -> None:
    context = prepare(world, "restart_application", application=APPLICATION).context
    servers.stage.cloud.change_server_pace(probe_every_s=SLOW_S)
    seen = list[dict[str, str]]()
    restart_hosts(context, APPLICATION, prepare=lambda host: seen.append(servers.fleet.list_states()))
    assert [one[servers.failed] for one in seen] == ["unhealthy", "healthy"]
    assert "healthy" in servers.fleet.list_states().values()


def test_one_that_is_not_taken_back_keeps_the_others_from_being_restarted(
    world: World, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_up_soon(monkeypatch)
    run = prepare(world, "restart_application", application=APPLICATION)
    servers.stage.cloud.change_server_pace(probe_every_s=NEVER_S)
    with pytest.raises(Failed, match=f"{servers.failed} is unhealthy for the load balancer") as failed:
        run.run()
    assert "serve the users" in failed.value.true_now
    starts = run.context.plan.observed["starts"]
    assert isinstance(starts, dict)
    well = servers.stage.cloud.describe_machine(servers.well)
    assert ask(str(well.disk.init_socket), "started") == (0, starts["app_2"]), "the second one was left alone"


def test_where_it_sends_users_to_none_all_are_restarted_and_that_is_said(
    world: World, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    servers.fleet.kill()
    wait_until("both to be ill", lambda: set(servers.fleet.list_states().values()) == {"unhealthy"})
    monkeypatch.setattr("bot.recovery.load_balancer.BACK_WITHIN_S", NEVER_S)
    run = prepare(world, "restart_application", application=APPLICATION)
    servers.stage.cloud.change_server_pace(probe_every_s=NEVER_S)
    run.run()
    words = str(run.context.outputs["restart"]["words"])
    assert f"{servers.failed} is unhealthy, and no other server is healthy" in words, "and nobody waits for anything"
    assert servers.fleet.running


def test_aws_that_does_not_answer_for_a_while_is_not_taken_for_users_who_are_back(
    world: World, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = prepare(world, "restart_application", application=APPLICATION).context
    asked = list[int]()

    def list_sometimes(region: str, arn: str) -> list[Target]:
        asked.append(len(asked))
        if len(asked) == 2:
            raise AwsUnclear("There was no answer.", "", "Ask again.")
        state = "unhealthy" if len(asked) < 4 else "healthy"
        return [Target(servers.failed, state, ""), Target(servers.well, "healthy", "")]

    monkeypatch.setattr("bot.recovery.load_balancer.list_targets", list_sometimes)
    (host,) = [one for one in open_application_hosts(world, APPLICATION) if one.key == "app_1"]
    assert wait_taken_back(context, host) == ""
    assert len(asked) == 4


def test_how_long_it_is_waited_for(world: World, servers: Servers) -> None:
    """As long as the group's probes may take; not by who has cancelled, though the first one is ill for it."""
    arn, balancing = servers.fleet.target_group, servers.client("elbv2")
    assert find_limit_s([(REGION, arn)]) == 300
    slow = {"HealthCheckIntervalSeconds": 300, "HealthyThresholdCount": 10}
    before = balancing.describe_target_groups(TargetGroupArns=[arn])["TargetGroups"][0]
    balancing.modify_target_group(TargetGroupArn=arn, **slow)
    try:
        assert find_limit_s([(REGION, arn)]) == 6000
    finally:
        balancing.modify_target_group(TargetGroupArn=arn, **{name: before[name] for name in slow})
    context = prepare(world, "restart_application", application=APPLICATION).context
    context.cancelled = lambda: True
    (host,) = [one for one in open_application_hosts(world, APPLICATION) if one.key == "app_1"]
    assert wait_taken_back(context, host) == f"for the load balancer {servers.failed} is still unhealthy"


def test_the_one_that_serves_is_restarted_last(world: World, servers: Servers) -> None:
    hosts = open_application_hosts(world, APPLICATION)
    assert [one.key for one in put_ill_first(world, hosts[::-1])] == ["app_1", "app_2"]
    assert [one.key for one in put_ill_first(world, hosts)] == ["app_1", "app_2"]
    servers.stage.cloud.fail("error", "DescribeTargetHealth", times=8)
    try:
        assert [one.key for one in put_ill_first(world, hosts[::-1])] == ["app_2", "app_1"], "as they came"
    finally:
        servers.stage.cloud.stop_failing()


class StartsThemAfterwards(Memory):
    """The servers come up when the first way has come to its end."""

    def __init__(self, servers: Servers) -> None:
        self.servers = servers

    def recall(self, name: str) -> str | None:
        return None

    def keep(self, name: str, value: str) -> None:
        if value == "{}" and not self.servers.fleet.running:
            self.servers.fleet.start()


def test_a_way_that_went_wrong_is_gone_again_once_there_is_a_healthy_server(world: World, servers: Servers) -> None:
    servers.fleet.kill()
    wait_until("both to be ill", lambda: set(servers.fleet.list_states().values()) == {"unhealthy"})
    servers.stage.cloud.change_server_pace(probe_every_s=SLOW_S)
    (verdict,) = verify_as_user(world, APPLICATION, StartsThemAfterwards(servers))
    assert verdict.good
    assert "at the first try Health endpoint: 502" in verdict.found
