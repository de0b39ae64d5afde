"""A backup is taken, read back, listed and restored, and what comes out is what went in."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bot.sandbox.cloud import Cloud
from bot.sandbox.postgres_cluster import Cluster
from bot.systems.archives import Bucket
from bot.systems.client_tools import find_client_tools
from bot.systems.databases import observe_server
from bot.systems.dumps import backup, parting, streams
from bot.systems.dumps.backup import BackupFailed, back_up
from bot.systems.dumps.listing import confirm_backup, list_backups, read_manifest
from bot.systems.dumps.manifest import Manifest
from bot.systems.dumps.restore import restore_archive
from bot.systems.fingerprints import compare_fingerprints, count_rows, take_fingerprint
from bot.systems.outcomes import SystemCancelled, SystemFailed, SystemRefused
from bot.systems.postgres import Connection, client_environment, connect
from bot.systems.processes import Child, capture
from bot.systems.wal.copying import copy_database
from tests.integration.systems.conftest import MakePlace, Place
from tests.integration.systems.exhibits import UNUSUAL_SCHEMA, execute, fetch

DOCUMENT = Path(__file__).parents[3] / "docs/restore-by-hand.md"


def dump_schema(url: str) -> list[str]:
    """All definitions, owners and grants, without the random words that newer versions put around them."""
    with connect(url) as connection:
        tools = find_client_tools(observe_server(connection).major)
    text = capture([tools.pg_dump, "--schema-only"], environment=client_environment(url))
    return [line for line in text.splitlines() if not line.startswith(("\\restrict", "\\unrestrict"))]


def test_unusual_schema_comes_back_as_it_was(make_place: MakePlace, bucket: Bucket) -> None:
    source, target = make_place("Ünusual \"name\" = 'x'", UNUSUAL_SCHEMA), make_place()

    manifest = back_up(source.url, bucket, prefix="unusual/", run="r1")
    restore_archive(target.url, bucket, manifest)

    assert compare_fingerprints(manifest.fingerprint, take_fingerprint(target.url, like=manifest.fingerprint)) == []
    assert manifest.source.database == source.name
    assert manifest.source.owners == ("traitortrack",)
    assert manifest.fingerprint.large_objects.count == 2
    assert manifest.fingerprint.tables["public.parent"].rows == 1
    assert fetch(target.owner_url, "SELECT bags FROM summary") == [(2,)]
    assert fetch(target.owner_url, "SELECT nextval('down'), nextval('untouched')") == [(-6, 77)]
    assert dump_schema(source.admin_url) == dump_schema(target.admin_url)


def test_large_tables_have_parts_of_their_own_and_nothing_is_twice(
    make_place: MakePlace, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In binary where every type allows it; as text, together, where one does not."""
    monkeypatch.setattr(parting, "LARGE_TABLE_BYTES", 1)
    source, target = make_place(None, UNUSUAL_SCHEMA), make_place()

    manifest = back_up(source.url, bucket, prefix="parts/", run="r1")
    restore_archive(target.url, bucket, manifest, jobs=3)

    binary = [part.table.table for part in manifest.parts if part.table is not None]
    assert {"hen", "egg", "parent", "child", "measured_rest", "fleeting"} <= set(binary)
    assert len(binary) == len(set(binary))
    assert {"everything", "pages", "nothing"}.isdisjoint(binary)
    others = [part.name for part in manifest.parts if part.table is None]
    assert others == ["data-1", "data-2", "data-3", "data-rest", "schema"]
    assert compare_fingerprints(manifest.fingerprint, take_fingerprint(target.url, like=manifest.fingerprint)) == []
    assert dump_schema(source.admin_url) == dump_schema(target.admin_url)


