"""Reading a plain dump to its end, loading it into an empty database, and comparing what is in there with it.

A plain dump is the psql script that `pg_dump --create | gzip` wrote. It is never given to psql: each statement is
judged (`plain_rules`) and sent by itself over one connection, which leads to one database and to no other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from bot.systems.databases import Database, create_beside
from bot.systems.dumps.plain_builds import EarlyBuilds
from bot.systems.dumps.plain_facts import DumpHead, PlainDump, TableRows
from bot.systems.dumps.plain_files import PlainFile
from bot.systems.dumps.plain_reader import Reader
from bot.systems.dumps.plain_rules import Treatment, is_setting
from bot.systems.dumps.plain_script import DumpRefused, Rows, Script, Statement
from bot.systems.dumps.plain_stream import Gunzipped, reading_ahead
from bot.systems.dumps.streams import ArchiveDamaged
from bot.systems.dumps.watch import Progress, Watch, ignore_progress
from bot.systems.fingerprints import Difference, read_sequences
from bot.systems.outcomes import SystemFailed, SystemRefused
from bot.systems.postgres import Connection, connect
from bot.systems.row_values import explain
from bot.systems.side_databases import drop_side

LOOK_EVERY_S = 0.2
COUNT_LARGE_OBJECTS = "SELECT count(*), coalesce(sum(length(lo_get(oid))), 0)::bigint FROM pg_largeobject_metadata"
RELATION_KIND = """
    SELECT c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %s AND c.relname = %s
"""


class LoadFailed(SystemFailed):
    """The server did not take a statement of the dump. What was loaded so far is half a database."""


@dataclass(frozen=True)
class LoadReport:
    """What a load did: durations in seconds per phase."""

    durations_s: dict[str, float]


def read_head(file: PlainFile) -> DumpHead:
    """What the beginning says; reads no more than it must. Raises ArchiveDamaged, DumpRefused, StorageUnavailable."""
    reader = Reader(file.place)
    for _ in reader.admit(Script(Gunzipped(file.read(), place=file.place), place=file.place)):
        if reader.connected:
            break
    return reader.head


def read_whole(
    file: PlainFile, *, progress: Progress = ignore_progress, cancelled: Callable[[], bool] = lambda: False
) -> PlainDump:
    """Read a dump to its end: complete, undamaged, and nothing in it that is not run here; and what it holds.

    Raises ArchiveDamaged, DumpRefused, ArchiveVanished, StorageUnavailable or SystemCancelled.
    """
    watch, reader = Watch(progress, cancelled), Reader(file.place)
    packed = _unpack(file, watch, "read")
    with reading_ahead(packed) as chunks:
        try:
            for _ in reader.admit(Script(chunks, place=file.place)):
                pass
        except DumpRefused:
            # Damage makes strange statements of good ones: the rest is read to its checksum, which has the first word.
            for _chunk in chunks:
                pass
            raise
    return reader.finish(size_bytes=packed.size_bytes, script_bytes=packed.script_bytes, sha256=packed.sha256)


def create_for(maintenance_url: str, name: str, dump: PlainDump, *, owner: str) -> int:
    """Make an empty database as the dump's was, drop what an earlier attempt left first; returns its oid.

    Raises SystemRefused where the server has no such locale or encoding.
    """
    drop_side(maintenance_url, name)
    like = Database(
        name=name,
        oid=0,
        owner=owner,
        encoding=dump.encoding,
        collation=dump.collation,
        character_type=dump.character_type,
        locale_provider=dump.locale_provider,
        locale=dump.locale,
        allows_connections=True,
        connection_limit=-1,
        comment=None,
        size_bytes=None,
    )
    with connect(maintenance_url, purpose="create beside") as connection:
        try:
            create_beside(connection, name, like=like)
        except psycopg.Error as error:
            raise SystemRefused(
                f"The server cannot make a database as the dump's was: {explain(error)}. Nothing was "
                "changed. Install what is missing on the server, or choose another backup."
            ) from error
        row = connection.execute("SELECT oid::bigint FROM pg_database WHERE datname = %s", (name,)).fetchone()
    assert row is not None  # just made
    return int(row[0])


def load(
    url: str,
    file: PlainFile,
    dump: PlainDump,
    *,
    progress: Progress = ignore_progress,
    cancelled: Callable[[], bool] = lambda: False,
) -> LoadReport:
    """Load a dump that was read to its end into the existing, empty database that `url` leads to, and nowhere else.

    The first error stops everything, and so does a file that is not the one that was read. Statistics are gathered at
    the end. Phases told: load, analyze. After a failure the target is half filled: drop it.
    Raises LoadFailed, ArchiveDamaged, DumpRefused, ArchiveVanished, StorageUnavailable or SystemCancelled.
    """
    watch = Watch(progress, cancelled)
    with (
        connect(url, purpose="load dump") as connection,
        connect(url, purpose="build indexes") as builder,
        ThreadPoolExecutor(1, thread_name_prefix="load") as pool,
    ):
        working = pool.submit(_load, connection, builder, file, dump, watch)
        try:
            while wait([working], timeout=LOOK_EVERY_S).not_done:
                watch.check()
        except BaseException:
            # An index may take an hour: nobody waits for that who has been told to stop. Asked again and again, since
            # a request that comes between two statements is lost.
            while wait([working], timeout=LOOK_EVERY_S).not_done:
                connection.cancel_safe()
            raise
        working.result()
    return LoadReport(watch.durations_s)


def compare(url: str, dump: PlainDump) -> tuple[int, list[Difference]]:
    """Rows found, and what is not as in the dump: rows of every table, sequences, large objects. Raises LoadFailed."""
    # In a database without an encoding (SQL_ASCII) names would come as bytes.
    url = make_conninfo(url, client_encoding="UTF8")
    try:
        with connect(url, purpose="compare with dump") as connection:
            connection.execute("SET default_transaction_read_only = on")
            found = {table: _count(connection, table) for table in dump.tables}
            differences = [*_compare_tables(found), *_compare_others(connection, url, dump)]
            return sum(rows or 0 for rows in found.values()), differences
    except psycopg.Error as error:
        raise LoadFailed(f"What was loaded could not be read: {explain(error)}.") from error


def _unpack(file: PlainFile, watch: Watch, phase: str) -> Gunzipped:
    def told(count: int) -> None:
        watch.count(phase, count, file.size_bytes)

    return Gunzipped(file.read(), place=file.place, told=told)


def _load(connection: Connection, builder: Connection, file: PlainFile, dump: PlainDump, watch: Watch) -> None:
    with watch.phase("load"), EarlyBuilds(dump.builds, partial(_execute, builder), builder.cancel_safe) as builds:
        # What is lost when the server crashes now is dropped and loaded again; the exchange of names waits for disk.
        for one in (connection, builder):
            one.execute("SET synchronous_commit = off")
        packed = _unpack(file, watch, "load")
        reader = Reader(file.place)
        with reading_ahead(packed) as chunks:
            for treatment, statement in reader.admit(Script(chunks, place=file.place)):
                _run(connection, treatment, statement, reader, builds)
        if packed.sha256 != dump.sha256:
            raise ArchiveDamaged(f"{file.place} has changed since it was read. Ask for a new plan.")
    with watch.phase("analyze"):
        connection.execute("RESET ALL")
        connection.execute("ANALYZE")


def _run(
    connection: Connection, treatment: Treatment, statement: Statement, reader: Reader, builds: EarlyBuilds
) -> None:
    try:
        if isinstance(statement, Rows):
            _copy(connection, statement, reader)
            builds.begin(reader.find_table(statement))
        elif treatment is Treatment.ACT_AS:
            _execute(connection, _act_as(statement))
        elif not builds.settle(statement):
            _execute(connection, statement.text)
            if is_setting(statement):
                builds.prepare(statement)
    except psycopg.Error as error:
        raise LoadFailed(
            f'The server did not take "{statement.beginning}" from {reader.place}: '
            f"{explain(error)}. Choose another dump, or have somebody look at this one."
        ) from error


def _execute(connection: Connection, statement: bytes) -> None:
    """With results in binary a statement goes by itself: the server refuses a second one behind it."""
    connection.execute(statement, binary=True)


def _act_as(statement: Statement) -> bytes:
    """A role's own grants are its own to give: whoever may be that role needs no superuser for it."""
    if statement.words[0] == "RESET" or statement.words[3:] == ("DEFAULT",):
        return b"RESET ROLE"
    return b"SET ROLE " + statement.tokens[3]


