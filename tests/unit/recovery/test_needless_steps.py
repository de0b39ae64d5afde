"""What finds nothing to do any more: a run ends without a failure, a playbook's step is behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.outcome import Refused
from bot.policy import Playbook
from bot.recovery import registry
from bot.recovery.action import Facts, Needless, World
from bot.recovery.plans import start_run
from bot.recovery.playbooks.desk import Playbooks
from bot.recovery.runs import list_under_way
from bot.store.tables import Plan, PlaybookTask
from tests.integration.store.stores import open_store
from tests.unit.recovery.folder_action import ChangeFolder, Desk, Folder

DATABASE = "traitortrack"
WHY = "The folder is as it should be"
WORDS = f"Nothing was left to do: {WHY}. It has come about since; this run did nothing."


class MindfulFolder(ChangeFolder):
    """Does nothing to a folder with a file `right`."""

    def observe(self, world: World, parameters: Folder) -> Facts:
        if (Path(parameters.path) / "right").exists():
            raise Needless(f"{WHY}.")
        return super().observe(world, parameters)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    action = MindfulFolder()
    monkeypatch.setattr(registry, "all_actions", lambda: {action.name: action})
    folder = tmp_path / "folder"
    folder.mkdir()
    with open_store(f"sqlite:///{tmp_path / 'holdfast.db'}") as database:
        yield Desk(database, folder)


def open_playbook(desk: Desk, approval: str) -> Playbooks:
    step: dict[str, Any] = {"action": "change_folder", "parameters": {"path": str(desk.folder)}}
    steps = [{"title": "Change", **step}, {"title": "Look", "manual": "Look at it"}]
    facts = {"title": "Folder", "disaster": "application_crash", "approval": approval, "steps": steps}
    desk.runs.policy = desk.policy.model_copy(update={"playbooks": {"folder": Playbook.model_validate(facts)}})
    return Playbooks(desk.runs)


def begin(desk: Desk, playbooks: Playbooks) -> int:
    return playbooks.start(person=desk.person("diego"), key="folder", database=DATABASE, place="channel:here").id


def first_of(playbooks: Playbooks, number: int) -> PlaybookTask:
    return playbooks.list_tasks(number)[0]


def test_a_step_whose_plan_is_needless_is_behind_and_the_next_has_its_turn(desk: Desk) -> None:
    (desk.folder / "right").touch()
    playbooks = open_playbook(desk, "each")
    number = begin(desk, playbooks)
    playbooks.turns.advance(number)
    plan_id = first_of(playbooks, number).plan_id
    assert plan_id is not None
    desk.plans.make(plan_id)
    assert desk.plans.find(plan_id).state == "needless"
    playbooks.turns.advance(number)
    playbooks.turns.advance(number)
    assert [task.state for task in playbooks.list_tasks(number)] == ["needless", "asked"]
    assert (playbooks.find(number).state, first_of(playbooks, number).words) == ("running", f"not needed: {WHY}.")


@pytest.mark.parametrize("right", [True, False])
def test_one_that_has_become_needless_since_the_whole_was_approved(desk: Desk, right: bool) -> None:
    playbooks = open_playbook(desk, "whole")
    number = begin(desk, playbooks)
    playbooks.plan(number)
    whole = desk.plans.find(playbooks.find(number).plan_id or 0)
    if right:
        (desk.folder / "right").touch()
    with desk.database.write() as session:
        start_run(session, session.get_one(Plan, whole.id), desk.plans.engine, desk.plans.notices)
    playbooks.turns.advance(number)
    first = first_of(playbooks, number)
    assert (first.state, first.words) == (("needless", f"not needed: {WHY}.") if right else ("asked", ""))


def test_one_that_becomes_needless_while_its_run_waits_to_begin(desk: Desk) -> None:
    playbooks = open_playbook(desk, "each")
    number = begin(desk, playbooks)
    playbooks.turns.advance(number)
    plan_id = first_of(playbooks, number).plan_id
    assert plan_id is not None
    desk.plans.make(plan_id)
    desk.start(desk.plans.find(plan_id))
    (desk.folder / "right").touch()
    desk.work()
    playbooks.turns.advance(number)
    playbooks.turns.advance(number)
    assert [task.state for task in playbooks.list_tasks(number)] == ["needless", "asked"]
    assert (playbooks.find(number).state, first_of(playbooks, number).words) == ("running", WORDS)


def test_a_run_that_has_become_needless_since_its_approval_says_so_with_proof(desk: Desk) -> None:
    run = desk.start(desk.plan())
    (desk.folder / "right").touch()
    desk.work()
    ended = desk.runs.find(run.id)
    assert (ended.state, ended.words) == ("needless", WORDS)
    assert ended.proof is not None
    assert ended.proof.good
    assert [(one.name, one.found) for one in ended.proof.verdicts] == [("What was to be done", f"{WHY}.")]
    assert (ended.way_back, desk.runs.list_steps(run.id), ended.finished_at is None) == (None, [], False)
    assert list_under_way(desk.database) == []
    (desk.folder / "right").unlink()
    document = desk.plan().document
    assert document is not None
    assert document.duration.source == "never done", "what did nothing predicts nothing"
    desk.run()


def test_a_run_that_is_tried_again_and_has_become_needless_tells_what_it_did_before(desk: Desk) -> None:
    (desk.folder / "breaks-gather").touch()
    run = desk.run()
    assert run.state == "failed"
    (desk.folder / "right").touch()
    desk.runs.retry(run.id, desk.person("diego"))
    desk.work()
    ended = desk.runs.find(run.id)
    assert (ended.state, ended.words) == ("needless", f"Nothing was left to do: {WHY}. The folder is as it is.")
    with pytest.raises(Refused, match="is needless"):
        desk.runs.retry(run.id, desk.person("diego"))


def test_in_the_plan_of_the_whole_it_is_told(desk: Desk) -> None:
    (desk.folder / "right").touch()
    playbooks = open_playbook(desk, "whole")
    number = begin(desk, playbooks)
    playbooks.plan(number)
    run = playbooks.find(number)
    assert (run.state, f"not needed as things are ({WHY})" in run.words) == ("refused", True), "there is nothing else"
