"""kill -9 of the bot before, inside and after each step of a restore: it goes on and ends with the same proof."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.sandbox.stage import DATABASE
from bot.systems.probe import probe_database
from tests.crash.moments import Moment, when_begun, when_ended, when_happened, when_queued
from tests.crash.rig import STEPS, Rig, look_closely, open_rig
from tests.integration.recovery.forgery import flip_a_bit, forge
from tests.stage_fixtures import SharedStage

pytestmark = pytest.mark.crash


def is_restored_beside(rig: Rig, run_id: int) -> bool:
    return f"{DATABASE}_restore_run{run_id}" in rig.shared.databases()


def is_exchanged(rig: Rig, run_id: int) -> bool:
    return f"{DATABASE}_before_run{run_id}" in rig.shared.databases()


@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    "moments",
    [
        pytest.param([when_queued, *(when_begun(step) for step in STEPS)], id="before-each-step"),
        pytest.param(
            [when_ended(step) for step in ("restore", "compare", "swap", "application", "keys")], id="after-steps"
        ),
        pytest.param(
            [
                when_begun("restore", 0.3),
                when_begun("restore", 0.6, attempt=2),
                when_begun("compare", 0.02),
                when_begun("prepare", 0.02),
                when_begun("swap", 0.01),
                when_begun("swap", 0.04, attempt=2),
                when_begun("application", 0.05),
                when_begun("keys", 0.01),
            ],
            id="inside-each-step",
        ),
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


def test_killed_while_it_is_being_given_up(fresh_stage: SharedStage, tmp_path: Path) -> None:
    """A run that is cancelled, or whose backup is damaged, ends as such although the bot dies meanwhile."""
    with open_rig(fresh_stage, tmp_path) as rig:
        rig.start_and_wait()
        oid = fresh_stage.oid()
        run = rig.start_restore()
        look_closely(lambda: "restore" in rig.steps(run.id) and rig.steps(run.id)["restore"].attempts > 0, "restoring")
        rig.services.runs.cancel(run.id, rig.person("mei"))
        rig.kill()
        rig.start()
        ended = rig.finished(run.id)
        assert ended.state == "cancelled"
        rig.assert_untouched(oid, ended)
        damaged = forge(fresh_stage.bucket, fresh_stage.baseline, "damaged", spoil=flip_a_bit)
        run = rig.start_restore(damaged.key)
        look_closely(
            lambda: "restore" in rig.steps(run.id) and rig.steps(run.id)["restore"].state == "failed", "damage"
        )
        rig.kill()
        rig.start()
        ended = rig.finished(run.id)
        assert ended.state in ("failed", "refused")
        rig.assert_untouched(oid, ended)