EVERY_BINARY_TYPE = """
    CREATE TYPE mood AS ENUM ('calm', 'angry');
    CREATE TABLE parcel (
        sure bool, bytes bytea, letter "char", named name, two int2, four int4, eight int8, f4 float4, f8 float8,
        n numeric, t text, v varchar(40), padded char(9), d date, at_time time, at_timetz timetz, at timestamp,
        at_tz timestamptz, span interval, u uuid, j json, jb jsonb, feeling mood,
        bools bool[], twos int2[], fours int4[], eights int8[], f8s float8[], ns numeric[], ts text[], vs varchar[],
        ats timestamptz[], us uuid[], jbs jsonb[], doubled int8 GENERATED ALWAYS AS (four * 2) STORED
    );
    ALTER TABLE parcel DROP COLUMN named, ADD COLUMN "nämed, 'again'" name;
    INSERT INTO parcel VALUES (
        true, '\\x00ff', 'q', -2, -4, 9223372036854775807, '-0', 'NaN', 'NaN', E'مرحبا 👜\t\\N\n', '', 'x',
        'infinity', '24:00:00', '23:59:59.999999+14', '-infinity', '2025-03-30 01:59:59.999999+00', '-1 mon 2 days',
        'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"a":  1, "a": 2}', '{"b": [1e400]}', 'angry',
        '{t,NULL}', '{{1,2},{3,4}}', '[2:3]={1,2}', '{}', '{NaN}', '{1.10}', '{"a,b",NULL}', '{x}',
        '{infinity}', '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}', ARRAY['{}'::jsonb], DEFAULT, 'name'
    );
    INSERT INTO parcel (eight) VALUES (NULL), (7);
    INSERT INTO parcel (n) SELECT i / 7.0 FROM generate_series(1, 3000) i;
    DELETE FROM parcel WHERE n BETWEEN 10 AND 100;
"""


@pytest.mark.parametrize("jobs", [1, 2, 9])
def test_rows_in_binary_come_back_by_one_session_or_several(
    jobs: int, make_place: MakePlace, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parting, "LARGE_TABLE_BYTES", 1)
    monkeypatch.setattr(parting, "PART_PAGES", 4)
    source, target = make_place(None, EVERY_BINARY_TYPE), make_place()

    manifest = back_up(source.url, bucket, prefix=f"binary-{jobs}/", run="r1")
    restore_archive(target.url, bucket, manifest, jobs=jobs)

    parts = [part for part in manifest.parts if part.table is not None]
    assert len(parts) > 3
    assert sum(part.rows or 0 for part in parts) == manifest.fingerprint.rows
    assert compare_fingerprints(manifest.fingerprint, take_fingerprint(target.url, like=manifest.fingerprint)) == []
    listed = "SELECT p::text FROM parcel p ORDER BY 1"
    assert fetch(source.owner_url, listed) == fetch(target.owner_url, listed)


