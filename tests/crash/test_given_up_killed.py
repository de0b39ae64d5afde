"""kill -9 while a run is being given up: it ends as such all the same, and nothing is left of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.sandbox.stage import DATABASE
from tests.archiving_stage import ArchivingStage
from tests.crash.rig import Rig, look_closely, open_rig
from tests.integration.recovery.forgery import flip_a_bit, forge
from tests.stage_fixtures import SharedStage

pytestmark = pytest.mark.crash


def wait_for_step(rig: Rig, run_id: int, step: str, *states: str) -> None:
    look_closely(lambda: (found := rig.steps(run_id).get(step)) is not None and found.state in states, step)


def assert_dead(stage: ArchivingStage) -> None:
    """The restored server has gone with the bot that ran it; its files may be there."""
    look_closely(lambda: not [one for one in stage.left_over() if not Path(one).is_dir()], "the end of the server")


def test_restore(fresh_stage: SharedStage, tmp_path: Path) -> None:
    """Cancelled, or because its backup is damaged."""
    with open_rig(fresh_stage, tmp_path, dies_often=True) as rig:
        rig.start_and_wait()
        oid = fresh_stage.oid()
        run = rig.start_restore()
        wait_for_step(rig, run.id, "restore", "running", "done")
        rig.services.runs.cancel(run.id, rig.person("mei"))
        rig.kill()
        rig.start()
        ended = rig.finished(run.id)
        assert ended.state == "cancelled"
        rig.assert_untouched(oid, ended)
        damaged = forge(fresh_stage.bucket, fresh_stage.baseline, "damaged", spoil=flip_a_bit)
        run = rig.start_restore(damaged.key)
        wait_for_step(rig, run.id, "restore", "failed")
        rig.kill()
        rig.start()
        ended = rig.finished(run.id)
        assert ended.state in ("failed", "refused")
        rig.assert_untouched(oid, ended)


def test_restore_to_time(fresh_archiving_stage: ArchivingStage, tmp_path: Path) -> None:
    """Cancelled while a server of its own is recovering."""
    stage = fresh_archiving_stage
    with open_rig(stage, tmp_path) as rig:
        rig.start_and_wait()
        at = stage.now()
        stage.lose_bags(300)
        oid = stage.oid()
        run = rig.approve(rig.plan("restore_to_time", rig.declare(), at=at.isoformat()))
        assert run is not None
        wait_for_step(rig, run.id, "recover", "running", "done")
        rig.services.runs.cancel(run.id, rig.person("mei"))
        rig.kill()
        assert_dead(stage)
        rig.start()
        ended = rig.finished(run.id)
        assert ended.state == "cancelled"
        assert "never touched" in ended.words
        rig.assert_sound()
        assert (stage.oid(), stage.databases(), stage.left_over()) == (oid, {DATABASE}, [])
