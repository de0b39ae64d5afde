"""What can be done about a run that stopped, and about one that is done."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.outcome import Refused
from bot.recovery import registry
from bot.recovery.action import Context, Facts, Step
from bot.recovery.runs import list_under_way
from bot.store.database import STORE_TROUBLE
from bot.store.tables import LedgerEntry, Lock, Notice, Run
from tests.integration.store.stores import open_store
from tests.unit.recovery.folder_action import SECRET, ChangeFolder, Desk, Folder


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    action = ChangeFolder()
    monkeypatch.setattr(registry, "all_actions", lambda: {action.name: action})
    folder = tmp_path / "folder"
    folder.mkdir()
    with open_store(f"sqlite:///{tmp_path / 'holdfast.db'}") as database:
        yield Desk(database, folder)


def states(desk: Desk, run: Run) -> dict[str, str]:
    return {step.name: step.state for step in desk.runs.list_steps(run.id)}


def broken(desk: Desk, *steps: str) -> Run:
    """A run that failed at the first of these."""
    for step in steps:
        (desk.folder / f"breaks-{step}").touch()
    run = desk.run()
    assert (run.state, steps[0] in run.words) == ("failed", True)
    return run


def mend(desk: Desk) -> None:
    for sign in desk.folder.glob("breaks-*"):
        sign.unlink()


def retry(desk: Desk, run: Run, person: str = "diego") -> Run:
    desk.runs.retry(run.id, desk.person(person))
    desk.work()
    return desk.runs.find(run.id)


def test_a_retry_keeps_what_the_world_shows_and_does_the_rest(desk: Desk) -> None:
    run = broken(desk, "polish")
    mend(desk)
    ended = retry(desk, run)
    assert (ended.state, ended.proof is not None and ended.proof.good) == ("done", True)
    assert desk.log() == ["gather", "change", "polish", "polish", "check"]


def test_runs_that_are_not_over_are_known(desk: Desk) -> None:
    run = desk.start(desk.plan())
    assert list_under_way(desk.database) == [run.id]
    desk.work()
    assert list_under_way(desk.database) == []


class LocksOnce(ChangeFolder):
    """Somebody else writes into the store for too long while it is checked the first time."""

    def __init__(self, store: Path) -> None:
        self.store, self.checks = store, 0

    def steps(self) -> list[Step[Folder]]:
        return [*super().steps()[:-1], Step("check", "Check", self.check)]

    def check(self, context: Context[Folder]) -> Facts:
        self.checks += 1
        with closing(sqlite3.connect(self.store)) as other:
            if self.checks == 1:
                other.execute("BEGIN IMMEDIATE")
            context.write("checked")
        return {}


def test_trouble_with_the_store_ends_no_run(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes on once the store is well, and nothing of what it did was cleaned away."""
    assert desk.database.file
    action = LocksOnce(desk.database.file)
    monkeypatch.setattr(registry, "all_actions", lambda: {action.name: action})
    sa.event.listen(desk.database.engine, "checkout", lambda raw, *_: raw.execute("PRAGMA busy_timeout=1"))
    (desk.folder / "cleans").touch()
    run = desk.start(desk.plan())
    with pytest.raises(STORE_TROUBLE, match="locked"):
        desk.work()
    assert (desk.runs.find(run.id).state, (desk.folder / "done").exists()) == ("running", True)
    desk.execution.execute(run.id)
    assert (desk.runs.find(run.id).state, action.checks) == ("done", 2)
    assert desk.log() == ["gather", "change", "polish"]


def test_a_run_that_never_began_cleans_nothing_up(desk: Desk) -> None:
    """What is there then is of others, such as of a run that went before it."""
    for name in ("cleans", "done"):
        (desk.folder / name).touch()
    started = desk.start(desk.plan())
    (desk.folder / "owner").write_text("somebody else")
    desk.work()
    run = desk.runs.find(started.id)
    assert (run.state, "Nothing was done" in run.words) == ("refused", True)
    assert (desk.folder / "done").exists()


def test_a_retry_does_again_what_cleaning_up_has_removed(desk: Desk) -> None:
    (desk.folder / "cleans").touch()
    run = broken(desk, "polish")
    mend(desk)
    assert retry(desk, run).state == "done"
    assert desk.log() == ["gather", "change", "polish", "gather", "change", "polish", "check"]


def test_a_step_that_failed_after_it_had_worked_is_not_done_again(desk: Desk) -> None:
    run = broken(desk, "change")
    mend(desk)
    assert retry(desk, run).state == "done"
    assert desk.log() == ["gather", "change", "polish", "check"]
    assert set(states(desk, run).values()) == {"done"}


