"""Plain dumps as pg_dump writes them, read and loaded on a real server: everything in them arrives, or nothing runs."""

from __future__ import annotations

import gzip
import random
import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from bot.outcome import Failed, Refused
from bot.sandbox.postgres_cluster import RECOVERY_ROLE, Cluster
from bot.systems.database_traits import observe_traits
from bot.systems.dumps.plain import compare, create_for, load, read_head, read_whole
from bot.systems.dumps.plain_facts import PlainDump
from bot.systems.dumps.plain_files import PlainFile
from bot.systems.dumps.plain_script import DumpRefused
from bot.systems.dumps.plain_target import check_server
from bot.systems.dumps.streams import ArchiveDamaged
from bot.systems.fingerprints import compare_fingerprints, take_fingerprint
from bot.systems.postgres import connect
from tests.integration.systems.conftest import MakePlace, Place
from tests.integration.systems.exhibits import UNUSUAL_SCHEMA, execute, fetch
from tests.integration.systems.plain_dumps import put_file, put_script, write_script

TRICKY = r"""
    CREATE FUNCTION odd(a text DEFAULT 'x;') RETURNS text LANGUAGE plpgsql AS $odd$
    BEGIN
        -- \connect postgres
        RETURN $q$ DROP DATABASE postgres; \! rm -rf / $q$ || $$ \connect template1 $$ || 'it''s; (' || E'\';';
    END $odd$;
    CREATE FUNCTION atomic(a int) RETURNS int LANGUAGE sql
        BEGIN ATOMIC SELECT CASE WHEN a > 0 THEN 1 ELSE 2 END; SELECT a; END;
    CREATE TABLE odd_rows (id int GENERATED ALWAYS AS IDENTITY, "column; \connect" text DEFAULT E'\\.');
    INSERT INTO odd_rows ("column; \connect") VALUES
        (E'\\.'), (E'a\n\\.\nb'), (E'\n\\.\n'), (E'\\connect postgres'), ('; DROP DATABASE postgres;'), (''), (NULL),
        (E'--\n/*'), ('$$'), (repeat('long ', 700000));
    COMMENT ON TABLE odd_rows IS E'one /* two -- three\n\\connect postgres\n\\.\n-- PostgreSQL database dump complete';
    CREATE TABLE journal (what text);
    CREATE RULE noted AS ON DELETE TO odd_rows DO ALSO
        (INSERT INTO journal VALUES ('a;'); INSERT INTO journal VALUES ('b)'));
    ALTER TABLE journal ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON journal FOR SELECT TO traitortrack USING (what <> ';');
    CREATE SEQUENCE "Odd;Seq" MINVALUE -10 START -3;
    SELECT nextval('"Odd;Seq"');
    CREATE OPERATOR @@@ (FUNCTION = int4pl, LEFTARG = int, RIGHTARG = int);
    CREATE PUBLICATION everything_of_it FOR TABLE journal;
    CREATE STATISTICS odd_stats ON id, "column; \connect" FROM odd_rows;
    CREATE EXTENSION pgcrypto;
    ALTER DEFAULT PRIVILEGES FOR ROLE traitortrack IN SCHEMA public GRANT SELECT ON TABLES TO holdfast;
    GRANT SELECT (id), UPDATE ("column; \connect") ON odd_rows TO PUBLIC;
    GRANT SELECT ON journal TO holdfast WITH GRANT OPTION;
"""


@pytest.fixture(scope="module")
def rich(cluster: Cluster) -> Iterator[Place]:
    """A database with everything that is awkward in a script."""
    name = "rich"
    cluster.create_database(name)
    place = Place(name, cluster.url(name, role=RECOVERY_ROLE), cluster.url(name), cluster.url(name, role="postgres"))
    execute(place.owner_url, UNUSUAL_SCHEMA)
    execute(place.admin_url, "ALTER ROLE traitortrack SET search_path TO DEFAULT")
    execute(place.owner_url, TRICKY)
    execute(place.url, "GRANT SELECT ON journal TO PUBLIC")
    yield place
    cluster.drop_database(name)


@pytest.fixture(scope="module")
def script(rich: Place) -> bytes:
    return write_script(rich.url)


