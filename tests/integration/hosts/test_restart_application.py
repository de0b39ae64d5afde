"""Restarting the application on a real host: one that is down, one that is up, and one that does not come back."""

from __future__ import annotations

import os
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from bot.clock import utc_now
from bot.outcome import Failed, Refused
from bot.policy import load_policy
from bot.policy.plain_yaml import dump_plain, load_plain
from bot.recovery.action import Context, Facts, History, World
from bot.recovery.actions.restart_application import RestartApplication, restart
from bot.recovery.application_restart import HEALTHY_WITHIN_S
from bot.recovery.on_application import OnApplication
from bot.sandbox.demo_policy import write_demo_policy
from tests.stage_fixtures import SharedStage

ACTION = RestartApplication()
PARAMETERS = OnApplication(application="traitortrack")


@pytest.fixture
def world(fresh_stage: SharedStage, tmp_path: Path) -> World:
    stage = fresh_stage.stage
    _, policy = write_demo_policy(
        tmp_path, stage.warehouse_url, supervisor=stage.supervisor_path, log_path=stage.warehouse_log_path
    )
    return World(policy, dict(os.environ), utc_now)


def change_command(world: World, folder: Path, **commands: list[str]) -> World:
    """The same world with other commands on its host."""
    path = folder / "policy.yml"
    text: dict[str, Any] = load_plain(path)
    text["hosts"]["app_1"]["commands"] |= commands
    dump_plain(path, text)
    return World(load_policy(path), world.environment, utc_now)


def context_of(world: World, observed: Facts | None = None) -> Context[OnApplication]:
    seen = ACTION.observe(world, PARAMETERS) if observed is None else observed
    plan = ACTION.plan(world, PARAMETERS, seen, History())
    return Context(
        world=world, run_id=1, mark="m", parameters=PARAMETERS, plan=plan, progress=lambda words: None,
        cancelled=lambda: False,
    )  # fmt: skip


def test_an_application_that_is_down_comes_back(world: World, fresh_stage: SharedStage) -> None:
    fresh_stage.stage.warehouse.kill()
    context = context_of(world)
    context.outputs["restart"] = restart(context)
    evidence = ACTION.verify(context)
    assert all(verdict.good for verdict in evidence.verdicts), evidence
    assert fresh_stage.stage.warehouse.running


def test_one_that_runs_is_another_process_afterwards(world: World, fresh_stage: SharedStage) -> None:
    before = fresh_stage.stage.warehouse.pid
    context = context_of(world)
    context.outputs["restart"] = restart(context)
    assert fresh_stage.stage.warehouse.pid not in (None, before)
    assert float(str(context.outputs["restart"]["gap_s"])) > 0
    assert all(verdict.good for verdict in ACTION.verify(context).verdicts)


def test_what_was_restarted_before_a_crash_is_not_restarted_again(world: World, fresh_stage: SharedStage) -> None:
    context = context_of(world)
    restart(context)
    after_first = fresh_stage.stage.warehouse.pid
    context.outputs["restart"] = restart(context)
    assert fresh_stage.stage.warehouse.pid == after_first
    assert all(verdict.good for verdict in ACTION.verify(context).verdicts)


def add_host(world: World, folder: Path, title: str, **commands: list[str]) -> World:
    path = folder / "policy.yml"
    text: dict[str, Any] = load_plain(path)
    text["hosts"]["app_2"] = {**deepcopy(text["hosts"]["app_1"]), "title": title}
    text["hosts"]["app_2"]["commands"] |= commands
    dump_plain(path, text)
    return World(load_policy(path), world.environment, utc_now)


def test_a_dead_host_is_left_out_and_everybody_is_told(world: World, fresh_stage: SharedStage, tmp_path: Path) -> None:
    before = fresh_stage.stage.warehouse.pid
    two = add_host(world, tmp_path, "The dead one", started=["/nowhere/started"])
    context = context_of(two)
    assert context.plan.title.endswith(", WITHOUT The dead one")
    assert context.plan.notes[0].startswith("LEFT OUT: The dead one does not answer (")
    assert context.plan.downtime.seconds != 0, "nobody serves beside the one that is left"
    context.outputs["restart"] = restart(context)
    assert fresh_stage.stage.warehouse.pid != before
    verdicts = {one.name: one for one in ACTION.verify(context).verdicts}
    assert (verdicts["Hosts"].good, verdicts["The dead one"].unknown) == (True, True)


def test_where_no_host_answers_nothing_is_planned(world: World, tmp_path: Path) -> None:
    dead = change_command(world, tmp_path, started=["/nowhere/started"])
    with pytest.raises(Failed, match="No host answers"):
        ACTION.observe(dead, PARAMETERS)


def test_a_restart_that_fails_says_so_and_what_is_true(world: World, tmp_path: Path) -> None:
    broken = change_command(
        world, tmp_path, restart=[sys.executable, "-c", "import sys; sys.exit('password=hunter22 is wrong')"]
    )
    with pytest.raises(Failed, match="was not restarted: status 1") as failed:
        restart(context_of(broken))
    assert "hunter22" not in failed.value.words
    assert "not touched" in failed.value.true_now


def test_restarted_is_not_healthy(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """systemctl may be content with a service that crashes a second later."""
    monkeypatch.setattr("bot.recovery.application_restart.HEALTHY_WITHIN_S", 1.0)
    assert HEALTHY_WITHIN_S > 1
    sick = change_command(world, tmp_path, is_healthy=["false"])
    with pytest.raises(Failed, match="is not healthy after"):
        restart(context_of(sick))


def test_an_application_without_hosts_is_refused() -> None:
    world = World(load_policy(None), {}, utc_now)
    with pytest.raises(Refused, match="not an application"):
        ACTION.observe(world, OnApplication(application="other"))
