"""A bot whose store was lost beside a bucket that was not."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.store.tables import Run
from tests.crash.rig import Rig, open_rig
from tests.stage_fixtures import SharedStage

pytestmark = pytest.mark.crash


def start_backup(rig: Rig) -> Run:
    plan = rig.plan("back_up_database", rig.declare())
    runs = rig.services.runs
    return rig.wait("the run", lambda: next((one for one in runs.list_recent() if one.plan_id == plan.id), None))


def test_new_store_beside_an_old_bucket(fresh_stage: SharedStage, tmp_path: Path) -> None:
    """It counts its runs from 1 again; their backups are new ones all the same."""
    keys = []
    for name in ("first", "second"):
        folder = tmp_path / name
        folder.mkdir()
        with open_rig(fresh_stage, folder) as rig:
            rig.start_and_wait()
            run = start_backup(rig)
            assert rig.finished(run.id).state == "done"
            keys.append(str(rig.steps(run.id)["dump"].output["key"]))
    assert len(set(keys)) == 2
