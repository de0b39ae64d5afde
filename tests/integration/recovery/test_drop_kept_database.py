"""Dropping what a restore kept: archived first, never while anybody needs it, and never another database."""

from __future__ import annotations

import psycopg
import pytest

from bot.sandbox.stage import DATABASE
from bot.store.tables import Incident, Plan, Run
from bot.systems.dumps.listing import confirm_backup, list_backups, read_manifest
from tests.crash.rig import Rig, look_closely
from tests.integration.recovery.keeping import keep
from tests.stage_fixtures import PREFIX


def approve(rig: Rig, plan: Plan) -> Run:
    """By two people who type the name of what is dropped."""
    assert plan.document is not None, plan.reason
    run = None
    for person in ("amara", "mei"):
        run = rig.services.approvals.decide(
            plan.id, plan.hash, rig.person(person), "approve", typed=plan.document.confirm
        )
    assert run is not None
    return run


def test_archived_and_dropped(rig: Rig, incident: Incident) -> None:
    kept = keep(rig.shared)
    live, rows = rig.shared.oid(), rig.shared.count_bags(kept)
    newest = list_backups(rig.shared.bucket, PREFIX, database=DATABASE).backups[0].key
    plan = rig.plan("drop_kept_database", incident, kept=kept)
    assert plan.document is not None
    assert plan.document.confirm == kept
    ended = rig.finished(approve(rig, plan).id)

    assert ended.state == "done", ended.words
    assert ended.proof is not None
    assert ended.proof.good, ended.proof
    assert rig.shared.databases() == {DATABASE}
    assert rig.shared.oid() == live
    archive = read_manifest(rig.shared.bucket, str(rig.steps(ended.id)["archive"].output["key"]))
    confirm_backup(rig.shared.bucket, archive)
    assert archive.fingerprint.tables["public.bag"].rows == rows
    assert "final" in archive.key
    assert archive.key in ended.words
    assert list_backups(rig.shared.bucket, PREFIX, database=DATABASE).backups[0].key == newest, (
        "it must not be taken for a backup of the live database"
    )
    rig.assert_sound()


def test_typing_the_live_databases_name_is_not_enough(rig: Rig, incident: Incident) -> None:
    plan = rig.plan("drop_kept_database", incident, kept=keep(rig.shared))
    with pytest.raises(Exception, match="is not the name of the target"):
        rig.services.approvals.decide(plan.id, plan.hash, rig.person("amara"), "approve", typed=DATABASE)


def test_what_may_not_be_dropped(rig: Rig, incident: Incident) -> None:
    kept = keep(rig.shared)
    for name, why in ((DATABASE, "is the live database itself"), ("postgres", "bears no receipt")):
        plan = rig.plan("drop_kept_database", incident, kept=name)
        assert (plan.state, why in plan.reason) == ("refused", True), plan.reason
    with psycopg.connect(rig.shared.stage.cluster.url(kept)):
        plan = rig.plan("drop_kept_database", incident, kept=kept)
    assert plan.state == "refused"
    assert "is connected to it" in plan.reason
    rig.shared.stage.cluster.drop_database(DATABASE)
    plan = rig.plan("drop_kept_database", incident, kept=kept)
    assert plan.state == "refused"
    assert "may be all that is left" in plan.reason
    assert rig.shared.databases() == {kept}


def test_somebody_connects_after_the_approval(rig: Rig, incident: Incident) -> None:
    kept = keep(rig.shared)
    plan = rig.plan("drop_kept_database", incident, kept=kept)
    with psycopg.connect(rig.shared.stage.cluster.url(kept)):
        ended = rig.finished(approve(rig, plan).id)
    assert ended.state == "refused"
    assert "is connected to it" in ended.words
    assert rig.shared.databases() == {DATABASE, kept}
    rig.assert_sound()


def test_another_database_has_the_name_by_now(rig: Rig, incident: Incident) -> None:
    kept = keep(rig.shared)
    plan = rig.plan("drop_kept_database", incident, kept=kept)
    with rig.shared.admin() as connection:
        connection.execute(f"ALTER DATABASE {kept} RENAME TO aside")
    rig.shared.stage.cluster.create_database(kept)
    ended = rig.finished(approve(rig, plan).id)
    assert ended.state == "refused"
    assert rig.shared.databases() == {DATABASE, kept, "aside"}


def test_somebody_writes_into_it_after_it_was_archived(rig: Rig, incident: Incident) -> None:
    """Trying again keeps the archive that there is, which has not got what was written since."""
    kept = keep(rig.shared)
    run = approve(rig, rig.plan("drop_kept_database", incident, kept=kept))
    look_closely(lambda: "archive" in rig.steps(run.id) and rig.steps(run.id)["archive"].attempts > 0, "the archive")
    with psycopg.connect(rig.shared.stage.cluster.url(kept)) as connection:
        assert "is connected to it" in rig.finished(run.id).words
        connection.execute("DELETE FROM bag WHERE id = (SELECT min(id) FROM bag)")
    rig.services.runs.retry(run.id, rig.person("diego"))
    look = rig.services.runs.find
    ended = rig.wait("the second end", lambda: one if "has changed since" in (one := look(run.id)).words else None)
    assert ended.state == "refused"
    assert "public.bag" in ended.words
    assert rig.shared.databases() == {DATABASE, kept}
    rig.assert_sound()


def test_archive_that_the_bot_may_not_restore(rig: Rig, incident: Incident) -> None:
    """Then there is no way back, and it stays."""
    kept = keep(rig.shared)
    plan = rig.plan("drop_kept_database", incident, kept=kept)
    with psycopg.connect(rig.shared.stage.cluster.url(kept, role="postgres"), autocommit=True) as connection:
        connection.execute("CREATE TABLE stranger ()")
    ended = rig.finished(approve(rig, plan).id)
    assert ended.state == "refused"
    assert "what belongs to postgres can only be given back" in ended.words
    assert rig.shared.databases() == {DATABASE, kept}
    rig.assert_sound()


def test_archive_that_cannot_be_taken(rig: Rig, incident: Incident) -> None:
    """Without an archive nothing is dropped."""
    kept = keep(rig.shared)
    plan = rig.plan("drop_kept_database", incident, kept=kept)
    with psycopg.connect(rig.shared.stage.cluster.url(kept, role="postgres"), autocommit=True) as connection:
        connection.execute("REVOKE pg_read_all_data FROM holdfast")
        connection.execute("CREATE TABLE hidden ()")
    try:
        ended = rig.finished(approve(rig, plan).id)
    finally:
        with rig.shared.admin() as connection:
            connection.execute("GRANT pg_read_all_data TO holdfast")
    assert ended.state == "failed"
    assert f"{kept} is as it was" in ended.words
    assert rig.shared.databases() == {DATABASE, kept}
    rig.assert_sound()