@pytest.mark.parametrize("piecemeal", [True, False])
def test_what_was_half_done_may_be_finished_after_the_approval_has_lapsed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, piecemeal: bool
) -> None:
    _, _, polish, _ = ChangeFolder().steps()
    monkeypatch.setattr(ChangeFolder, "steps", lambda self: [replace(polish, piecemeal=piecemeal)])
    seen = list[bool]()

    def look_again(*_: object, tried: bool) -> list[str]:
        seen.append(tried)
        return []

    monkeypatch.setattr(ChangeFolder, "look_again", look_again)
    run = broken(desk, "polish")
    mend(desk)
    desk.clock.turn(days=1)
    if not piecemeal:
        with pytest.raises(Refused, match="has lapsed"):
            desk.runs.retry(run.id, desk.person("diego"))
        return
    assert retry(desk, run).state == "done"
    assert seen == [False, True], "the world is looked at before each attempt, and what was tried is known"


def test_a_retry_that_fails_can_be_tried_again(desk: Desk) -> None:
    run = broken(desk, "polish")
    assert retry(desk, run).state == "failed"
    mend(desk)
    assert retry(desk, run, "amara").state == "done"
    with desk.database.read() as session:
        kinds = list(session.scalars(sa.select(LedgerEntry.kind).order_by(LedgerEntry.seq)))
        assert session.scalars(sa.select(Lock)).all() == []
    assert [kind for kind in kinds if kind in ("run.failed", "run.retried", "run.done")] == [
        "run.failed", "run.retried", "run.failed", "run.retried", "run.done",
    ]  # fmt: skip


