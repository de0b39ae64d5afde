"""What a restore is for: rows, a table, or the whole database gone."""

from __future__ import annotations

import psycopg

from bot.sandbox.stage import DATABASE
from bot.store.tables import Incident
from bot.systems.postgres import replace_database
from tests.crash.rig import Rig, look_closely


def test_lost_rows_and_table(rig: Rig) -> None:
    backup = rig.shared.back_up_now()
    for scenario in ("lost-bags", "dropped-table"):
        rig.shared.stage.pull(scenario)
    rig.assert_restored(rig.start_restore(backup).id)


def test_key_that_did_not_hold_in_the_source_is_a_verdict(rig: Rig, incident: Incident) -> None:
    """What was backed up comes back as it was, and the proof says what is wrong with it."""
    with psycopg.connect(replace_database(rig.shared.stage.cluster.admin_url, DATABASE), autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("DELETE FROM bill WHERE id = (SELECT min(bill_id) FROM bag)")
    run = rig.approve(rig.plan_restore(incident, rig.shared.back_up_now()))
    assert run is not None
    ended = rig.finished(run.id)
    assert ended.state == "done", ended.words
    assert ended.proof is not None
    verdict = {verdict.name: verdict for verdict in ended.proof.verdicts}["Foreign keys"]
    assert not verdict.good
    assert "1 of 4 wrong: bag_bill_id_fkey of public.bag does not hold" in verdict.found
    assert "checked after the exchange" in verdict.found


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
