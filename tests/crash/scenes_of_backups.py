"""Scenes of the actions that take backups and delete them."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import ExitStack
from pathlib import Path

from bot.sandbox.stage import DATABASE
from bot.store.tables import Run
from bot.systems.dumps.listing import confirm_backup, list_backups
from tests.archiving_stage import ArchivingStage
from tests.crash.rig import Rig
from tests.crash.scenes import Scene
from tests.integration.recovery.old_backups import keys_of, list_keys, store_old
from tests.stage_fixtures import PREFIX, SharedStage


def back_up_database(_stack: ExitStack, shared: SharedStage) -> Scene:
    """Half a backup is none."""

    def done(rig: Rig, run: Run) -> None:
        taken = [one for one in list_backups(shared.bucket, PREFIX).backups if one.key != shared.baseline.key]
        assert [one.key for one in taken] == [rig.steps(run.id)["dump"].output["key"]]
        confirm_backup(shared.bucket, taken[0])

    def untouched(rig: Rig, run: Run) -> None:
        assert [one.key for one in list_backups(shared.bucket, PREFIX).backups] == [shared.baseline.key]

    return Scene({"database": DATABASE}, done, untouched)


def base_backup(_stack: ExitStack, shared: ArchivingStage) -> Scene:
    before = {one.key for one in shared.backups().bases}

    def done(rig: Rig, run: Run) -> None:
        made = {one.key for one in shared.backups().bases} - before
        assert made == {rig.steps(run.id)["copy"].output["key"]}

    def untouched(rig: Rig, run: Run) -> None:
        assert {one.key for one in shared.backups().bases} == before

    return Scene({"database": DATABASE}, done, untouched)


def prune_backups(_stack: ExitStack, shared: SharedStage) -> Scene:
    """What stays is whole, what goes is gone, and S3 is asked once."""
    for days in (100, 150, 200):
        store_old(shared, days)
    young = store_old(shared, 10)
    folder = local_folder(shared)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, days in (("traitortrack_20250101_030000.sql.gz", 60), ("traitortrack_20250301_030000.sql.gz", 3)):
        (folder / name).write_bytes(b"x" * 10)
        os.utime(folder / name, (time.time() - days * 86400,) * 2)
    asked = _count_deletions(shared)

    def done(rig: Rig, run: Run) -> None:
        assert list_keys(shared) == keys_of(shared.baseline) | keys_of(young)
        assert _count_deletions(shared) - asked == 1
        assert [one.name for one in folder.iterdir()] == ["traitortrack_20250301_030000.sql.gz"]
        untouched(rig, run)

    def untouched(rig: Rig, run: Run) -> None:
        """As far as it is not to be deleted."""
        for manifest in (shared.baseline, young):
            confirm_backup(shared.bucket, manifest)

    return Scene({"database": DATABASE}, done, untouched)


def local_folder(shared: SharedStage) -> Path:
    """Where the policy's weekly script is said to put its dumps."""
    return shared.stage.directory / "dumps"


def _count_deletions(shared: SharedStage) -> int:
    """Requests to delete that the S3 has been sent."""
    log = shared.stage.directory / "cloud.log"
    return log.read_text(encoding="utf-8").count("?delete HTTP")