@pytest.fixture
def bystanders(cluster: Cluster, rich: Place) -> Iterator[None]:
    """Whatever the test does: no other database, no role and no setting of the server is touched by it."""
    before = look_around(cluster, rich)
    yield
    assert look_around(cluster, rich) == before


def look_around(cluster: Cluster, rich: Place) -> dict[str, object]:
    shared = {
        "roles": "SELECT rolname, rolsuper, rolcreatedb, rolcreaterole, rolpassword FROM pg_authid ORDER BY 1",
        "databases": "SELECT oid::bigint, datname FROM pg_database WHERE datname !~ '^(test|side)_' ORDER BY 1",
        "settings": "SELECT setdatabase::bigint, setrole::bigint, setconfig FROM pg_db_role_setting ORDER BY 1, 2",
        "members": "SELECT roleid::bigint, member::bigint FROM pg_auth_members ORDER BY 1, 2",
        "here": "SELECT relname FROM pg_class WHERE oid >= 16384 ORDER BY 1",
    }
    found: dict[str, object] = {name: fetch(cluster.admin_url, query) for name, query in shared.items()}
    found["rich"] = take_fingerprint(rich.url)
    return found


@pytest.fixture
def side(cluster: Cluster) -> Iterator[str]:
    """The name of a database that is dropped afterwards."""
    yield "side_of_test"
    cluster.drop_database("side_of_test")


def restore(cluster: Cluster, file: PlainFile, side: str) -> PlainDump:
    """As the action does it, without the exchange."""
    dump = read_whole(file)
    with connect(cluster.url("postgres", role=RECOVERY_ROLE)) as connection:
        check_server(connection, dump, allowed=())
    create_for(cluster.url("postgres", role=RECOVERY_ROLE), side, dump, owner=dump.traits.owner)
    load(cluster.url(side, role=RECOVERY_ROLE), file, dump)
    rows, differences = compare(cluster.url(side, role=RECOVERY_ROLE), dump)
    assert (differences, rows) == ([], dump.rows)
    return dump


def schema_of(url: str) -> list[bytes]:
    """Everything but data, as pg_dump sees it, without what differs from one dump to the next."""
    lines = write_script(url, "--schema-only").splitlines()
    varying = (b"--", b"\\", b"CREATE DATABASE", b"DROP DATABASE", b"ALTER DATABASE", b"COMMENT ON DATABASE")
    return [line for line in lines if line and not line.startswith(varying)]


