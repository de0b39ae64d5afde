"""kill -9 of the bot before, inside and after each step of a restore: it goes on and ends with the same proof."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.sandbox.stage import DATABASE
from bot.systems.probe import probe_database
from tests.crash.moments import Moment, when_begun, when_ended, when_happened, when_queued
from tests.crash.rig import STEPS, Rig, open_rig
from tests.stage_fixtures import SharedStage

pytestmark = pytest.mark.crash


def test_undisturbed(fresh_stage: SharedStage, tmp_path: Path) -> None:
    """What all the others are compared with."""
    with open_rig(fresh_stage, tmp_path) as rig:
        rig.start_and_wait()
        run = rig.start_restore()
        rig.assert_restored(run.id)
        assert [step.attempts for step in rig.steps(run.id).values()] == [1] * len(STEPS)


def is_restored_beside(rig: Rig, run_id: int) -> bool:
    return f"{DATABASE}_restore_run{run_id}" in rig.shared.databases()


def is_exchanged(rig: Rig, run_id: int) -> bool:
    return f"{DATABASE}_before_run{run_id}" in rig.shared.databases()


@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    "moments",
    [
        pytest.param([when_queued, *(when_begun(step) for step in STEPS)], id="before-each-step"),
        pytest.param([when_ended(step) for step in STEPS], id="after-each-step"),
        pytest.param(
            [when_happened("restore", is_restored_beside), when_happened("swap", is_exchanged)],
            id="happened-yet-not-recorded",
        ),
    ],
)
def test_killed(fresh_stage: SharedStage, tmp_path: Path, moments: list[Moment]) -> None:
    """One run, killed at one moment after the other."""
    with open_rig(fresh_stage, tmp_path) as rig:
        rig.start_and_wait()
        run = rig.start_restore()
        with probe_database(fresh_stage.stage.application_url, every_s=0.05) as client:
            for kill in moments:
                kill(rig, run.id)
                assert client.wait_until_good(5), "the live database is gone while the bot is dead"
                rig.start()
            rig.assert_restored(run.id)
            assert client.observe().longest_gap_s < 5
        assert rig.bot.starts == 1 + len(moments)
