"""Going back from a restore: what was kept is live again, what was restored is kept, and no other is taken for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import sql

from bot.recovery.registry import find_action, read_parameters
from bot.sandbox.stage import DATABASE
from bot.store.tables import Incident, Plan, Run
from tests.crash.rig import Rig
from tests.integration.recovery.keeping import COMMENT, comment_on, keep
from tests.stage_fixtures import SharedStage


def add_bags(shared: SharedStage, count: int) -> None:
    with psycopg.connect(shared.stage.application_url) as connection:
        query = "INSERT INTO bag (weight_grams, destination) SELECT 100, 'Lisbon' FROM generate_series(1, %s)"
        connection.execute(query, (count,))


def put_back(rig: Rig, incident: Incident, kept: str) -> Run:
    plan = rig.plan("put_back_database", incident, kept=kept)
    assert plan.state == "pending", plan.reason
    run = rig.approve(plan)
    assert run is not None
    return rig.finished(run.id)


def suggest_undo(rig: Rig, plan: Plan, run: Run) -> str:
    """The name of the kept database in what the action suggests."""
    action = find_action("put_back_database")
    assert plan.document is not None
    outputs = {step.name: step.output for step in rig.services.runs.list_steps(run.id)}
    suggested = action.undo(read_parameters(action, plan.parameters), plan.document, outputs)
    assert suggested is not None
    assert suggested.action == "put_back_database"
    return str(suggested.parameters["kept"])


def test_there_and_back_again(rig: Rig, incident: Incident) -> None:
    before = rig.shared.oid()
    restore = rig.start_restore(rig.shared.back_up_now())
    assert rig.finished(restore.id).state == "done"
    kept, restored = f"{DATABASE}_before_run{restore.id}", rig.shared.oid()
    assert restored != before
    add_bags(rig.shared, 3)

    plan = rig.plan("put_back_database", incident, kept=kept)
    assert plan.document is not None
    assert plan.document.loss.rows == 3
    assert "3 rows" in plan.document.loss.words
    assert any("rows now" in note and "in the one put back" in note for note in plan.document.notes)
    run = rig.approve(plan)
    assert run is not None
    ended = rig.finished(run.id)

    assert ended.state == "done", ended.words
    assert ended.proof is not None
    assert ended.proof.good, ended.proof
    assert rig.shared.oid() == before
    assert rig.shared.databases() == {DATABASE, f"{DATABASE}_before_run{run.id}"}
    assert rig.shared.oid(f"{DATABASE}_before_run{run.id}") == restored
    assert ended.proof.measured["loss_rows"] == 3
    assert comment_on(rig.shared, DATABASE) is None
    rig.assert_sound()

    kept = suggest_undo(rig, plan, run)
    again = put_back(rig, incident, kept)
    assert again.state == "done", again.words
    assert rig.shared.oid() == restored


def test_live_database_gone_since(rig: Rig, incident: Incident) -> None:
    before = rig.shared.oid()
    kept = keep(rig.shared)
    rig.shared.stage.cluster.drop_database(DATABASE)
    ended = put_back(rig, incident, kept)
    assert ended.state == "done", ended.words
    assert ended.proof is not None
    assert rig.shared.oid() == before
    assert rig.shared.databases() == {DATABASE}
    assert comment_on(rig.shared, DATABASE) == COMMENT


@pytest.mark.parametrize(
    ("name", "why"),
    [
        pytest.param(DATABASE, "is the live database itself", id="live"),
        pytest.param(f"{DATABASE}_before_run999", "There is no database", id="absent"),
        pytest.param("postgres", "bears no receipt", id="not-kept"),
        pytest.param(f"{DATABASE}_before_run7", "bears no receipt", id="named-like-it"),
    ],
)
def test_what_cannot_be_put_back(rig: Rig, incident: Incident, name: str, why: str) -> None:
    if name.endswith("run7"):
        rig.shared.stage.cluster.create_database(name)
    oid = rig.shared.oid()
    plan = rig.plan("put_back_database", incident, kept=name)
    assert plan.state == "refused"
    assert why in plan.reason
    assert "kept of" in plan.reason
    assert rig.shared.oid() == oid


def drop_kept(shared: SharedStage, kept: str) -> None:
    shared.stage.cluster.drop_database(kept)


def replace_live(shared: SharedStage, kept: str) -> None:
    shared.stage.cluster.drop_database(DATABASE)
    with shared.admin() as connection:
        connection.execute(f"CREATE DATABASE {DATABASE} OWNER traitortrack TEMPLATE pristine")


def replace_kept(shared: SharedStage, kept: str) -> None:
    """By a copy with the same receipt on it, which is about another one."""
    with shared.admin() as connection:
        row = connection.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", (kept,)
        ).fetchone()
        assert row is not None
        connection.execute(f"ALTER DATABASE {kept} RENAME TO aside")
        connection.execute(f"CREATE DATABASE {kept} OWNER traitortrack TEMPLATE pristine")
        connection.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(kept), row[0]))


@pytest.mark.parametrize("change", [drop_kept, replace_live, replace_kept])
def test_world_moved(rig: Rig, incident: Incident, change: Callable[[SharedStage, str], None]) -> None:
    kept = keep(rig.shared)
    plan = rig.plan("put_back_database", incident, kept=kept)
    rig.approve(plan, "amara")
    change(rig.shared, kept)
    names, oid = rig.shared.databases(), rig.shared.oid()
    run = rig.approve(plan, "mei")
    assert run is not None
    ended = rig.finished(run.id)
    assert (ended.state, rig.steps(run.id)) == ("refused", {})
    assert (rig.shared.databases(), rig.shared.oid()) == (names, oid)
    rig.assert_sound()


@contextmanager
def session_of_a_superuser(shared: SharedStage, database: str) -> Iterator[None]:
    with psycopg.connect(shared.stage.cluster.url(database, role="postgres")):
        yield


def test_session_that_may_not_be_ended(rig: Rig, incident: Incident) -> None:
    kept = keep(rig.shared)
    oid = rig.shared.oid()
    with session_of_a_superuser(rig.shared, kept):
        ended = put_back(rig, incident, kept)
    assert ended.state == "refused"
    assert "may not end" in ended.words
    assert f"{DATABASE} is as it was" in ended.words
    assert rig.shared.oid() == oid
    rig.assert_sound()
