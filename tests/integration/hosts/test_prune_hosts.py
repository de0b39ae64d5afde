"""Removing what deploys and repairs have left, on the sandbox's host."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.diagnostics.check import Surroundings
from bot.diagnostics.checks.code_leftovers import CHECK
from bot.outcome import Cancelled, Failed, Refused
from bot.recovery.action import Needless
from bot.recovery.actions.prune_hosts import ACTION
from tests.integration.hosts.code_desk import Desk, Notes, bad, take
from tests.releases import clear_code, lay_releases, leave_leftovers
from tests.stage_fixtures import SharedStage

COPY = ".env.before-run77-65a1b2c3"


@pytest.fixture
def desk(fresh_stage: SharedStage, tmp_path: Path) -> Iterator[Desk]:
    yield Desk(fresh_stage.stage, tmp_path)
    clear_code(fresh_stage.stage)


@pytest.fixture
def left(desk: Desk) -> Iterator[list[Path]]:
    with leave_leftovers(desk.stage) as left:
        yield left


def test_what_is_too_old_goes_and_the_way_back_of_a_deployment_stays(desk: Desk, left: list[Path]) -> None:
    good, poor = lay_releases(desk.stage, "v1.2.0", "v1.3.0")
    context = desk.plan("prune_hosts")
    notes = "\n".join(context.plan.notes)
    assert "This machine: 1 copy of old secrets (" in notes
    assert "5 releases (" in notes
    assert f"secrets {COPY}, 60 d old" in notes
    assert f"stays, for it runs or ran before: {', '.join(sorted([good, poor, 'old0']))}." in notes
    assert "leftovers from the hosts of TraitorTrack" in context.plan.title
    evidence = desk.carry_out("prune_hosts", context)
    assert bad(evidence) == set(), evidence
    assert float(str(evidence.measured["freed_bytes"])) > 50_000
    assert not [path for path in left if os.path.lexists(path)]
    assert desk.plan("roll_back_code").plan.observed["name"] == good
    with pytest.raises(Needless, match="No host has anything that may go"):
        desk.plan("prune_hosts")


def refusal(desk: Desk, **given: object) -> str:
    with pytest.raises(Refused) as refused:
        desk.plan("prune_hosts", **given)
    return refused.value.words


def test_after_an_incident_all_copies_of_old_secrets_go_and_nothing_else(desk: Desk, left: list[Path]) -> None:
    folder = desk.stage.disk.install_folder
    (folder / ".env.before-run78-65a1b2c4").write_text("SESSION_SECRET=of a minute ago\n")
    context = desk.plan("prune_hosts", old_secrets="yes")
    assert context.plan.title == "Remove all copies of old secrets from the hosts of TraitorTrack"
    assert "of a minute ago" not in context.plan.model_dump_json()
    assert bad(desk.carry_out("prune_hosts", context)) == set()
    assert list(folder.glob(".env.before-*")) == []
    assert (folder / "releases" / "old7").exists()


def test_what_a_run_under_way_may_put_back_stays(desk: Desk, left: list[Path]) -> None:
    desk.world = replace(desk.world, under_way=lambda: [77])
    assert "needed by a run that is under way" in refusal(desk, old_secrets="yes")
    context = desk.plan("prune_hosts")
    assert any(COPY in note and "may put it back" in note for note in context.plan.notes)
    assert bad(desk.carry_out("prune_hosts", context)) == set()
    assert (desk.stage.disk.install_folder / COPY).exists()


def test_one_that_began_after_the_plan_is_looked_at_again(desk: Desk, left: list[Path]) -> None:
    """The plan is void; should it begin later still, its copy stays, and the proof says so."""
    context = desk.plan("prune_hosts")
    context.world = replace(desk.world, under_way=lambda: [77])
    moved = ACTION.moved(context.plan.observed, ACTION.observe(context.world, context.parameters))
    assert moved == [f"{COPY} is needed on app_1 by now"]
    evidence = desk.carry_out("prune_hosts", context)
    assert bad(evidence) == {"This machine"}
    assert COPY in evidence.verdicts[0].found


def test_a_crash_is_seen_in_the_world_and_cancelling_says_how_far_it_came(desk: Desk, left: list[Path]) -> None:
    context = desk.plan("prune_hosts")
    (step,) = ACTION.steps()
    assert step.happened is not None
    assert step.happened(context) is None
    context.cancelled, context.memory = (lambda: True), Notes()
    with pytest.raises(Cancelled, match="before This machine"):
        step.do(context)
    assert "0 of 8 are removed. What runs was not touched" in ACTION.clean_up(context)
    context.cancelled = lambda: False
    take(step, context)
    assert step.happened(context) == context.outputs["remove"]
    assert "8 of 8 are removed" in ACTION.clean_up(context)


def test_a_host_that_is_away_is_left_out_and_told_of(desk: Desk, left: list[Path]) -> None:
    away = {"title": "Server 2", "application": "traitortrack", "reach": "local", "commands": {"python": ["/nowhere"]}}
    desk.change(lambda text: text["hosts"].update(app_2=away))
    context = desk.plan("prune_hosts")
    assert any(note.startswith("Server 2 was not looked at") for note in context.plan.notes)
    assert bad(desk.carry_out("prune_hosts", context)) == {"Server 2"}
    desk.change(lambda text: text["hosts"].pop("app_1"))
    assert "No host could be looked at: Server 2" in refusal(desk)


def test_a_current_that_is_no_link_stops_it(desk: Desk, left: list[Path]) -> None:
    desk.stage.disk.current.mkdir()
    assert "is no link" in refusal(desk)
    desk.stage.disk.current.rmdir()
    context = desk.plan("prune_hosts")
    desk.stage.disk.current.mkdir()
    with pytest.raises(Failed, match="is no link; nothing was removed"):
        take(ACTION.steps()[0], context)


def test_the_check_warns_and_leads_to_the_action(desk: Desk, left: list[Path]) -> None:
    look = Surroundings(desk.world.policy, desk.world.environment, desk.world.now, "traitortrack")
    finding = CHECK.run(look)
    assert (finding.state, [one.action for one in finding.suggests]) == ("warning", ["prune_hosts"])
    assert "8 releases and 1 copy of old secrets: 3 releases more than are needed; 1 copy of old" in finding.summary
    assert json.loads(finding.suggests[0].model_dump_json())["parameters"] == {"application": "traitortrack"}
    desk.run("prune_hosts")
    assert CHECK.run(look).state == "ok"
