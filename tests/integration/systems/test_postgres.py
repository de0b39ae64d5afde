"""URLs, connecting, facts about a server, and sessions."""

from __future__ import annotations

from contextlib import closing

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict

from bot.sandbox.ports import free_port
from bot.sandbox.postgres_cluster import Cluster
from bot.systems.client_tools import find_client_tools
from bot.systems.databases import (
    create_beside,
    find_database,
    list_databases,
    list_roles,
    measure_free_space,
    observe_database,
    observe_server,
)
from bot.systems.postgres import (
    DatabaseMissing,
    DatabaseUnreachable,
    client_environment,
    connect,
    database_of,
    redact,
    replace_database,
)
from bot.systems.processes import capture
from bot.systems.sessions import SessionGone, list_sessions, terminate_session, terminate_sessions
from tests.integration.systems.conftest import MakePlace

NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)


@settings(deadline=None)
@given(NAMES, st.sampled_from(["postgresql://me:pä%2Fss@h:5433/old?sslmode=disable", "host=h user=me dbname=old"]))
def test_only_the_database_is_replaced(name: str, url: str) -> None:
    changed = replace_database(url, name)

    assert database_of(changed) == name
    assert {**conninfo_to_dict(changed), "dbname": ""} == {**conninfo_to_dict(url), "dbname": ""}


def test_redacted_url_has_no_secret() -> None:
    url = "postgresql://me:s3cret@db.example.com:5433/bags?sslpassword=other&options=-csecret"

    assert redact(url) == "postgresql://me@db.example.com:5433/bags"


def test_environment_for_programs_has_the_secret_and_nothing_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "elsewhere")
    monkeypatch.setenv("PGSERVICE", "elsewhere")

    environment = client_environment("postgresql://me:s3cret@h:5433/bags?sslmode=require", purpose="dump")

    assert {name: value for name, value in environment.items() if name.startswith("PG")} == {
        "PGHOST": "h",
        "PGPORT": "5433",
        "PGUSER": "me",
        "PGPASSWORD": "s3cret",
        "PGDATABASE": "bags",
        "PGSSLMODE": "require",
        "PGAPPNAME": "holdfast: dump",
        "PGCONNECT_TIMEOUT": "10",
    }


def test_environment_leads_programs_to_the_database(make_place: MakePlace) -> None:
    place = make_place("with = and ' quotes")

    with connect(place.url) as connection:
        tools = find_client_tools(observe_server(connection).major)

    assert "database dump complete" in capture([tools.pg_dump], environment=client_environment(place.url))


def test_missing_database_is_told_from_an_unreachable_server(cluster: Cluster) -> None:
    with pytest.raises(DatabaseMissing, match='no database "nowhere"'):
        connect(cluster.url("nowhere"))
    with pytest.raises(DatabaseUnreachable, match="cannot be reached") as caught:
        connect(f"postgresql://me:s3cret@127.0.0.1:{free_port()}/bags")
    with pytest.raises(DatabaseUnreachable, match="password"):
        connect(f"postgresql://traitortrack:wrong@127.0.0.1:{cluster.port}/postgres")

    assert "s3cret" not in str(caught.value)


def test_limits_are_set(make_place: MakePlace) -> None:
    with connect(make_place().url, purpose="look", statement_timeout_s=1.5, lock_timeout_s=2) as connection:
        shown = [
            connection.execute(f"SHOW {name}").fetchall()
            for name in ("statement_timeout", "lock_timeout", "application_name")
        ]

    assert shown == [[("1500ms",)], [("2s",)], [("holdfast: look",)]]


def test_server_and_databases_are_described(cluster: Cluster, make_place: MakePlace) -> None:
    place = make_place()
    with connect(place.url) as connection:
        server = observe_server(connection)
        seen = observe_database(connection, place.name)
        assert str(server.major) in server.version
        assert server.machine
        assert not server.in_recovery
        assert (seen.owner, seen.encoding, seen.connection_limit) == ("traitortrack", "UTF8", -1)
        assert seen.size_bytes
        assert seen in list_databases(connection)
        assert find_database(connection, "nowhere") is None
        assert {"holdfast", "traitortrack"} <= list_roles(connection)
        assert measure_free_space(connection).free_bytes
        with pytest.raises(DatabaseMissing):
            observe_database(connection, "nowhere")


def test_free_space_is_unknown_to_who_may_not_know_it(make_place: MakePlace) -> None:
    with connect(make_place().owner_url) as connection:
        space = measure_free_space(connection)

    assert space.free_bytes is None
    assert "pg_read_all_settings" in space.reason


def test_database_is_made_like_another(make_place: MakePlace, cluster: Cluster, maintenance_url: str) -> None:
    name = 'beside "it"'
    try:
        with connect(maintenance_url) as connection:
            model = observe_database(connection, make_place().name)
            create_beside(connection, name, like=model)
            made = observe_database(connection, name)
    finally:
        cluster.drop_database(name)

    assert (made.owner, made.encoding, made.collation, made.character_type) == (
        model.owner,
        model.encoding,
        model.collation,
        model.character_type,
    )


def test_clients_sessions_are_ended_and_no_others(make_place: MakePlace, maintenance_url: str) -> None:
    place, other = make_place(), make_place()
    with (
        connect(maintenance_url) as connection,
        closing(psycopg.connect(place.owner_url, application_name="bags")) as client,
        psycopg.connect(place.admin_url) as superuser,
        psycopg.connect(other.owner_url) as bystander,
    ):
        oid = observe_database(connection, place.name).oid
        seen = [(session.application, session.role, session.can_be_ended) for session in list_sessions(connection, oid)]
        assert seen == [("bags", "traitortrack", True), ("", "postgres", False)]

        assert terminate_sessions(connection, oid) == 1

        with pytest.raises(psycopg.OperationalError):
            client.execute("SELECT 1")
        superuser.execute("SELECT 1")
        bystander.execute("SELECT 1")


def test_only_the_session_that_was_meant_is_ended(make_place: MakePlace, maintenance_url: str) -> None:
    place = make_place()
    with connect(maintenance_url) as connection, closing(psycopg.connect(place.owner_url)) as client:
        oid = observe_database(connection, place.name).oid
        [session] = list_sessions(connection, oid)

        with pytest.raises(SessionGone):
            terminate_session(connection, session.pid, session.started_at.replace(year=2020))
        client.execute("SELECT 1")
        terminate_session(connection, session.pid, session.started_at)

        assert list_sessions(connection, oid) == []
        with pytest.raises(SessionGone):
            terminate_session(connection, session.pid, session.started_at)
