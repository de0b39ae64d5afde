"""Migrations: from nothing, by several processes at once, to exactly the models."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from bot.outcome import Failed
from bot.store import ledger
from bot.store import migrate as migration
from bot.store.database import MIGRATION_LOCK, Database
from bot.store.migrate import migrate
from bot.store.opening import open_store as open_migrated
from bot.store.tables import Incident, IncidentRole, Table
from tests.integration.store.rows import NOON, make_incident
from tests.integration.store.stores import open_store

MIGRATE = "import sys; from bot.store.database import Database; from bot.store.migrate import migrate; "
MIGRATE += "migrate(Database(sys.argv[1]))"

LOOK = "import sys; from bot.store.database import Database; "
LOOK += "print(Database(sys.argv[1]).engine.connect().exec_driver_sql('PRAGMA synchronous').scalar())"
FULL = "2"


def list_differences(database: Database) -> list[Any]:
    with database.engine.connect() as connection:
        options = {"version_table": "holdfast_version", "compare_type": True}
        context = MigrationContext.configure(connection, opts=options)
        return list(compare_metadata(context, Table.metadata))


def test_the_migrated_schema_is_the_models(database: Database) -> None:
    assert list_differences(database) == []


def test_a_difference_would_be_seen(store_url: str) -> None:
    with open_store(store_url) as database:
        with database.engine.begin() as connection:
            connection.execute(sa.text("ALTER TABLE locks ADD COLUMN forgotten text"))
        assert [change[0] for change in list_differences(database)] == ["remove_column"]


def test_migrating_again_keeps_what_is_there(database: Database) -> None:
    with database.write() as session:
        ledger.append(session, kind="test", actor="mei", text="before")
    migrate(database)
    with database.read() as session:
        assert ledger.verify(session) == (1, [])


def test_several_processes_may_migrate_at_once(store_url: str) -> None:
    started = [subprocess.Popen([sys.executable, "-c", MIGRATE, store_url]) for _ in range(2)]
    assert [process.wait(timeout=60) for process in started] == [0, 0]
    database = Database(store_url)
    try:
        assert list_differences(database) == []
        with database.read() as session:
            assert ledger.read_head(session) == (0, ledger.GENESIS)
    finally:
        database.close()


@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
def test_whoever_waits_too_long_for_others_to_migrate_says_so(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migration, "LOCK_TIMEOUT_S", 1)
    with open_store(store_url) as holder, holder.read() as session:
        session.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))
        with pytest.raises(Failed, match="lock timeout"):
            open_migrated(store_url)


class Killed(BaseException):
    """What ends the process, as far as the code can see it."""


def die_at_statement(number: int) -> Callable[..., None]:
    sent = itertools.count(1)

    def send(*_: object) -> None:
        if next(sent) == number:
            raise Killed

    return send


def test_who_dies_while_migrating_leaves_what_was_there(store_url: str) -> None:
    for number in range(3, 84, 20):
        database = Database(store_url)
        sa.event.listen(database.engine, "before_cursor_execute", die_at_statement(number))
        with pytest.raises(Killed):
            migrate(database)
        database.close()
    with open_store(store_url) as database:
        assert list_differences(database) == []


def test_rows_need_what_they_belong_to(database: Database) -> None:
    with pytest.raises(sa.exc.IntegrityError), database.write() as session:
        session.add(IncidentRole(incident_id=404, role="dr_coordinator", person="mei", since=NOON))


def test_numbers_of_incidents_are_not_used_twice(database: Database) -> None:
    with database.write() as session:
        first = make_incident()
        session.add(first)
        session.flush()
        session.delete(first)
    with database.write() as session:
        second = make_incident()
        session.add(second)
        session.flush()
        assert second.id == 2
    with database.read() as session:
        assert session.get_one(Incident, 2).title == second.title


def test_what_is_committed_is_on_the_disk(tmp_path: Path) -> None:
    """In a process of its own: here nobody waits for the disk, see `tests.unplugged`."""
    look = [sys.executable, "-c", LOOK, f"sqlite:///{tmp_path / 'holdfast.db'}"]
    assert subprocess.run(look, capture_output=True, text=True, check=True, timeout=60).stdout.strip() == FULL
