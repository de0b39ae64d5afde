"""Rows of one table in COPY's binary format: out of the source, past the eye, into the target.

PostgreSQL spends most of a dump and of a load on writing values as text and reading them again. In binary, out takes a
quarter less of its CPU and in two fifths less. That is for types alone whose binary form every server agrees on, as
drivers of all languages rely on it; other tables go as text.

Restorable by hand: `zstd -dc OBJECT | psql -c "COPY table (columns) FROM STDIN (FORMAT binary)"`, as
docs/restore-by-hand.md says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import psycopg
from psycopg import sql
from pydantic import BaseModel, ConfigDict

from bot.systems.client_tools import ClientTools
from bot.systems.dumps.pouring import RowsRefused
from bot.systems.postgres import LIFT_TIME_LIMITS, connect
from bot.systems.row_values import explain

# Fixed by PostgreSQL's protocol since long before the oldest version that we meet. An enum travels by its label.
BINARY_TYPES = [
    "bool", "bytea", "char", "name", "int2", "int4", "int8", "float4", "float8", "numeric", "text", "varchar", "bpchar",
    "date", "time", "timetz", "timestamp", "timestamptz", "interval", "uuid", "json", "jsonb",
    "_bool", "_int2", "_int4", "_int8", "_float8", "_numeric", "_text", "_varchar", "_timestamptz", "_uuid", "_jsonb",
]  # fmt: skip
# PostgreSQL's documentation, "COPY", "Binary Format": the file begins and ends so.
SIGNATURE = b"PGCOPY\n\xff\r\n\x00"
TRAILER = b"\xff\xff"


class TableRows(BaseModel):
    """Whose rows they are: the columns in the order in which they come, without those that the server computes."""

    model_config = ConfigDict(frozen=True)
    schema_name: str
    table: str
    columns: tuple[str, ...]

    @property
    def name(self) -> sql.Identifier:
        """The table as SQL writes it."""
        return sql.Identifier(self.schema_name, self.table)

    @property
    def listed(self) -> sql.Composed:
        """The columns as SQL writes them."""
        return sql.SQL(", ").join(map(sql.Identifier, self.columns))

    def __str__(self) -> str:
        return f"{self.schema_name}.{self.table}"


class Pages(NamedTuple):
    """The pages of a table that one part holds: from the first up to but without the last, or to the table's end."""

    first: int
    last: int | None


def write_command(
    tools: ClientTools, rows: TableRows, pages: Pages | None, *, snapshot: str, lock_timeout_s: float
) -> list[str | Path]:
    """psql, writing the rows to its standard output and as the last line of stderr how many the server has sent."""
    commands = [
        # The server's own, so that nothing is converted, whatever this system prefers.
        "SET client_encoding = 'UTF8'",
        LIFT_TIME_LIMITS,
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        f"SET TRANSACTION SNAPSHOT {sql.Literal(snapshot).as_string(None)}",
        f"SET lock_timeout = {round(lock_timeout_s * 1000)}",
        "SET row_security = off",
        f"\\copy {_choose(rows, pages).as_string(None)} to pstdout with (format binary)",
        "\\warn :ROW_COUNT",
    ]
    # Only where the rows go elsewhere than what psql says does it count them.
    options = ["--no-psqlrc", "--quiet", "--no-password", "--set=ON_ERROR_STOP=1", "--output=/dev/null"]
    return [tools.psql, *options, *(f"--command={command}" for command in commands)]


def _choose(rows: TableRows, pages: Pages | None) -> sql.Composed:
    if pages is None:
        return sql.SQL("{} ({})").format(rows.name, rows.listed)
    within = f"ctid >= '({pages.first},0)'" + ("" if pages.last is None else f" AND ctid < '({pages.last},0)'")
    query = sql.SQL("(SELECT {} FROM ONLY {} WHERE {})")
    return query.format(rows.listed, rows.name, sql.SQL(within))


def see_whole(chunks: Iterable[bytes]) -> None:
    """Read rows to their end. Raises RowsRefused where they do not begin and end as binary rows do."""
    begin = end = b""
    for chunk in chunks:
        if len(begin) < len(SIGNATURE):
            begin += chunk[: len(SIGNATURE)]
        end = end[-1:] + chunk[-2:]
    if not begin.startswith(SIGNATURE):
        raise RowsRefused("It does not begin as rows in COPY's binary format do.")
    if not end.endswith(TRAILER):
        raise RowsRefused("It ends within the rows of a table.")


def load(url: str, rows: TableRows, contents: Iterable[Iterator[bytes]], *, alone: bool) -> None:
    """Load rows into a table, all or none. `alone`: they are all that the table gets, and it is emptied first.

    Then the rows are written frozen: whoever reads them next, which is the build of an index, has nothing to find out
    and nothing to write down about them, and the first vacuum has nothing to do. Raises RowsRefused, and whatever
    `contents` raise.
    """
    options = sql.SQL("FORMAT binary, FREEZE" if alone else "FORMAT binary")
    statement = sql.SQL("COPY {} ({}) FROM STDIN ({})").format(rows.name, rows.listed, options)
    with connect(url, purpose="restore rows") as connection:
        connection.execute(LIFT_TIME_LIMITS)
        try:
            with connection.transaction():
                if alone:
                    connection.execute(sql.SQL("TRUNCATE ONLY {}").format(rows.name))
                for content in contents:
                    with connection.cursor().copy(statement) as copy:
                        for chunk in content:
                            copy.write(chunk)
        except psycopg.Error as error:
            raise RowsRefused(f"The server did not take rows (COPY {rows}): {explain(error)}") from error
