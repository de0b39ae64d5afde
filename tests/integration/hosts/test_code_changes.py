"""Deploying and rolling back, on the sandbox's host, whose supervisor starts what is current."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bot.outcome import Cancelled, Failed, Refused
from bot.recovery.action import Context
from bot.recovery.actions.roll_back_code import ACTION as ROLL_BACK
from bot.recovery.code_changes import switch_hosts
from bot.recovery.on_hosts import open_application_hosts
from bot.recovery.registry import find_action
from bot.recovery.releases import switch
from bot.sandbox.repositories import HISTORY, Commit, run_git, write_stream
from tests.integration.hosts.code_desk import Desk, Notes, bad, take
from tests.releases import clear_code, lay_releases
from tests.stage_fixtures import SharedStage


@pytest.fixture
def desk(fresh_stage: SharedStage, tmp_path: Path) -> Iterator[Desk]:
    yield Desk(fresh_stage.stage, tmp_path)
    clear_code(fresh_stage.stage)


def test_a_bad_release_is_rolled_back_to_what_ran_before(desk: Desk) -> None:
    good, poor = lay_releases(desk.stage, "v1.2.0", "v1.3.0")
    assert "Figures" in bad(ROLL_BACK.verify(with_gap(desk)))
    context = desk.plan("roll_back_code")
    evidence = desk.carry_out("roll_back_code", context)
    assert bad(evidence) == set(), evidence
    assert {"Release", "Health", "Figures", "Login"} <= {one.name for one in evidence.verdicts}
    assert desk.stage.disk.current.resolve().name == good
    assert context.plan.observed["running"] == {"app_1": poor}
    notes = "\n".join(context.plan.notes)
    assert "Goes: " in notes
    assert "Count bags in the new table (Mei Tanaka" in notes
    back = ROLL_BACK.undo(context.parameters, context.plan, context.outputs)
    assert back is not None
    assert back.parameters == {"application": "traitortrack", "revision": poor}
    assert desk.plan("roll_back_code", revision=poor).plan.observed["name"] == poor


def with_gap(desk: Desk) -> Context[Any]:
    context = desk.plan("roll_back_code")
    context.outputs["switch"] = {"gap_s": 0.0}
    return context


def test_going_back_needs_no_repository(desk: Desk) -> None:
    good, _ = lay_releases(desk.stage, "v1.2.0", "v1.3.0")
    gone = (desk.folder / "gone.git").as_uri()
    desk.change(lambda text: text["infrastructure"]["code"].update(primary=gone, mirror=gone))
    assert bad(desk.run("roll_back_code", revision=good)) == set()


def test_a_deployment_from_the_mirror_pins_the_commit(desk: Desk) -> None:
    gone = (desk.folder / "gone.git").as_uri()
    desk.change(lambda text: text["infrastructure"]["code"].update(primary=gone))
    context = desk.plan("deploy_code", revision="v1.2.0")
    assert any("mirror is used" in note for note in context.plan.notes)
    assert bad(desk.carry_out("deploy_code", context)) == set()
    action = find_action("deploy_code")
    moved = desk.plan("deploy_code", revision="v1.1.0").plan.observed
    assert action.moved(context.plan.observed, moved)


def test_what_was_switched_before_a_crash_is_not_restarted_again(desk: Desk) -> None:
    lay_releases(desk.stage, "v1.2.0", "v1.3.0")
    context = desk.plan("roll_back_code")
    *early, _ = ROLL_BACK.steps()
    for step in early:
        take(step, context)
    context.memory = Notes()
    switch_hosts(context)
    starts = desk.stage.warehouse.starts
    context.outputs["switch"] = switch_hosts(context)
    assert desk.stage.warehouse.starts == starts
    assert bad(ROLL_BACK.verify(context)) == set()


def test_a_release_that_crashes_and_comes_up_by_itself_all_the_time_is_switched(desk: Desk) -> None:
    good, poor = lay_releases(desk.stage, "v1.2.0", "v1.3.0")
    link = desk.stage.disk.current

    def crash_until_switched(text: dict[str, Any]) -> None:
        commands = text["hosts"]["app_1"]["commands"]
        script = (
            "import os, sys, time; poor, link, *real = sys.argv[1:]; "
            "print(time.time()) if os.path.basename(os.readlink(link)) == poor else os.execv(real[0], real)"
        )
        commands["started"] = [sys.executable, "-c", script, poor, str(link), *commands["started"]]

    desk.change(crash_until_switched)
    assert bad(desk.run("roll_back_code")) == set()
    assert link.resolve().name == good


def test_a_host_that_does_not_come_back_says_how_to_go_back(desk: Desk) -> None:
    lay_releases(desk.stage, "v1.1.0", "v1.2.0")
    desk.change(
        lambda text: text["hosts"]["app_1"]["commands"].update(
            restart=[sys.executable, "-c", "import sys; sys.exit('password=hunter22 is wrong')"]
        )
    )
    context = desk.plan("roll_back_code")
    with pytest.raises(Failed, match="was not restarted") as failed:
        desk.carry_out("roll_back_code", context)
    assert "hunter22" not in failed.value.words
    assert "roll_back_code traitortrack revision=" in failed.value.next_step
    assert "has " in ROLL_BACK.clean_up(context)


def test_cancelled_before_the_switch_nothing_runs_that_did_not_before(desk: Desk) -> None:
    _, current = lay_releases(desk.stage, "v1.1.0", "v1.2.0")
    context = desk.plan("roll_back_code")
    context.cancelled = lambda: True
    for step in ROLL_BACK.steps():
        with pytest.raises(Cancelled):
            take(step, context)
    assert current in ROLL_BACK.clean_up(context)


def test_a_host_that_was_switched_and_not_restarted_is_switched_back(desk: Desk) -> None:
    _, current = lay_releases(desk.stage, "v1.1.0", "v1.2.0")

    def add(**commands: list[str]) -> None:
        def alter(text: dict[str, Any]) -> None:
            other = deepcopy(text["hosts"]["app_1"])
            other["commands"].update(commands)
            text["hosts"] = {"app_0": {**other, "title": "app 0"}, "app_1": text["hosts"]["app_1"]}

        desk.change(alter)

    add()
    context = desk.plan("roll_back_code")
    switch(context, open_application_hosts(desk.world, "traitortrack")[1], str(context.plan.observed["name"]))
    context.cancelled = lambda: True
    add(python=["/nowhere/python"])
    context.world = desk.world
    words = ROLL_BACK.clean_up(context)
    assert f"has {current}" in words
    assert "app 0 cannot be asked" in words, "and keeps no other from being settled"
    assert desk.stage.disk.current.resolve().name == current


def test_a_release_that_does_not_know_the_schema_is_refused_unless_accepted(desk: Desk) -> None:
    migrated = (*HISTORY, Commit("Note scans", "Mei Tanaka <m@example.com>", {
        "main.py": HISTORY[2].files["main.py"],
        "migrations/versions/0003_x.py": 'revision: str = "0003aa"\ndown_revision = "0002"\n'}, "v1.4.0"))  # fmt: skip
    for name in ("github.git", "gitlab.git"):
        path = desk.stage.disk.git_folder / name
        run_git(path, "fast-import", "--quiet", "--force", stdin=write_stream(migrated))
    lay_releases(desk.stage, "v1.2.0", "v1.4.0")
    with psycopg.connect(desk.stage.application_url) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num varchar(32))")
        connection.execute("INSERT INTO alembic_version VALUES ('0003aa')")
    with pytest.raises(Refused, match=r"at migration 0003aa, which v1\.2\.0"):
        desk.plan("roll_back_code")
    accepted = desk.plan("roll_back_code", accept_schema=True)
    assert any(note.startswith("ACCEPTED") for note in accepted.plan.notes)
    lay_releases(desk.stage, "v1.2.0")
    assert any("knows the migrations" in note for note in desk.plan("deploy_code", revision="v1.4.0").plan.notes)


def test_there_is_nothing_to_go_back_to(desk: Desk) -> None:
    lay_releases(desk.stage, "v1.2.0")
    with pytest.raises(Refused, match="no one release that ran before"):
        desk.plan("roll_back_code")
    with pytest.raises(Refused, match="every host has already"):
        desk.plan("deploy_code", revision="v1.2.0")
    with pytest.raises(Failed, match="no tag, branch or commit"):
        desk.plan("deploy_code", revision="v9")
    desk.change(lambda text: text["hosts"]["app_1"]["commands"].update(python=["/nowhere/python"]))
    with pytest.raises(Failed, match=r"No host answers\. This machine: .*/nowhere/python"):
        desk.plan("roll_back_code")


def test_what_people_wrote_into_commits_stays_one_line(desk: Desk) -> None:
    nasty = Commit("Fix\u202e <!channel> *all* `x`", "\x1b[31m *Eve* <a@example.com>", {"x": "y"}, "v1.5.0")
    for name in ("github.git", "gitlab.git"):
        path = desk.stage.disk.git_folder / name
        run_git(path, "fast-import", "--quiet", "--force", stdin=write_stream((*HISTORY, nasty)))
    lay_releases(desk.stage, "v1.2.0")
    notes = desk.plan("deploy_code", revision="v1.5.0").plan.notes
    assert all(note.isprintable() for note in notes)
    assert max(map(len, notes)) <= 300