@pytest.mark.usefixtures("bystanders")
@pytest.mark.parametrize("early_from_rows", [0, 10_000])
def test_everything_arrives(
    cluster: Cluster, rich: Place, script: bytes, side: str, tmp_path: Path, early_from_rows: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Whether indexes are built early or in their place."""
    monkeypatch.setattr("bot.systems.dumps.plain_reader.WORTH_FROM_ROWS", early_from_rows)
    dump = restore(cluster, put_script(tmp_path, script), side)
    assert (len(dump.builds) > 4) == (early_from_rows == 0)

    url = cluster.url(side, role=RECOVERY_ROLE)
    expected = take_fingerprint(rich.url)
    assert compare_fingerprints(expected, take_fingerprint(url, like=expected)) == []
    assert schema_of(url) == schema_of(rich.url)
    assert (dump.database, dump.rows) == ("rich", expected.rows)
    assert dump.large_object_bytes == expected.large_objects.size_bytes
    assert {"holdfast", "traitortrack"} == set(dump.roles)
    assert dump.extensions == ("pgcrypto",)


def test_dump_of_a_newer_client(cluster: Cluster, rich: Place, side: str, tmp_path: Path) -> None:
    restore(cluster, put_script(tmp_path, write_script(rich.url, client_major=16)), side)
    expected = take_fingerprint(rich.url)
    found = take_fingerprint(cluster.url(side, role=RECOVERY_ROLE), like=expected)
    assert compare_fingerprints(expected, found) == []


OTHER_VERSIONS = b"""
SET default_with_oids = false;
SET transaction_timeout = 0;
CREATE EXTENSION IF NOT EXISTS plpgsql WITH SCHEMA pg_catalog;
COMMENT ON EXTENSION plpgsql IS 'PL/pgSQL procedural language';
COMMENT ON SCHEMA public IS 'of our own';
REVOKE USAGE ON SCHEMA public FROM PUBLIC;
GRANT ALL ON SCHEMA public TO PUBLIC;
ALTER SCHEMA public OWNER TO traitortrack;
SET SESSION AUTHORIZATION traitortrack;
GRANT SELECT ON TABLE public.hen TO holdfast;
RESET SESSION AUTHORIZATION;
"""


def test_what_other_versions_write(cluster: Cluster, script: bytes, side: str, tmp_path: Path) -> None:
    """Before 15 the locale looks different, before 2025 nothing is restricted; more is said of the public schema."""
    old = re.sub(rb"\n\\(?:un)?restrict \w+", b"", script)
    old = old.replace(b"LOCALE_PROVIDER = libc LOCALE = 'C.UTF-8'", b"LC_COLLATE = 'C.UTF-8' LC_CTYPE = 'C.UTF-8'")
    end = old.rindex(b"-- PostgreSQL database dump complete")
    assert old.count(b"restrict ") < script.count(b"restrict ")
    dump = restore(cluster, put_script(tmp_path, old[:end] + OTHER_VERSIONS + old[end:]), side)
    assert (dump.collation, dump.character_type) == ("C.UTF-8", "C.UTF-8")
    assert fetch(cluster.url(side), "SELECT obj_description('public'::regnamespace)") == [("of our own",)]
    odd = old.replace(b"LC_COLLATE", b"ICU_RULES = '&a < g' LC_COLLATE")
    with pytest.raises(DumpRefused, match="with ICU_RULES, which is not known here"):
        read_whole(put_script(tmp_path, odd))


@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize("chunk_bytes", [1, 977])
def test_however_it_comes_in(
    script: bytes, tmp_path: Path, members: int, chunk_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """gzip files of several members, zeros behind them, and reads of any size are one and the same dump."""
    monkeypatch.setattr("bot.systems.dumps.plain_files.READ_BYTES", chunk_bytes)
    size = len(script) // members + 1
    packed = b"".join(gzip.compress(script[at : at + size], mtime=0) for at in range(0, len(script), size)) + bytes(
        1000
    )
    whole = read_whole(put_file(tmp_path, packed))
    assert whole.script_bytes == len(script)
    assert whole.rows > 0


def test_traits_are_read(cluster: Cluster, make_place: MakePlace, tmp_path: Path) -> None:
    place = make_place('odd "name\'s" \\ x')
    name = sql.Identifier(place.name)
    with psycopg.connect(cluster.admin_url, autocommit=True) as connection:
        for change in (
            "ALTER DATABASE {} SET work_mem TO '7MB'", "ALTER DATABASE {} SET search_path TO public, \"Odd; x\"",
            "ALTER DATABASE {} CONNECTION LIMIT 33", "COMMENT ON DATABASE {} IS 'it''s; \\connect'",
            "REVOKE CONNECT ON DATABASE {} FROM PUBLIC", "GRANT CONNECT ON DATABASE {} TO holdfast WITH GRANT OPTION",
            "ALTER ROLE traitortrack IN DATABASE {} SET statement_timeout TO '1min'",
        ):  # fmt: skip
            connection.execute(sql.SQL(change).format(name))
        expected = observe_traits(connection, place.name)
    dump = read_whole(put_script(tmp_path, write_script(place.url)))
    assert dump.database == place.name
    assert (dump.traits.owner, dump.traits.comment) == (expected.owner, expected.comment)
    assert dump.traits.connection_limit == 33
    assert set(dump.traits.grants or ()) == set(expected.grants or ())
    named = {(one.role, one.name): one.value.replace('"public"', "public") for one in dump.traits.settings}
    assert named == {(one.role, one.name): one.value for one in expected.settings}


@pytest.mark.usefixtures("bystanders")
@pytest.mark.parametrize(
    ("encoding", "options"),
    [("LATIN1", ()), ("WIN1252", ()), ("EUC_JP", ()), ("KOI8R", ()), ("SQL_ASCII", ()),
     ("LATIN1", ("--encoding=UTF8",)), ("UTF8", ("--encoding=LATIN1",))],
)  # fmt: skip
def test_encodings(
    cluster: Cluster, make_place: MakePlace, side: str, tmp_path: Path, encoding: str, options: tuple[str, ...]
) -> None:
    letters = {"LATIN1": "naïve ÿ", "WIN1252": "“€”", "EUC_JP": "バッグ ソ", "KOI8R": "сумка"}.get(encoding, "naïve")
    name = f"test_{encoding.lower()}"
    make = f"CREATE DATABASE {name} OWNER traitortrack TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C'"
    with psycopg.connect(cluster.admin_url, autocommit=True) as connection:
        connection.execute(make)
    try:
        table = "plain" if encoding == "SQL_ASCII" else f'"{letters}"'
        with psycopg.connect(cluster.url(name), client_encoding="UTF8") as connection:
            connection.execute(f"CREATE TABLE {table} (x text, id int GENERATED ALWAYS AS IDENTITY)")
            connection.execute(f"INSERT INTO {table} VALUES ('{letters}')")
        source = cluster.url(name, role=RECOVERY_ROLE)
        dump = restore(cluster, put_script(tmp_path, write_script(source, *options)), side)
        assert dump.encoding == encoding
        source, found = (make_conninfo(one, client_encoding="UTF8") for one in (source, cluster.url(side)))
        expected = take_fingerprint(source)
        assert compare_fingerprints(expected, take_fingerprint(found, like=expected)) == []
    finally:
        cluster.drop_database(name)


@pytest.mark.parametrize("encoding", ["SJIS", "GBK", "BIG5"])
def test_encodings_that_hide_quotes_are_refused(rich: Place, tmp_path: Path, encoding: str) -> None:
    script = write_script(rich.url, "--exclude-table=*everything*", "--schema-only")
    with pytest.raises(DumpRefused, match=f"written in {encoding}"):
        read_whole(put_script(tmp_path, script.replace(b"'UTF8';", f"'{encoding}';".encode())))


def cut_at(whole: bytes, parts: int = 40) -> Iterator[bytes]:
    for number in range(parts):
        yield whole[: len(whole) * number // parts]
    yield whole[:-1]


def test_a_file_that_was_cut_short_is_never_whole(script: bytes, tmp_path: Path) -> None:
    packed = gzip.compress(script, mtime=0)
    for piece in cut_at(packed):
        with pytest.raises(ArchiveDamaged, match="Choose another dump"):
            read_whole(put_file(tmp_path, piece))


def test_a_script_that_was_cut_short_is_never_whole(script: bytes, tmp_path: Path) -> None:
    """What a pg_dump that failed leaves behind: a good gzip file with half a script."""
    end = script.index(b"-- PostgreSQL database dump complete\n", script.rindex(b"COPY "))
    for piece in [*cut_at(script[:end]), script[: end + 20]]:
        with pytest.raises(ArchiveDamaged, match="Choose another dump"):
            read_whole(put_script(tmp_path, piece))


def test_a_flipped_bit_is_seen(script: bytes, tmp_path: Path) -> None:
    """Anywhere but in gzip's header, whose time and system mean nothing for the content."""
    packed, chance = gzip.compress(script, mtime=0), random.Random(7)
    for _ in range(60):
        at = chance.randrange(10, len(packed))
        flipped = packed[:at] + bytes([packed[at] ^ (1 << chance.randrange(8))]) + packed[at + 1 :]
        with pytest.raises(ArchiveDamaged, match="Choose another dump"):
            read_whole(put_file(tmp_path, flipped))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is empty"),
        (b"CREATE TABLE t ();", "is not a gzip file"),
        (b"PGDMP\x01\x0e\x00", "is not a gzip file"),
        (gzip.compress(b"", mtime=0), "is not a dump that pg_dump --create wrote"),
        (gzip.compress(b"PGDMP\x01\x0e\x00\x04\x08", mtime=0), "middle of a statement"),
        (gzip.compress("-- PostgreSQL database dump\n".encode("utf-16"), mtime=0), "."),
        (gzip.compress(b"x", mtime=0) + b"\x1f\x8brubbish", "cannot be unpacked|cut short"),
        (gzip.compress(b"x", mtime=0) + b"rubbish", "goes on after its end"),
        (gzip.compress(b"-- PostgreSQL database cluster dump\n\nCREATE ROLE x;", mtime=0), "whole server"),
    ],
)
def test_what_is_no_dump(content: bytes, why: str, tmp_path: Path) -> None:
    file = put_file(tmp_path, content)
    for look in (read_head, read_whole):
        with pytest.raises((Refused, Failed), match=why):
            look(file)
