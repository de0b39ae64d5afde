"""Databases that an exchange kept: which those are, and everything that speaks against dropping one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import LiteralString

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql

from bot.sandbox.postgres_cluster import Cluster
from bot.systems.database_swap import swap
from bot.systems.kept_databases import (
    KeptDatabase,
    KeptRefused,
    check_droppable,
    drop_kept,
    find_kept,
    is_kept_name,
    list_kept,
    name_kept,
    return_comment,
)
from bot.systems.postgres import connect
from tests.integration.systems.conftest import MakePlace, Place
from tests.integration.systems.exhibits import execute

NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=80)


@given(NAMES, st.integers(1, 10**12), NAMES)
def test_a_kept_name_is_known_again_and_taken_for_no_other(database: str, run_id: int, other: str) -> None:
    name = name_kept(database, run_id)
    assert len(name.encode()) <= 63
    assert is_kept_name(database, name)
    assert not is_kept_name(database, database)
    assert not is_kept_name(database, name + "x")
    if len(f"{other}{database}".encode()) < 40 and other != database:
        assert not is_kept_name(other, name)


@pytest.fixture
def kept(make_place: MakePlace, maintenance_url: str) -> Iterator[tuple[str, KeptDatabase]]:
    """A live database and what an exchange has kept of it."""
    live, side = make_place(), make_place()
    name = name_kept(live.name, 7)
    swap(maintenance_url, live=live.name, side=side.name, kept=name, marker="run7")
    with connect(maintenance_url) as connection:
        found = find_kept(connection, live.name, name)
    yield live.name, found
    with psycopg.connect(live.admin_url.rpartition("/")[0] + "/postgres", autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def test_drop(kept: tuple[str, KeptDatabase], maintenance_url: str) -> None:
    database, one = kept
    with connect(maintenance_url) as connection:
        assert [found.oid for found in list_kept(connection, database)] == [one.oid]
        drop_kept(maintenance_url, database, one.name, one.oid)
        assert list_kept(connection, database) == []
    drop_kept(maintenance_url, database, one.name, one.oid)


def test_drop_means_the_object_and_not_the_name(kept: tuple[str, KeptDatabase], maintenance_url: str) -> None:
    database, one = kept
    with connect(maintenance_url) as connection:
        live = connection.execute("SELECT oid::bigint FROM pg_database WHERE datname = %s", (database,)).fetchone()
    assert live is not None
    with pytest.raises(KeptRefused, match="is another database"):
        drop_kept(maintenance_url, database, one.name, int(live[0]))
    with pytest.raises(KeptRefused, match="is the live database itself"):
        drop_kept(maintenance_url, database, database, int(live[0]))


def test_a_receipt_is_about_one_database(
    kept: tuple[str, KeptDatabase], make_place: MakePlace, maintenance_url: str
) -> None:
    """A copy of it, or whatever somebody has given its name and comment to, is not what the exchange kept."""
    database, one = kept
    copy = make_place(name_kept(database, 8))
    with psycopg.connect(copy.admin_url) as connection:
        comment = sql.SQL("COMMENT ON DATABASE {} IS {}")
        connection.execute(comment.format(sql.Identifier(copy.name), one.receipt.model_dump_json()))
    with connect(maintenance_url) as connection:
        with pytest.raises(KeptRefused, match="bears no receipt"):
            find_kept(connection, database, copy.name)
        assert [found.name for found in list_kept(connection, database)] == [one.name]


def tell(url: str, *statements: LiteralString) -> None:
    """Each on its own: some are not allowed in a transaction."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


Obstacle = Callable[[str, str], AbstractContextManager[object]]
"""Made with the URLs of the application and of the superuser."""


@contextmanager
def prepared_transaction(url: str, admin_url: str) -> Iterator[None]:
    tell(url, "BEGIN", "CREATE TABLE t ()", "PREPARE TRANSACTION 'kept-open'")
    yield
    tell(url, "ROLLBACK PREPARED 'kept-open'")


@contextmanager
def replication_slot(url: str, admin_url: str) -> Iterator[None]:
    """One that nobody reads from at the moment: PostgreSQL would drop it without a word."""
    tell(admin_url, "SELECT pg_create_logical_replication_slot('kept_slot', 'pgoutput')")
    yield
    tell(admin_url, "SELECT pg_drop_replication_slot('kept_slot')")


@contextmanager
def subscription(url: str, admin_url: str) -> Iterator[None]:
    options = "(connect = false, slot_name = NONE)"
    tell(admin_url, f"CREATE SUBSCRIPTION kept_sub CONNECTION 'host=nowhere' PUBLICATION p WITH {options}")
    yield
    tell(admin_url, "DROP SUBSCRIPTION kept_sub")


@contextmanager
def other_owner(url: str, admin_url: str) -> Iterator[None]:
    tell(admin_url, "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I OWNER TO postgres', current_database()); END $$")
    yield


@pytest.mark.parametrize(
    ("obstacle", "why"),
    [
        (lambda url, admin_url: psycopg.connect(url), "is connected to it"),
        (prepared_transaction, '"kept-open" is open in it'),
        (replication_slot, 'slot "kept_slot" would go with it'),
        (subscription, 'subscription "kept_sub" belongs to it'),
        (other_owner, "do not have the role of the owner"),
    ],
)
def test_what_speaks_against_dropping_it(
    kept: tuple[str, KeptDatabase], cluster: Cluster, maintenance_url: str, obstacle: Obstacle, why: str
) -> None:
    database, one = kept
    with (
        obstacle(cluster.url(one.name), cluster.url(one.name, role="postgres")),
        connect(maintenance_url) as connection,
    ):
        with pytest.raises(KeptRefused, match=why):
            check_droppable(connection, one)
        with pytest.raises(KeptRefused, match=why):
            drop_kept(maintenance_url, database, one.name, one.oid)
        assert [found.oid for found in list_kept(connection, database)] == [one.oid]


def test_the_comment_returns_once_it_is_live(make_place: MakePlace, maintenance_url: str) -> None:
    live, side = make_place(), make_place()
    execute(live.owner_url, f"COMMENT ON DATABASE \"{live.name}\" IS 'it''s ours'")
    name = name_kept(live.name, 8)
    swap(maintenance_url, live=live.name, side=side.name, kept=name, marker="run8")
    return_comment(maintenance_url, live.name)
    assert comment_on(live) is None, "there is no receipt on the live one, so it is left alone"
    swap(maintenance_url, live=live.name, side=name, kept=side.name, marker="run9")
    for _ in range(2):
        return_comment(maintenance_url, live.name)
        assert comment_on(live) == "it's ours"


def comment_on(place: Place) -> str | None:
    with psycopg.connect(place.url) as connection:
        query = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()"
        row = connection.execute(query).fetchone()
    return None if row is None else row[0]
