"""kill -9 of the bot before, inside and after each step of a restore from a plain dump: the same end, once."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from bot.sandbox.postgres_cluster import RECOVERY_ROLE
from bot.sandbox.stage import DATABASE
from bot.systems.probe import probe_database
from tests.crash.moments import Moment, when_begun, when_ended, when_happened, when_queued
from tests.crash.rig import STEPS, Rig, open_rig
from tests.integration.systems.plain_dumps import store_dump, write_script
from tests.stage_fixtures import SharedStage

pytestmark = pytest.mark.crash


def is_loaded_beside(rig: Rig, run_id: int) -> bool:
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
            [
                when_begun("preflight", 0.1),
                when_happened("restore", is_loaded_beside),
                when_begun("restore", 0.3, attempt=2),
                when_begun("compare", 0.02),
                when_happened("swap", is_exchanged),
                when_begun("application", 0.05),
            ],
            id="inside-steps",
        ),
    ],
)
def test_killed(fresh_stage: SharedStage, tmp_path: Path, moments: list[Moment]) -> None:
    """One run, killed at one moment after the other."""
    script = write_script(fresh_stage.stage.cluster.url(DATABASE, role=RECOVERY_ROLE))
    place = store_dump(fresh_stage, gzip.compress(script))
    with open_rig(fresh_stage, tmp_path) as rig:
        rig.start_and_wait()
        run = rig.approve(rig.plan("restore_plain_dump", rig.declare(), dump=place))
        assert run is not None
        with probe_database(fresh_stage.stage.application_url, every_s=0.05) as client:
            for kill in moments:
                kill(rig, run.id)
                assert client.wait_until_good(5), "the live database is gone while the bot is dead"
                rig.start()
            rig.assert_restored(run.id)
        assert rig.bot.starts == 1 + len(moments)
