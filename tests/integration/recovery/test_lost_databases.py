"""What a restore is for: rows, a table, or the whole database gone."""

from __future__ import annotations

from bot.sandbox.stage import DATABASE
from bot.store.tables import Incident
from tests.crash.rig import Rig, look_closely


def test_lost_rows_and_table(rig: Rig) -> None:
    backup = rig.shared.back_up_now()
    for scenario in ("lost-bags", "dropped-table"):
        rig.shared.stage.pull(scenario)
    rig.assert_restored(rig.start_restore(backup).id)


def test_dropped_database(rig: Rig, incident: Incident) -> None:
    backup = rig.shared.back_up_now()
    rig.shared.stage.cluster.drop_database(DATABASE)
    run = rig.approve(rig.plan_restore(incident, backup))
    assert run is not None
    ended = rig.finished(run.id)
    assert ended.state == "done", ended.words
    assert ended.proof is not None
    assert ended.proof.good, ended.proof
    assert "kept as" not in ended.words
    rig.assert_sound()
    assert rig.shared.databases() == {DATABASE}
    assert rig.shared.count_bags() == rig.shared.baseline.fingerprint.tables["public.bag"].rows


def test_dropped_database_that_somebody_makes_again(rig: Rig, incident: Incident) -> None:
    """Approved for an empty place, which is not empty any more: theirs is left alone, and nobody calls it restored."""
    rig.shared.stage.cluster.drop_database(DATABASE)
    plan = rig.plan_restore(incident)
    rig.approve(plan, "amara")
    rig.shared.stage.cluster.create_database(DATABASE)
    theirs = rig.shared.oid()
    run = rig.approve(plan, "mei")
    assert run is not None
    ended = rig.finished(run.id)
    assert ended.state == "refused"
    assert "is live" not in ended.words
    assert rig.shared.oid() == theirs
    assert rig.shared.databases() == {DATABASE}
    rig.assert_sound()


def test_dropped_database_that_somebody_makes_during_the_run(rig: Rig, incident: Incident) -> None:
    rig.shared.stage.cluster.drop_database(DATABASE)
    run = rig.approve(rig.plan_restore(incident))
    assert run is not None
    look_closely(lambda: rig.steps(run.id).get("preflight", None) is not None, "the first step")
    rig.shared.stage.cluster.create_database(DATABASE)
    theirs = rig.shared.oid()
    ended = rig.finished(run.id)
    assert ended.state in ("failed", "refused"), ended.words
    assert "Unexpected" not in ended.words
    assert "is live" not in ended.words
    assert rig.shared.oid() == theirs
    assert rig.shared.databases() == {DATABASE}
    rig.assert_sound()
