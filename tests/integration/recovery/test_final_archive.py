"""The way back from dropping what a restore kept: its final archive can be restored by its key."""

from __future__ import annotations

from bot.sandbox.stage import DATABASE
from bot.store.tables import Incident
from tests.crash.rig import Rig
from tests.integration.recovery.keeping import keep
from tests.integration.recovery.test_drop_kept_database import approve


def test_final_archive_can_be_restored(rig: Rig, incident: Incident) -> None:
    kept = keep(rig.shared)
    with rig.shared.admin() as connection:
        connection.execute(f"COMMENT ON DATABASE {DATABASE} IS NULL")
    dropped = rig.finished(approve(rig, rig.plan("drop_kept_database", incident, kept=kept)).id)
    key = str(rig.steps(dropped.id)["archive"].output["key"])
    run = rig.approve(rig.plan_restore(incident, key))
    assert run is not None
    ended = rig.finished(run.id)
    assert ended.state == "done", ended.words
    assert rig.shared.databases() == {DATABASE, f"{DATABASE}_before_run{run.id}"}
