"""kill -9 of the bot before, inside and after each step of a restore to a moment: it ends as an undisturbed one does.

No restored server outlives the bot for longer than it takes to die, and nothing happens twice.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from bot.recovery.registry import find_action
from bot.sandbox.stage import DATABASE
from bot.store.tables import Run
from bot.systems.probe import probe_database
from tests.archiving_stage import ArchivingStage
from tests.crash.moments import Moment, when_begun, when_ended, when_happened, when_queued
from tests.crash.rig import Rig, look_closely, open_rig
from tests.stage_fixtures import BAGS

pytestmark = pytest.mark.crash

STEPS = tuple(step.name for step in find_action("restore_to_time").steps())
STORY = Counter(
    [
        "incident.declared", "incident.room", "plan.made", "approval.approved", "approval.approved", "run.queued",
        "run.started", *(f"run.step.{step}" for step in STEPS), "run.done",
    ]
)  # fmt: skip
LOST = 300


def start(rig: Rig, stage: ArchivingStage) -> Run:
    """Bags are lost, and the run that brings them back is approved."""
    at = stage.now()
    stage.lose_bags(LOST)
    run = rig.approve(rig.plan("restore_to_time", rig.declare(), at=at.isoformat()))
    assert run is not None
    return run


def is_beside(rig: Rig, run_id: int) -> bool:
    return f"{DATABASE}_restore_run{run_id}" in rig.shared.databases()


def is_exchanged(rig: Rig, run_id: int) -> bool:
    return f"{DATABASE}_before_run{run_id}" in rig.shared.databases()


def is_removed(rig: Rig, _run_id: int) -> bool:
    return not any(rig_stage(rig).restore_folder.glob("*"))


def rig_stage(rig: Rig) -> ArchivingStage:
    assert isinstance(rig.shared, ArchivingStage)
    return rig.shared


def kill_in_time(rig: Rig, run: Run, kill: Moment) -> None:
    """Says how the run stands when the moment never comes."""
    try:
        kill(rig, run.id)
    except AssertionError as late:
        words = rig.services.runs.find(run.id).words
        raise AssertionError(f"{late}: {words}\n{rig.bot.log_tail()}") from late


def assert_dead(stage: ArchivingStage) -> None:
    """The restored server has gone with the bot that ran it; its files may be there."""
    running = [one for one in stage.left_over() if not Path(one).is_dir()]
    look_closely(lambda: not [one for one in stage.left_over() if not Path(one).is_dir()], f"the end of {running}")


def assert_restored(rig: Rig, run: Run) -> None:
    stage, ended = rig_stage(rig), rig.finished(run.id)
    assert ended.state == "done", f"{ended.state}: {ended.words}\n{rig.bot.log_tail()}"
    assert ended.proof is not None
    assert ended.proof.good, ended.proof
    rig.assert_sound()
    assert stage.databases() == {DATABASE, f"{DATABASE}_before_run{run.id}"}
    assert (stage.count_bags(), stage.count_bags(f"{DATABASE}_before_run{run.id}")) == (BAGS, BAGS - LOST)
    assert Counter(entry.kind for entry in rig.entries(run.incident_id)) == STORY
    assert stage.left_over() == []


@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    "moments",
    [
        pytest.param([when_queued, *(when_begun(step) for step in STEPS)], id="before-each-step"),
        pytest.param([when_ended(step) for step in ("fetch", "recover", "restore", "swap")], id="after-steps"),
        pytest.param(
            [
                when_begun("fetch", 0.3),
                when_begun("recover", 0.4),
                when_begun("restore", 0.5),
                when_begun("compare", 0.3),
                when_begun("swap", 0.02),
                when_begun("remove", 0.01),
            ],
            id="inside-each-step",
        ),
        pytest.param(
            [
                when_happened("restore", is_beside),
                when_happened("swap", is_exchanged),
                when_happened("remove", is_removed),
            ],
            id="happened-yet-not-recorded",
        ),
    ],
)
def test_killed(fresh_archiving_stage: ArchivingStage, tmp_path: Path, moments: list[Moment]) -> None:
    """One run, killed at one moment after the other; the live database answers all the time."""
    stage = fresh_archiving_stage
    with open_rig(stage, tmp_path) as rig:
        rig.start_and_wait()
        run = start(rig, stage)
        with probe_database(stage.stage.application_url, every_s=0.05) as client:
            for kill in moments:
                kill_in_time(rig, run, kill)
                assert client.wait_until_good(5), "the live database is gone while the bot is dead"
                assert_dead(stage)
                rig.start()
            assert_restored(rig, run)
            assert client.observe().longest_gap_s < 5
        assert rig.bot.starts == 1 + len(moments)


def test_killed_while_it_is_being_given_up(fresh_archiving_stage: ArchivingStage, tmp_path: Path) -> None:
    """A run that is cancelled ends as such although the bot dies meanwhile, and leaves nothing."""
    stage = fresh_archiving_stage
    with open_rig(stage, tmp_path) as rig:
        rig.start_and_wait()
        oid = stage.oid()
        run = start(rig, stage)
        look_closely(lambda: "recover" in rig.steps(run.id) and rig.steps(run.id)["recover"].attempts > 0, "recovering")
        rig.services.runs.cancel(run.id, rig.person("mei"))
        rig.kill()
        rig.start()
        ended = rig.finished(run.id)
        assert ended.state == "cancelled"
        assert "never touched" in ended.words
        rig.assert_sound()
        assert (stage.oid(), stage.databases(), stage.left_over()) == (oid, {DATABASE}, [])