def test_bytes_of_no_encoding_go_as_text_and_come_back(
    cluster: Cluster, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is converted, whatever encoding this system prefers: there is none to convert from."""
    monkeypatch.setattr(parting, "LARGE_TABLE_BYTES", 1)
    names = ("bytes_of_source", "bytes_of_target")
    for name in names:
        with psycopg.connect(cluster.admin_url, autocommit=True) as connection:
            connection.execute(
                f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'"
            )
    source, target = (cluster.url(name, role="postgres") for name in names)
    try:
        execute(source, "CREATE TABLE bag (label text); INSERT INTO bag VALUES (E'\\xff na\\xefve'), ('plain')")
        manifest = back_up(source, bucket, prefix="bytes/", run="r1")
        restore_archive(target, bucket, manifest)

        assert [part.table for part in manifest.parts] == [None] * 3
        assert fetch(target, "SELECT label::bytea FROM bag") == fetch(source, "SELECT label::bytea FROM bag")
    finally:
        for name in names:
            cluster.drop_database(name)


@pytest.mark.parametrize(
    ("key", "value", "portable"),
    [("mood", "mood", False), ("mood[]", "ARRAY[mood]", True), ("feelings", "ROW(n, mood)::feelings", False)],
)
def test_rows_whose_partition_the_hash_of_an_enum_chose_are_restored(
    key: str, value: str, portable: bool, make_place: MakePlace, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Enums have other hashes on another server, so that a row belongs into another partition there."""
    monkeypatch.setattr(parting, "LARGE_TABLE_BYTES", 1)
    source, target = make_place(None, """
        CREATE TYPE mood AS ENUM ('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l');
        CREATE TYPE feelings AS (day int, feeling mood);
        CREATE TABLE bag (feeling KEY, at int) PARTITION BY HASH (feeling);
        CREATE TABLE bag_0 PARTITION OF bag FOR VALUES WITH (MODULUS 2, REMAINDER 0) PARTITION BY RANGE (at);
        CREATE TABLE bag_0_all PARTITION OF bag_0 DEFAULT;
        CREATE TABLE bag_1 (at int, feeling KEY);
        ALTER TABLE bag ATTACH PARTITION bag_1 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
        INSERT INTO bag SELECT HASHED, at FROM
            unnest(enum_range(NULL::mood)) WITH ORDINALITY each (mood, n), generate_series(1, 1 << n::int) at;
        CREATE TABLE tag AS SELECT 'a'::mood;
    """.replace("KEY", key).replace("HASHED", value)), make_place()  # fmt: skip

    manifest = back_up(source.url, bucket, prefix="enums/", run="r1", portable=portable)
    restore_archive(target.url, bucket, manifest)

    found = take_fingerprint(target.url, like=manifest.fingerprint)
    leaves = [f"public.{name}" for name in ("bag_0_all", "bag_1")]
    assert [found.tables[leaf].rows for leaf in leaves] != [manifest.fingerprint.tables[leaf].rows for leaf in leaves]
    assert compare_fingerprints(manifest.fingerprint, found) == []
    assert count_rows(target.url) == manifest.fingerprint.counts == {"public.bag": 8190, "public.tag": 1}
    listed = "SELECT b::text FROM bag b ORDER BY b"
    assert len(fetch(source.owner_url, listed)) == 8190
    assert fetch(source.owner_url, listed) == fetch(target.owner_url, listed)
    assert {part.table.table for part in manifest.parts if part.table is not None} == {"tag"}
    for change in ("UPDATE bag SET at = -1 WHERE at = 4096", "DELETE FROM bag WHERE at = -1"):
        execute(target.owner_url, change)
        now = take_fingerprint(target.url, like=manifest.fingerprint)
        [difference] = compare_fingerprints(manifest.fingerprint, now)
        assert (difference.name, difference.inconclusive) == ("public.bag", False)


def test_rows_whose_partition_the_hash_of_an_array_chose_are_copied(make_place: MakePlace, scratch: Path) -> None:
    """As a restore to a time does it."""
    source, target = make_place(None, """
        CREATE TYPE mood AS ENUM ('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l');
        CREATE TABLE bag (feelings mood[]) PARTITION BY HASH (feelings);
        CREATE TABLE bag_0 PARTITION OF bag FOR VALUES WITH (MODULUS 2, REMAINDER 0);
        CREATE TABLE bag_1 PARTITION OF bag FOR VALUES WITH (MODULUS 2, REMAINDER 1);
        INSERT INTO bag SELECT ARRAY[one] FROM unnest(enum_range(NULL::mood)) one;
    """), make_place()  # fmt: skip
    with connect(source.url) as connection:
        tools = find_client_tools(observe_server(connection).major)

    copy_database(source.url, target.url, scratch / "copy", tools.bindir)

    expected = take_fingerprint(source.url)
    assert compare_fingerprints(expected, take_fingerprint(target.url, like=expected)) == []


FORGETFUL = """
    CREATE SCHEMA "Odd App";
    CREATE TABLE "Odd App".kind (name text PRIMARY KEY);
    INSERT INTO "Odd App".kind VALUES ('crate');
    SET search_path = "Odd App", public;
    CREATE TYPE shape AS ENUM ('crate');
    CREATE FUNCTION is_known(name text, "odd arg" int DEFAULT 1, VARIADIC more kind[] DEFAULT '{}') RETURNS bool STABLE
        LANGUAGE sql AS $$ SELECT $1::shape IS NOT NULL $$;
    CREATE FUNCTION count_kinds() RETURNS bigint LANGUAGE plpgsql
        AS $$ BEGIN RETURN (SELECT count(*) FROM Kind); END $$;
    CREATE FUNCTION plain(text) RETURNS text IMMUTABLE LANGUAGE sql AS $$ SELECT lower($1) $$;
    CREATE FUNCTION settled() RETURNS bigint LANGUAGE sql SET search_path = "Odd App" SET work_mem = '1MB'
        AS $$ SELECT count(*) FROM kind $$;
    CREATE TABLE bag (label text CHECK (is_known(label)), at point);
    INSERT INTO bag VALUES ('crate', '(1,2)');
    CREATE INDEX ON bag (plain(label));
    CREATE MATERIALIZED VIEW kinds AS SELECT count_kinds(), settled();
"""


@pytest.mark.parametrize("large_bytes", [1, parting.LARGE_TABLE_BYTES])
def test_functions_that_leave_out_the_schema_find_what_they_name(
    large_bytes: int, make_place: MakePlace, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pg_restore, and the scripts of pg_dump, have no search_path; afterwards the functions are as they were."""
    monkeypatch.setattr(parting, "LARGE_TABLE_BYTES", large_bytes)
    source, target = make_place(None, FORGETFUL), make_place()
    execute(source.admin_url, f'ALTER DATABASE "{source.name}" SET search_path = "Odd App", public')

    manifest = back_up(source.url, bucket, prefix=f"forgetful-{large_bytes}/", run="r1")
    restore_archive(target.url, bucket, manifest)

    assert compare_fingerprints(manifest.fingerprint, take_fingerprint(target.url, like=manifest.fingerprint)) == []
    assert dump_schema(source.admin_url) == dump_schema(target.admin_url)
    assert fetch(target.owner_url, 'SELECT * FROM "Odd App".kinds') == [(1, 1)]


def test_index_whose_function_leaves_out_the_schema_keeps_a_backup_from_being_taken(
    make_place: MakePlace, bucket: Bucket
) -> None:
    source = make_place(None, """
        CREATE FUNCTION plain(text) RETURNS text IMMUTABLE LANGUAGE sql AS $$ SELECT lower($1) $$;
        CREATE FUNCTION plainer(text) RETURNS text IMMUTABLE LANGUAGE sql AS $$ SELECT plain($1) $$;
        CREATE TABLE bag (label text);
        CREATE INDEX ON bag (plainer(label));
    """)  # fmt: skip

    with pytest.raises(SystemFailed, match=r'function plain\(text\) does not exist.*"plainer".*ALTER FUNCTION'):
        back_up(source.url, bucket, prefix="forgetful-index/", run="r1")

    execute(source.owner_url, "ALTER FUNCTION plainer SET search_path = public")
    assert back_up(source.url, bucket, prefix="forgetful-index/", run="r2").fingerprint.rows == 0


def test_rows_that_another_access_method_lays_out_go_as_text(
    make_place: MakePlace, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its pages may be no pages, and cutting a table there would leave rows out."""
    monkeypatch.setattr(parting, "LARGE_TABLE_BYTES", 1)
    source = make_place()
    execute(source.admin_url, "CREATE ACCESS METHOD heap2 TYPE TABLE HANDLER heap_tableam_handler")
    execute(source.owner_url, "CREATE TABLE bag USING heap2 AS SELECT 1 AS id; CREATE TABLE tag AS SELECT 1 AS id")

    with connect(source.url) as connection, connection.transaction():
        plans = parting.plan_parts(connection)

    assert [(plan.format, plan.tables) for plan in plans if plan.tables] == [
        ("binary", ("public.tag",)),
        ("plain", ("public.bag",)),
    ]


STUBBORN = {
    "client_encoding": "LATIN1",
    "datestyle": "SQL, DMY",
    "intervalstyle": "sql_standard",
    "timezone": "Asia/Kolkata",
    "bytea_output": "escape",
    "extra_float_digits": "-15",
    "standard_conforming_strings": "off",
    "default_transaction_isolation": "serializable",
    "idle_in_transaction_session_timeout": "1ms",
    "statement_timeout": "1min",
}


def test_settings_of_role_and_database_change_nothing(
    make_place: MakePlace, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parting, "LARGE_TABLE_BYTES", 1)
    source, target = make_place(None, """
        CREATE TABLE "bäg" AS
        SELECT id, '👜' || id AS label, now() - id * interval '200 years' AS at, id / 3::float8 AS f
        FROM generate_series(1, 20) id;
        CREATE TABLE "cräte" AS SELECT '👜'::text, point(1 / 3::float8, 2), '\\xff00'::bytea, make_interval(1, 2, 3);
    """), make_place()  # fmt: skip
    for place in (source, target):
        settings = [f"ALTER DATABASE {place.name} SET {setting} = '{value}'" for setting, value in STUBBORN.items()]
        execute(place.admin_url, "; ".join(settings))  # at once, for the next connection would have them

    manifest = back_up(source.url, bucket, prefix="stubborn/", run="r1")
    restore_archive(target.url, bucket, manifest)

    assert [part.format for part in manifest.parts] == ["binary", "plain", "custom", "custom"]
    assert compare_fingerprints(manifest.fingerprint, take_fingerprint(target.url, like=manifest.fingerprint)) == []


def test_names_are_recognised_in_a_database_of_another_encoding(
    cluster: Cluster, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parting, "LARGE_TABLE_BYTES", 1)
    names = ("latin_source", "latin_target")
    latin = "TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'"
    with psycopg.connect(cluster.admin_url, autocommit=True) as connection:
        for name in names:
            connection.execute(f"CREATE DATABASE {name} {latin}")
    source, target = (cluster.url(name, role="postgres") for name in names)
    try:
        execute(source, 'CREATE TABLE "bäg" AS SELECT \'ä\' AS "bezüg"; CREATE TABLE tag AS SELECT \'ö\' AS "wört"')
        manifest = back_up(source, bucket, prefix="latin/", run="r1")
        restore_archive(target, bucket, manifest)

        assert [part.name for part in manifest.parts] == ["data-1", "data-rest", "schema"]
        assert compare_fingerprints(manifest.fingerprint, take_fingerprint(target, like=manifest.fingerprint)) == []
    finally:
        for name in names:
            cluster.drop_database(name)


def test_table_is_kept_from_being_emptied_while_it_is_dumped(
    make_place: MakePlace, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who reads an emptied table in an older snapshot finds nothing, and both the dump and its count would be wrong."""
    monkeypatch.setattr(parting, "LARGE_TABLE_BYTES", 1)
    source = make_place(None, "CREATE TABLE bag AS SELECT i FROM generate_series(1, 1000) i")
    refused: list[str] = []

    def empty(phase: str, done_bytes: int, total_bytes: int | None) -> None:
        if phase == "dump" and not refused:
            try:
                execute(source.owner_url, "SET lock_timeout = 10; TRUNCATE bag")
            except psycopg.errors.LockNotAvailable as error:
                refused.append(str(error))

    manifest = back_up(source.url, bucket, prefix="emptied/", run="r1", progress=empty)

    assert refused
    assert manifest.fingerprint.rows == 1000


def test_table_is_kept_from_being_emptied_since_the_snapshot(
    make_place: MakePlace, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parting, "LARGE_TABLE_BYTES", 1)
    source = make_place(None, "CREATE TABLE bag AS SELECT i FROM generate_series(1, 1000) i")
    refused: list[str] = []

    def empty_first(connection: Connection) -> list[parting.PartPlan]:
        try:
            execute(source.owner_url, "SET lock_timeout = 10; TRUNCATE bag")
        except psycopg.errors.LockNotAvailable as error:
            refused.append(str(error))
        return parting.plan_parts(connection)

    monkeypatch.setattr(backup, "plan_parts", empty_first)
    manifest = back_up(source.url, bucket, prefix="emptied-early/", run="r1")

    assert refused
    assert manifest.fingerprint.rows == 1000


def test_backup_of_the_first_version_is_still_restored(
    make_place: MakePlace, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then every part was an archive for pg_restore, compressed as one frame."""
    source, target = make_place(None, UNUSUAL_SCHEMA), make_place()
    monkeypatch.setattr(streams, "FRAME_BYTES", 10**9)
    monkeypatch.setattr(parting, "LARGE_TABLE_BYTES", 1)
    monkeypatch.setattr(parting, "BINARY_TYPES", [])
    monkeypatch.setattr(backup, "plan_parts", lambda connection: [
        replace(plan, format="custom", tables=()) for plan in parting.plan_parts(connection)
    ])  # fmt: skip
    now = back_up(source.url, bucket, prefix="first/", run="r1")
    monkeypatch.undo()
    parts = [part.model_dump(exclude={"format", "rows", "table"}) for part in now.parts]
    text = json.dumps(now.model_dump(mode="json") | {"schema_version": 1, "parts": parts})

    manifest = Manifest.model_validate_json(text)
    restore_archive(target.url, bucket, manifest)

    assert {part.format for part in manifest.parts} == {"custom"}
    assert compare_fingerprints(manifest.fingerprint, take_fingerprint(target.url, like=manifest.fingerprint)) == []
    assert dump_schema(source.admin_url) == dump_schema(target.admin_url)


def test_backup_of_the_second_version_is_still_restored(make_place: MakePlace, bucket: Bucket) -> None:
    """Then the columns of a row were hashed as one record."""
    source, target = make_place(None, UNUSUAL_SCHEMA), make_place()
    now = back_up(source.url, bucket, prefix="second/", run="r1")
    tables = {name: table.model_copy(update={"method": "columns"}) for name, table in now.fingerprint.tables.items()}
    then = take_fingerprint(source.url, like=now.fingerprint.model_copy(update={"tables": tables}))
    text = json.dumps(now.model_dump(mode="json") | {"schema_version": 2, "fingerprint": then.model_dump(mode="json")})

    manifest = Manifest.model_validate_json(text)
    restore_archive(target.url, bucket, manifest)

    assert {table.method for table in manifest.fingerprint.tables.values()} == {"columns"}
    assert compare_fingerprints(manifest.fingerprint, take_fingerprint(target.url, like=manifest.fingerprint)) == []


def test_backup_of_the_third_version_is_still_restored(
    make_place: MakePlace, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then all rows of large tables were text."""
    source, target = make_place(None, UNUSUAL_SCHEMA), make_place()
    monkeypatch.setattr(parting, "LARGE_TABLE_BYTES", 1)
    monkeypatch.setattr(parting, "BINARY_TYPES", [])
    now = back_up(source.url, bucket, prefix="third/", run="r1")
    parts = [part.model_dump(exclude={"table"}) for part in now.parts]

    manifest = Manifest.model_validate_json(
        json.dumps(now.model_dump(mode="json") | {"schema_version": 3, "parts": parts})
    )
    restore_archive(target.url, bucket, manifest)

    assert {part.format for part in manifest.parts} == {"custom", "plain"}
    assert compare_fingerprints(manifest.fingerprint, take_fingerprint(target.url, like=manifest.fingerprint)) == []
    assert dump_schema(source.admin_url) == dump_schema(target.admin_url)


def test_snapshot_is_exact_while_others_write(make_place: MakePlace, bucket: Bucket) -> None:
    source = make_place(None, "CREATE TABLE bag (id serial PRIMARY KEY, note text)")
    execute(source.owner_url, "INSERT INTO bag (note) SELECT md5(i::text) FROM generate_series(1, 30000) i")
    stop = threading.Event()

    def write() -> None:
        with psycopg.connect(source.owner_url, autocommit=True) as connection:
            while not stop.is_set():
                connection.execute("INSERT INTO bag (note) VALUES ('later')")
                connection.execute("DELETE FROM bag WHERE id = (SELECT min(id) FROM bag)")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        manifest = back_up(source.url, bucket, prefix="busy/", run="r1")
    finally:
        stop.set()
        writer.join()
    target = make_place()
    restore_archive(target.url, bucket, manifest)

    assert compare_fingerprints(manifest.fingerprint, take_fingerprint(target.url, like=manifest.fingerprint)) == []
    sequence = manifest.fingerprint.sequences["public.bag_id_seq"]
    assert sequence.last_value_after is not None
    assert sequence.last_value_after > sequence.last_value


def test_manifest_says_where_it_came_from(make_place: MakePlace, bucket: Bucket, cluster: Cluster) -> None:
    source = make_place(None, "CREATE TABLE bag (id int); INSERT INTO bag VALUES (1), (2)")
    execute(cluster.admin_url, f"ALTER DATABASE {source.name} SET work_mem = '7MB'")

    manifest = back_up(source.url, bucket, prefix="facts/", run="r1", metadata={"backup-type": "manual"})

    with connect(source.url) as connection:
        server = observe_server(connection)
    assert manifest.source.server_version == server.version
    assert manifest.source.roles == ("traitortrack",)
    assert [(setting.name, setting.value) for setting in manifest.source.traits.settings] == [("work_mem", "7MB")]
    assert manifest.fingerprint.rows == 2
    assert manifest.verified_at >= manifest.snapshot_at
    assert read_manifest(bucket, manifest.key) == manifest
    assert bucket.find(manifest.parts[0].key).metadata == {"backup-type": "manual", "holdfast-run": "r1"}
    confirm_backup(bucket, manifest)


def test_run_that_has_its_backup_takes_no_other(make_place: MakePlace, bucket: Bucket) -> None:
    source = make_place(None, "CREATE TABLE bag (id int)")

    first = back_up(source.url, bucket, prefix="again/", run="r1")
    execute(source.owner_url, "INSERT INTO bag VALUES (1)")

    assert back_up(source.url, bucket, prefix="again/", run="r1") == first
    assert back_up(source.url, bucket, prefix="again/", run="r2").fingerprint.rows == 1
    assert [backup.run for backup in list_backups(bucket, "again/").backups] == ["r2", "r1"]


def test_backup_is_restored_by_hand_as_documented(
    make_place: MakePlace, bucket: Bucket, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each block of the document that is not about fetching and creating, by a shell that knows nothing of us."""
    if not all(map(shutil.which, ("bash", "jq", "sha256sum", "zstd"))):
        pytest.skip("no bash, jq, sha256sum or zstd")
    monkeypatch.setattr(parting, "LARGE_TABLE_BYTES", 1)
    monkeypatch.setattr(parting, "PART_PAGES", 20)
    crates = "CREATE TABLE crate (id serial PRIMARY KEY, at point); INSERT INTO crate (at) VALUES ('(1,2)'), (NULL);"
    source = make_place(None, crates + EVERY_BINARY_TYPE.replace("parcel", "\"it's :'a %s' $1 pärcel\""))
    target = make_place()
    manifest = back_up(source.url, bucket, prefix="by-hand/", run="r1")
    (scratch / "manifest.json").write_bytes(bucket.read_all(bucket.find(manifest.manifest_key)))
    for part in manifest.parts:
        (scratch / Path(part.key).name).write_bytes(bucket.read_all(bucket.find(part.key, part.version_id)))

    blocks = re.findall(r"^   ```sh\n(.*?)^   ```$", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)
    tools = find_client_tools(manifest.source.server_major)
    environment = client_environment(target.url) | {
        "PATH": f"{tools.bindir}{os.pathsep}{os.environ['PATH']}", "TARGET": target.name,
    }  # fmt: skip
    said = [capture_in(scratch, ["bash", "-euo", "pipefail", "-c", block], environment) for block in blocks]

    assert len(said) == 5
    assert {part.format for part in manifest.parts} == {"binary", "plain", "custom"}
    assert said[0].count(": OK") == len(manifest.parts)
    assert said[-1] == ""
    assert compare_fingerprints(manifest.fingerprint, take_fingerprint(target.url, like=manifest.fingerprint)) == []
    assert dump_schema(source.admin_url) == dump_schema(target.admin_url)
    execute(target.owner_url, "DELETE FROM crate WHERE id = 1")
    assert capture_in(scratch, ["bash", "-c", blocks[-1]], environment) == "public.crate|-1\n"


def capture_in(directory: Path, command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_cancelled_backup_leaves_no_backup(make_place: MakePlace, bucket: Bucket) -> None:
    source = make_place(None, "CREATE TABLE bag AS SELECT i, md5(i::text) FROM generate_series(1, 100000) i")
    asked = iter([False] * 3)

    with pytest.raises(SystemCancelled):
        back_up(source.url, bucket, prefix="cancelled/", run="r1", cancelled=lambda: next(asked, True))

    assert list_backups(bucket, "cancelled/").backups == ()


def test_table_that_may_not_be_read_is_no_backup(make_place: MakePlace, bucket: Bucket) -> None:
    source = make_place()
    execute(
        source.admin_url,
        """
        CREATE TABLE hidden (id int);
        INSERT INTO hidden VALUES (1);
        ALTER TABLE hidden ENABLE ROW LEVEL SECURITY;
        CREATE POLICY nothing ON hidden USING (false);
        """,
    )

    with pytest.raises(SystemRefused, match=r"hides rows of public\.hidden from holdfast") as caught:
        back_up(source.url, bucket, prefix="failed/", run="r1")
    assert caught.value.next_step.endswith("ALTER ROLE holdfast BYPASSRLS.")

    assert list_backups(bucket, "failed/").backups == ()


def test_table_that_somebody_holds_is_no_backup(
    make_place: MakePlace, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "LOCK_TIMEOUT_S", 0.1)
    source = make_place(None, "CREATE TABLE bag (id int)")
    with psycopg.connect(source.owner_url) as holder:
        holder.execute("LOCK bag")
        with pytest.raises(BackupFailed, match=r"lock timeout.*There is no backup"):
            back_up(source.url, bucket, prefix="held/", run="r1")


def test_dump_that_dies_leaves_no_object(
    make_place: MakePlace, bucket: Bucket, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make_place(None, "CREATE TABLE bag AS SELECT i, md5(i::text) FROM generate_series(1, 500000) i")

    class Dying(Child):
        def __init__(self, command: Sequence[str | Path], **options: Any) -> None:
            super().__init__(command, **options)
            if any("bag" in str(argument) for argument in command):
                self.stdout.read(1_000_000)
                os.kill(self.pid, signal.SIGKILL)

    monkeypatch.setattr(backup, "Child", Dying)
    with pytest.raises(SystemFailed, match="psql was ended by SIGKILL"):
        back_up(source.url, bucket, prefix="died/", run="r1")

    listing = list_backups(bucket, "died/")
    assert listing.backups == ()
    stored = [found.key for entry in listing.unusable for found in bucket.list_objects(entry.key)]
    assert not any(key.endswith("rows-1.rows.zst") for key in stored)
    uploads = cloud.s3.list_multipart_uploads(Bucket=bucket.name, Prefix="died/")
    assert uploads.get("Uploads", []) == []


def test_uploads_of_a_killed_attempt_are_dropped(make_place: MakePlace, bucket: Bucket, cloud: Cloud) -> None:
    source = make_place(None, "CREATE TABLE bag (id int)")
    for key in (f"killed/{source.name}_20250101T000000Z_r1/data-1.sql.zst", "killed/other_20250101T000000Z_r1/x"):
        cloud.s3.create_multipart_upload(Bucket=bucket.name, Key=key)

    back_up(source.url, bucket, prefix="killed/", run="r1")

    left = cloud.s3.list_multipart_uploads(Bucket=bucket.name, Prefix="killed/").get("Uploads", [])
    assert [upload["Key"] for upload in left] == ["killed/other_20250101T000000Z_r1/x"]


SLOW = """
    CREATE FUNCTION slow(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS
        $$ BEGIN IF current_database() = 'TARGET' THEN PERFORM pg_sleep(1); END IF; RETURN $1; END $$;
    CREATE TABLE bag AS SELECT i AS id FROM generate_series(1, 600) i;
    CREATE INDEX bag_slow ON bag (slow(id));
"""
"""A database that takes minutes to restore, since a function sleeps for every row of an index."""
WORKING = "SELECT pid FROM pg_stat_activity WHERE datname = %s AND query LIKE 'CREATE INDEX%%'"


def test_cancelled_restore_has_stopped_on_the_server_too(make_place: MakePlace, bucket: Bucket) -> None:
    source, target = make_place(), make_place()
    execute(source.owner_url, SLOW.replace("TARGET", target.name))
    manifest = back_up(source.url, bucket, prefix="slow/", run="r1")

    with pytest.raises(SystemCancelled):
        restore_archive(target.url, bucket, manifest, cancelled=lambda: is_working(source, target))

    assert not is_working(source, target)


def is_working(source: Place, target: Place) -> bool:
    with psycopg.connect(source.admin_url) as connection:
        return bool(connection.execute(WORKING, (target.name,)).fetchall())


RESTORING = """
import sys, boto3
from bot.systems.archives import Bucket
from bot.systems.dumps.manifest import Manifest
from bot.systems.dumps.restore import restore_archive
manifest = Manifest.model_validate_json(sys.stdin.read())
restore_archive(sys.argv[1], Bucket(boto3.client("s3"), sys.argv[2]), manifest)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a killed process leaves its temporary file behind")
def test_killed_restore_leaves_nothing_on_disk(
    make_place: MakePlace, bucket: Bucket, cloud: Cloud, scratch: Path
) -> None:
    source, target = make_place(), make_place()
    execute(source.owner_url, SLOW.replace("TARGET", target.name))
    manifest = back_up(source.url, bucket, prefix="killed-restore/", run="r1")
    environment = os.environ | cloud.environment() | {"TMPDIR": str(scratch)}
    command = [sys.executable, "-c", RESTORING, target.url, bucket.name]
    with subprocess.Popen(command, stdin=subprocess.PIPE, env=environment, text=True) as restoring:
        assert restoring.stdin is not None
        restoring.stdin.write(manifest.model_dump_json())
        restoring.stdin.close()
        wait_until(lambda: is_working(source, target))
        restoring.kill()

    assert list(scratch.iterdir()) == []


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
