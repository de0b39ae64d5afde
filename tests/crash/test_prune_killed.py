"""kill -9 of the bot while it deletes old backups: what stays is whole, what goes is gone, and S3 is asked once."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.store.tables import Run
from bot.systems.dumps.listing import confirm_backup, list_backups
from tests.crash.moments import Moment, when_begun, when_ended, when_happened, when_queued
from tests.crash.rig import Rig, open_rig
from tests.integration.recovery.old_backups import keys_of, list_keys, store_old
from tests.stage_fixtures import PREFIX, SharedStage

pytestmark = pytest.mark.crash

STEPS = ("confirm", "delete", "abort", "local")


def start_pruning(rig: Rig) -> Run:
    plan = rig.plan("prune_backups", rig.declare())
    run = rig.services.approvals.decide(plan.id, plan.hash, rig.person("amara"), "approve")
    assert run is not None
    return run


def is_deleted(rig: Rig, run_id: int) -> bool:
    return len(list_backups(rig.shared.bucket, PREFIX).backups) == 2


def count_deletions(shared: SharedStage) -> int:
    """Requests to delete that the S3 has been sent."""
    log = shared.stage.directory / "cloud.log"
    return log.read_text(encoding="utf-8").count("?delete HTTP")


@pytest.mark.timeout(200)
@pytest.mark.parametrize(
    "moments",
    [
        pytest.param([when_queued, *(when_begun(step) for step in STEPS)], id="before-each-step"),
        pytest.param([when_ended(step) for step in ("delete", "local")], id="after-steps"),
        pytest.param([when_begun("delete", 0.01), when_begun("delete", 0.03, attempt=2)], id="inside"),
        pytest.param([when_happened("delete", is_deleted)], id="happened-yet-not-recorded"),
    ],
)
def test_killed(fresh_stage: SharedStage, tmp_path: Path, moments: list[Moment]) -> None:
    for days in (100, 150, 200):
        store_old(fresh_stage, days)
    young = store_old(fresh_stage, 10)
    asked = count_deletions(fresh_stage)
    with open_rig(fresh_stage, tmp_path) as rig:
        rig.start_and_wait()
        run = start_pruning(rig)
        for kill in moments:
            kill(rig, run.id)
            rig.start()
        ended = rig.finished(run.id)
        assert ended.state == "done", f"{ended.words}\n{rig.bot.log_tail()}"
        assert ended.proof is not None
        assert ended.proof.good, ended.proof
        assert list_keys(fresh_stage) == keys_of(fresh_stage.baseline) | keys_of(young)
        for manifest in (fresh_stage.baseline, young):
            confirm_backup(fresh_stage.bucket, manifest)
        assert count_deletions(fresh_stage) - asked == 1
        rig.assert_sound()