def _copy(connection: Connection, rows: Rows, reader: Reader) -> None:
    """The server's own count must be the file's."""
    before = reader.table_rows.total()
    with connection.cursor() as cursor:
        with cursor.copy(rows.text) as copy:
            for chunk in rows.chunks:
                copy.write(chunk)
        written = reader.table_rows.total() - before
        if cursor.rowcount != written:
            raise LoadFailed(f"Of {written:,} rows for one table, {cursor.rowcount:,} arrived.")


def _count(connection: Connection, table: TableRows) -> int | None:
    """None where there is no such table."""
    kind = connection.execute(RELATION_KIND, (table.schema_name, table.table)).fetchone()
    if kind is None:
        return None
    # The rows of a table whose children have tables of their own are its own alone; those of partitions are not.
    only = sql.SQL("" if kind[0] == "p" else "ONLY ")
    query = sql.SQL("SELECT count(*) FROM {}{}").format(only, sql.Identifier(table.schema_name, table.table))
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else None


def _compare_tables(found: dict[TableRows, int | None]) -> Iterator[Difference]:
    for expected, rows in found.items():
        if rows != expected.rows:
            name, there = (
                f"{expected.schema_name}.{expected.table}",
                "no such table" if rows is None else f"{rows:,} rows",
            )
            yield Difference(name=name, expected=f"{expected.rows:,} rows", found=there)


def _compare_others(connection: Connection, url: str, dump: PlainDump) -> Iterator[Difference]:
    found = read_sequences(url) if dump.sequences else {}
    for name, state in dump.sequences.items():
        if found.get(name) != state:
            yield Difference(name=name, expected=str(state), found=str(found.get(name, "no such sequence")))
    row = connection.execute(COUNT_LARGE_OBJECTS).fetchone()
    if row is not None and row != (dump.large_objects, dump.large_object_bytes):
        yield Difference(
            name="large objects",
            expected=f"{dump.large_objects:,} of {dump.large_object_bytes:,} bytes",
            found=f"{row[0]:,} of {row[1]:,} bytes",
        )
