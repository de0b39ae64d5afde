"""Cancelling: before the exchange nothing is left of the run; after it the run says that it was too late."""

from __future__ import annotations

import pytest
from psycopg import sql

from bot.outcome import Refused
from bot.sandbox.stage import DATABASE
from bot.store.tables import Incident, Run
from tests.crash.rig import Rig, look_closely


def begin(rig: Rig, incident: Incident, step: str) -> Run:
    """A restore that is in this step just now."""
    run = rig.approve(rig.plan_restore(incident))
    assert run is not None
    look_closely(lambda: step in rig.steps(run.id) and rig.steps(run.id)[step].state == "running", step)
    return run


def test_cancelled_in_time(rig: Rig, incident: Incident) -> None:
    oid = rig.shared.oid()
    run = begin(rig, incident, "restore")
    rig.services.runs.cancel(run.id, rig.person("mei"))
    ended = rig.finished(run.id)
    assert ended.state == "cancelled"
    assert "never touched" in ended.words
    rig.assert_untouched(oid, ended)
    with pytest.raises(Refused, match="is cancelled"):
        rig.services.runs.cancel(run.id, rig.person("mei"))
    rig.assert_restored(rig.start_restore().id)


def test_cancelled_by_the_button(rig: Rig, incident: Incident) -> None:
    """A press of somebody who may not is refused to their face."""
    run = begin(rig, incident, "preflight")
    room = rig.room(incident.id)
    with pytest.raises(Refused, match="may not cancel"):
        rig.services.runs.cancel(run.id, rig.person("priya"))
    rig.actor("diego").type_command(room.id, "/dr", f"cancel {run.id}")
    ended = rig.finished(run.id)
    # Whether it came in time depends on the machine; the run says which it was.
    assert ended.state == "cancelled" or "too late to cancel" in ended.words


def test_cancelled_too_late(rig: Rig, incident: Incident) -> None:
    run = begin(rig, incident, "swap")
    rig.services.runs.cancel(run.id, rig.person("mei"))
    ended = rig.finished(run.id)
    assert ended.state == "done"
    assert "too late to cancel it when Mei Tanaka asked" in ended.words
    assert any("too late to cancel" in entry.text for entry in rig.entries(incident.id) if entry.kind == "run.done")
    assert ended.proof is not None
    assert ended.proof.good


def test_clean_up_that_does_not_work(rig: Rig, incident: Incident) -> None:
    """The run ends all the same, and says what it has left behind."""
    run = begin(rig, incident, "restore")
    side = sql.Identifier(f"{DATABASE}_restore_run{run.id}")
    look_closely(lambda: side.as_string().strip('"') in rig.shared.databases(), "the database beside")
    with rig.shared.admin() as connection:
        connection.execute(sql.SQL("ALTER DATABASE {} IS_TEMPLATE true").format(side))
        try:
            rig.services.runs.cancel(run.id, rig.person("mei"))
            ended = rig.finished(run.id)
            assert ended.state == "cancelled"
            assert "Cleaning up did not work" in ended.words
            rig.assert_sound()
        finally:
            connection.execute(sql.SQL("ALTER DATABASE {} IS_TEMPLATE false").format(side))
