"""Foreign keys that hold for new rows at once and are checked against the restored ones later.

Checking reads both tables of each key once more, one key of a table after the other, while cores are idle. So a restore
whose rows are compared with the source's anyway, where the keys held, may add them NOT VALID and check them when the
database is in use again: VALIDATE CONSTRAINT lets others read and write meanwhile.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import psycopg
from psycopg import sql
from pydantic import BaseModel, ConfigDict

from bot.systems.client_tools import ClientTools
from bot.systems.dumps.passing_files import open_passing_file
from bot.systems.outcomes import SystemFailed
from bot.systems.postgres import Connection, connect
from bot.systems.processes import capture
from bot.systems.row_values import explain

# Lines of pg_restore's table of contents: number; the catalog's and the object's ids, kind, schema, name.
KEY = re.compile(r"\d+; \d+ \d+ FK CONSTRAINT ")
COMMENT = re.compile(r"\d+; \d+ \d+ COMMENT ")
# One for each such line, in the same order. Without ONLY where the table is partitioned: its keys cannot be NOT VALID.
STATEMENT = re.compile(r"^ALTER TABLE (?:ONLY )?.+\n    ADD CONSTRAINT .+;$", re.MULTILINE)
LOCK_TIMEOUT_S = 60

LIST_PARTITIONED = """
    SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'p'
"""
LIST_UNCHECKED = """
    SELECT k.oid, n.nspname, c.relname, k.conname
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE k.contype = 'f' AND NOT k.convalidated
    ORDER BY pg_table_size(c.oid), 2, 3, 4
"""
FIND_KEY = """
    SELECT k.convalidated
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE k.contype = 'f' AND (n.nspname, c.relname, k.conname) = (%s, %s, %s)
"""


class CheckFailed(SystemFailed):
    """Whether a foreign key holds could not be found out."""


class ForeignKey(BaseModel):
    """One foreign key: the table that has it, and its name there."""

    model_config = ConfigDict(frozen=True)
    schema_name: str
    table: str
    name: str

    def __str__(self) -> str:
        return f"{self.name} of {self.schema_name}.{self.table}"


class PostData(NamedTuple):
    """What comes after the rows, in three: entries for pg_restore, keys to be added unchecked, comments on all that.

    The last two are empty where no key can be put off.
    """

    entries: list[str]
    statements: list[str]
    comments: list[str]


def take_apart(tools: ClientTools, schema: Path, partitioned: list[str]) -> PostData:
    """Tell the foreign keys of a schema's archive that can be put off from everything else. Raises ProcessFailed."""
    entries = capture([tools.pg_restore, "--section=post-data", "--list", schema]).splitlines()
    keys = [entry for entry in entries if KEY.match(entry)]
    statements = _read_statements(tools, schema, keys) if keys else []
    # A name with a line break in it would be read wrongly, and then nothing is put off.
    pairs = zip(keys, statements, strict=True) if len(keys) == len(statements) else ()
    later = {entry: statement for entry, statement in pairs if _can_wait(statement, partitioned)}
    comments = {entry for entry in entries if later and COMMENT.match(entry)}
    return PostData(
        entries=[entry for entry in entries if entry not in later.keys() | comments],
        statements=[f"{statement.removesuffix(';')} NOT VALID;" for statement in later.values()],
        comments=[entry for entry in entries if entry in comments],
    )


def _read_statements(tools: ClientTools, schema: Path, keys: list[str]) -> list[str]:
    with open_passing_file() as (file, path):
        file.write("\n".join(keys).encode())
        file.flush()
        script = capture([tools.pg_restore, f"--use-list={path}", "--file=-", schema])
    return STATEMENT.findall(script)


def _can_wait(statement: str, partitioned: list[str]) -> bool:
    """Whether it may be NOT VALID, and is not already, as a key is whose source never checked it."""
    ours = statement.startswith("ALTER TABLE ONLY ") and not statement.endswith(" NOT VALID;")
    return ours and not any(f" REFERENCES {table}(" in statement for table in partitioned)


def list_partitioned(connection: Connection) -> list[str]:
    """Partitioned tables, as SQL writes them."""
    return [name for (name,) in connection.execute(LIST_PARTITIONED).fetchall()]


def add_unchecked(connection: Connection, statements: list[str], check: Callable[[], None]) -> tuple[ForeignKey, ...]:
    """Add keys by statements that pg_restore wrote; the keys that are to be checked. Raises CheckFailed."""
    before = {oid for oid, *_ in connection.execute(LIST_UNCHECKED).fetchall()}
    connection.execute("SELECT set_config('search_path', '', false)")
    for statement in statements:
        check()
        try:
            connection.execute(statement.encode())
        except psycopg.Error as error:
            raise CheckFailed(f"A foreign key could not be added: {explain(error)}") from error
    found = connection.execute(LIST_UNCHECKED).fetchall()
    return tuple(
        ForeignKey(schema_name=schema, table=table, name=name)
        for oid, schema, table, name in found
        if oid not in before
    )


def check_keys(url: str, keys: list[ForeignKey], told: Callable[[str], None]) -> list[str]:
    """Check each key against every row, unless that was done; what is wrong, in words. Others may read and write.

    May be repeated at any time. Raises CheckFailed, DatabaseUnreachable or DatabaseMissing.
    """
    wrong = []
    with connect(url, purpose="check foreign keys", lock_timeout_s=LOCK_TIMEOUT_S) as connection:
        # If we die, the check ends and its locks with it, so that whoever goes on need not wait.
        connection.execute("SET client_connection_check_interval = '1s'")
        for number, key in enumerate(keys, start=1):
            told(f"{number} of {len(keys)}: {key}")
            wrong += _check_key(connection, key)
    return wrong


def _check_key(connection: Connection, key: ForeignKey) -> list[str]:
    found = connection.execute(FIND_KEY, (key.schema_name, key.table, key.name)).fetchone()
    if found is None:
        return [f"{key} is not there any more"]
    if found[0]:
        return []
    statement = sql.SQL("ALTER TABLE {} VALIDATE CONSTRAINT {}").format(
        sql.Identifier(key.schema_name, key.table), sql.Identifier(key.name)
    )
    try:
        connection.execute(statement)
    except psycopg.errors.ForeignKeyViolation as error:
        return [f"{key} does not hold: {error.diag.message_detail or error.diag.message_primary}"]
    except psycopg.Error as error:
        raise CheckFailed(
            f"Whether the foreign key {key} holds could not be found out: {explain(error)}. "
            "For new rows it is enforced. Try again when nobody changes its tables."
        ) from error
    return []