def test_a_run_that_would_meet_another_on_the_same_thing_is_refused_with_its_holder(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of other targets, so neither waits for the other in the queue."""
    monkeypatch.setattr(ChangeFolder, "touches", lambda self, policy, given: frozenset({given.path, "the shelf"}))
    plan = desk.plan()
    with desk.database.write() as session:
        session.add(Lock(target="the shelf", run_id=99, holder="mei", since=desk.clock(), reason="Dust it"))
    with pytest.raises(Refused, match=r"the shelf is held by run 99 \(Dust it\), started by mei"):
        desk.plan()
    started = desk.start(plan)
    desk.work()
    run = desk.runs.find(started.id)
    assert (run.state, "the shelf is held by run 99" in run.words) == ("refused", True)
    assert not (desk.folder / "log").exists()
    with desk.database.write() as session:
        assert [lock.run_id for lock in session.scalars(sa.select(Lock))] == [99], "all or none"
        session.delete(session.get_one(Lock, "the shelf"))
    assert retry(desk, run).state == "done"


def test_a_retry_looks_at_the_world_first(desk: Desk) -> None:
    """Nothing had been changed, so the plan must still fit."""
    run = broken(desk, "gather")
    mend(desk)
    (desk.folder / "owner").write_text("somebody else")
    ended = retry(desk, run)
    assert (ended.state, "amara, is somebody else" in ended.words) == ("refused", True)
    assert desk.log() == ["gather"]
    with pytest.raises(Refused, match="void"):
        desk.runs.retry(run.id, desk.person("diego"))


def test_a_retry_after_a_change_finishes_what_was_begun(desk: Desk) -> None:
    """The world is not what it was, because the run itself has changed it; the lapse of the approval is no reason."""
    run = broken(desk, "polish")
    mend(desk)
    (desk.folder / "owner").write_text("the run")
    desk.clock.turn(days=1)
    assert retry(desk, run).state == "done"


def test_who_and_when_a_retry_is_refused(desk: Desk) -> None:
    run = broken(desk, "gather")
    with pytest.raises(Refused, match="may not retry"):
        desk.runs.retry(run.id, desk.person("priya"))
    desk.clock.turn(days=1)
    with pytest.raises(Refused, match="lapsed"):
        desk.runs.retry(run.id, desk.person("diego"))
    with pytest.raises(Refused, match="no run 99"):
        desk.runs.retry(99, desk.person("diego"))


def test_a_retry_is_refused_while_it_goes_on_and_once_it_is_done(desk: Desk) -> None:
    run = broken(desk, "polish")
    mend(desk)
    desk.runs.retry(run.id, desk.person("diego"))
    with pytest.raises(Refused, match="queued"):
        desk.runs.retry(run.id, desk.person("diego"))
    desk.work()
    with pytest.raises(Refused, match="done"):
        desk.runs.retry(run.id, desk.person("diego"))


def test_going_on_without_a_step_is_a_plan_of_its_own(desk: Desk) -> None:
    run = broken(desk, "polish")
    plan = desk.runs.skip(run.id, "polish", desk.person("diego"), "channel:here")
    assert plan.document is not None
    assert plan.state == "pending"
    assert plan.document.risk == "high"
    assert [step.name for step in plan.document.steps] == ["check"]
    assert any("the shine" in note for note in plan.document.notes)
    assert desk.runs.find(run.id).state == "failed"
    assert desk.start(plan).id == run.id
    desk.work()
    ended = desk.runs.find(run.id)
    assert (ended.state, states(desk, run)["polish"]) == ("done", "skipped")
    assert ended.proof is not None
    assert [(verdict.name, verdict.good) for verdict in ended.proof.verdicts] == [("File", True), ("Polish", False)]
    assert desk.log() == ["gather", "change", "polish", "check"]


@pytest.mark.parametrize(
    ("fails", "skips", "reason"),
    [("gather", "gather", "cannot be skipped"), ("polish", "check", "stopped at the step polish")],
)
def test_what_cannot_be_skipped(desk: Desk, fails: str, skips: str, reason: str) -> None:
    run = broken(desk, fails)
    with pytest.raises(Refused, match=reason):
        desk.runs.skip(run.id, skips, desk.person("diego"), "channel:here")


def test_a_skip_that_comes_too_late_changes_nothing(desk: Desk) -> None:
    run = broken(desk, "polish")
    plan = desk.runs.skip(run.id, "polish", desk.person("diego"), "channel:here")
    mend(desk)
    assert retry(desk, run).state == "done"
    with pytest.raises(Refused, match="does not stand at that step"):
        desk.start(plan)
    assert desk.runs.find(run.id).state == "done"


def test_undo_asks_for_the_plan_of_the_way_back(desk: Desk) -> None:
    run = desk.run()
    plan = desk.runs.undo(run.id, desk.person("mei"), "channel:here")
    assert (plan.action, plan.requested_by, plan.state) == ("change_folder", "mei", "making")
    failed = broken(desk, "gather")
    with pytest.raises(Refused, match="only a run that is done"):
        desk.runs.undo(failed.id, desk.person("mei"), "channel:here")


def test_a_preview_can_only_be_read(desk: Desk) -> None:
    plan = desk.plan(preview=True)
    assert (plan.state, plan.expires_at, plan.document is not None) == ("preview", None, True)
    desk.clock.turn(days=2)
    desk.plans.expire(plan.id)
    assert desk.plans.find(plan.id).state == "preview"


def test_predictions_come_from_what_was_measured_here(desk: Desk) -> None:
    first = desk.plan()
    assert first.document is not None
    assert first.document.duration.source == "never done"
    desk.run()
    broken(desk, "polish")
    mend(desk)
    desk.run()
    plan = desk.plan()
    assert plan.document is not None
    duration = plan.document.duration
    assert (duration.runs, duration.worst_s, "median of 2 runs here, the worst" in duration.source) == (2, 0.0, True)


def test_secrets_are_taken_out_of_what_is_kept(desk: Desk) -> None:
    run = broken(desk, "polish")
    output = desk.runs.read_output(run.id)
    assert output.count("password=[hidden]") == 3
    kept = [run.words, output, *(step.words for step in desk.runs.list_steps(run.id))]
    with desk.database.read() as session:
        kept += [f"{entry.text} {entry.data}" for entry in session.scalars(sa.select(LedgerEntry))]
    assert not [text for text in kept if SECRET in text]
    assert "postgresql://me:[hidden]@host/db" in run.words


def test_output_is_posted_once_for_each_state(desk: Desk) -> None:
    run = broken(desk, "polish")
    desk.runs.post_output(run.id, "channel:here")
    desk.runs.post_output(run.id, "channel:here")
    mend(desk)
    retry(desk, run)
    desk.runs.post_output(run.id, "channel:here")
    with desk.database.read() as session:
        kinds = list(session.scalars(sa.select(Notice.kind).where(Notice.kind == "run_output")))
    assert len(kinds) == 2


def test_whoever_listens_hears_of_each_end(desk: Desk) -> None:
    heard: list[tuple[int, str]] = []
    desk.runs.ended.append(lambda _session, run: heard.append((run.id, run.state)))
    run = broken(desk, "polish")
    mend(desk)
    retry(desk, run)
    assert heard == [(run.id, "failed"), (run.id, "done")]
