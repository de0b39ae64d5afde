"""kill -9 of the bot while it takes a backup: half a backup is none, and the run ends with one that is whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.store.tables import Run
from bot.systems.dumps.listing import confirm_backup, list_backups
from tests.crash.moments import hold_store, when_begun
from tests.crash.rig import Rig, look_closely, open_rig
from tests.stage_fixtures import PREFIX, SharedStage

pytestmark = pytest.mark.crash


def start_backup(rig: Rig) -> Run:
    plan = rig.plan("back_up_database", rig.declare())
    runs = rig.services.runs
    return rig.wait("the run", lambda: next((one for one in runs.list_recent() if one.plan_id == plan.id), None))


def list_manifests(shared: SharedStage) -> list[str]:
    return [one.key for one in list_backups(shared.bucket, PREFIX).backups if one.key != shared.baseline.key]


def assert_one_good_backup(rig: Rig, run: Run) -> None:
    ended = rig.finished(run.id)
    assert ended.state == "done", ended.words
    assert ended.proof is not None
    assert ended.proof.good
    assert list_manifests(rig.shared) == [rig.steps(run.id)["dump"].output["key"]]
    confirm_backup(rig.shared.bucket, list_backups(rig.shared.bucket, PREFIX).backups[0])
    assert [entry.kind for entry in rig.entries(run.incident_id)][-2:] == ["run.step.dump", "run.done"]
    rig.assert_sound()


def test_killed(fresh_stage: SharedStage, tmp_path: Path) -> None:
    """At its beginning, in its middle, and after it was stored but not recorded."""
    with open_rig(fresh_stage, tmp_path) as rig:
        rig.start_and_wait()
        run = start_backup(rig)
        when_begun("dump")(rig, run.id)
        assert list_manifests(fresh_stage) == []
        rig.start()
        look_closely(lambda: rig.steps(run.id)["dump"].attempts == 2, "the second attempt")
        look_closely(
            lambda: len(list(fresh_stage.bucket.list_objects(PREFIX))) > len(fresh_stage.baseline.parts) + 1, "a part"
        )
        rig.kill()
        taken = list_manifests(fresh_stage)
        rig.start()
        if not taken:  # else the kill came too late for this part of the test
            look_closely(lambda: rig.steps(run.id)["dump"].attempts == 3, "the third attempt")
            with hold_store(rig):
                look_closely(lambda: len(list_manifests(fresh_stage)) == 1, "the manifest")
                rig.kill()
            rig.start()
        assert_one_good_backup(rig, run)


def test_new_store_beside_an_old_bucket(fresh_stage: SharedStage, tmp_path: Path) -> None:
    """A bot whose store was lost counts its runs from 1 again; their backups are new ones all the same."""
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
