"""kill -9 while a run that had stopped goes on: the second attempt is as safe as the first."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from bot.sandbox.stage import DATABASE
from tests.crash.moments import when_begun
from tests.crash.rig import Rig, open_rig
from tests.stage_fixtures import SharedStage

pytestmark = pytest.mark.crash


def stop_at_the_swap(rig: Rig, stage: SharedStage) -> int:
    """A run that was refused because a session could not be ended; that session is gone afterwards."""
    with psycopg.connect(stage.stage.cluster.url(DATABASE, role="postgres")):
        run = rig.start_restore()
        assert rig.finished(run.id).state == "refused"
    return run.id


@pytest.mark.timeout(300)
def test_killed_during_a_retry(fresh_stage: SharedStage, tmp_path: Path) -> None:
    with open_rig(fresh_stage, tmp_path, dies_often=True) as rig:
        rig.start_and_wait()
        run_id = stop_at_the_swap(rig, fresh_stage)
        rig.kill()
        rig.services.runs.retry(run_id, rig.person("diego"))
        rig.start()
        for kill in (when_begun("preflight", attempt=2), when_begun("restore", attempt=2), when_begun("swap", 0.01)):
            kill(rig, run_id)
            rig.start()
        rig.wait("the second end", lambda: rig.services.runs.find(run_id).proof)
        run = rig.finished(run_id)
        assert (run.state, run.attempt) == ("done", 2)
        rig.assert_sound()
        assert fresh_stage.databases() == {DATABASE, f"{DATABASE}_before_run{run_id}"}
        kinds = [entry.kind for entry in rig.entries(run.incident_id)]
        assert [kind for kind in kinds if kind in ("run.refused", "run.retried", "run.done")] == [
            "run.refused", "run.retried", "run.done",
        ]  # fmt: skip
        assert kinds.count("run.step.swap") == 1
