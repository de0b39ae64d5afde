"""Pouring the rows of a part into its tables through one session or several at a time.

psql and pg_restore load a table through one session, so that one large table keeps one core busy and the others
waiting. Here the script of a plain dump can be cut at the ends of rows and spread over several sessions. It must hold
nothing but rows of tables and the positions of sequences.

A session that is alone writes its rows frozen: whoever reads them next, which is the build of an index, then has
nothing to find out and nothing to write down about them. That makes the whole restore cheaper, and the first vacuum
has nothing to do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from itertools import chain, groupby
from queue import Empty, Full, Queue
from typing import NamedTuple

import psycopg

from bot.systems.dumps.watch import Watch
from bot.systems.outcomes import SystemFailed
from bot.systems.postgres import LIFT_TIME_LIMITS, Connection, connect
from bot.systems.row_values import explain

LOOK_EVERY_S = 0.2
# Pieces that wait for a session: enough that none waits for the next, few enough to be small in memory.
WAITING_PIECES = 8
COPY = re.compile(rb"^COPY .*? FROM stdin;\n", re.MULTILINE | re.DOTALL)
# Commands to psql, which newer versions of pg_dump write around a script.
META_COMMAND = re.compile(rb"^\\.*\n", re.MULTILINE)
NAME = rb'(?:"(?:[^"]|"")+"|[^\s".(]+)'
TABLE = re.compile(rb"COPY (" + NAME + rb"\." + NAME + rb") ")
END_OF_ROWS = b"\\.\n"
END_OF_DUMP = b"-- PostgreSQL database dump complete"


class RowsRefused(SystemFailed):
    """The rows of a table could not be loaded."""


class Statements(NamedTuple):
    """SQL between tables: settings of the session, positions of sequences. Harmless to repeat."""

    text: bytes


class Rows(NamedTuple):
    """Whole rows in the text format of one COPY statement."""

    copy: bytes
    content: bytes


def read_script(chunks: Iterable[bytes]) -> Iterator[Statements | Rows]:
    """Take a script of pg_dump's section of data apart, in order, holding hardly more than a chunk at a time.

    Raises RowsRefused where it ends too early.
    """
    rest, copy = b"", None
    held: list[bytes] = []
    for chunk in chunks:
        held.append(chunk)
        if copy is not None and b"\n" not in chunk:
            continue  # in the midst of a long row, which is not to be looked through again at each chunk
        rest += b"".join(held)
        held.clear()
        while True:
            if copy is None:
                found = COPY.search(rest)
                if found is None:
                    break
                yield Statements(META_COMMAND.sub(b"", rest[: found.start()]))
                copy, rest = found.group(), rest[found.end() :]
            rows, rest, ended = _take_rows(rest)
            if rows:
                yield Rows(copy, rows)
            if not ended:
                break
            copy = None
    if copy is not None:
        raise RowsRefused(f"The script ends within the rows of a table ({_first_line(copy)}).")
    yield Statements(META_COMMAND.sub(b"", rest))


def _take_rows(text: bytes) -> tuple[bytes, bytes, bool]:
    """Whole rows, what comes after them, and whether that is after the table's end.

    Backslashes in values are written twice, so that a line of one backslash and a dot can only be the end.
    """
    if text.startswith(END_OF_ROWS):
        return b"", text[len(END_OF_ROWS) :], True
    end = text.find(b"\n" + END_OF_ROWS)
    if end >= 0:
        return text[: end + 1], text[end + 1 + len(END_OF_ROWS) :], True
    cut = text.rfind(b"\n") + 1
    return text[:cut], text[cut:], False


def count_rows(script: Iterable[bytes]) -> int:
    """Rows of a whole dump. Raises RowsRefused where it is none."""
    rows, last = 0, b""
    for piece in read_script(script):
        if isinstance(piece, Rows):
            rows += piece.content.count(b"\n")
        else:
            last = piece.text
    if END_OF_DUMP not in last:
        raise RowsRefused("The script is not a whole dump: it does not say at its end that it is complete.")
    return rows


def pour(url: str, script: Iterable[bytes], sessions: int, watch: Watch) -> None:
    """Load a script of rows into tables that nobody else uses, through so many sessions, which all end with it.

    Raises RowsRefused, SystemCancelled, and whatever `script` raises; then some of the rows are there and some not.
    """
    pieces = read_script(script)
    first = next(pieces)
    assert isinstance(first, Statements)  # it begins with what comes before the first COPY, even if that is nothing
    waiting: Queue[Rows | None] = Queue(WAITING_PIECES)
    with ThreadPoolExecutor(sessions + 1, thread_name_prefix="pour") as pool:
        hand_out = partial(_hand_out, url, chain([first], pieces), (waiting, sessions), watch)
        load = partial(_load_rows, url, first, waiting, watch, alone=sessions == 1)
        wait([pool.submit(watch.guard, work) for work in (hand_out, *[load] * sessions)])
    watch.raise_first()


def _hand_out(
    url: str, pieces: Iterable[Statements | Rows], takers: tuple[Queue[Rows | None], int], watch: Watch
) -> None:
    """Rows to whoever is free; statements here, in their order, as they do not depend on rows."""
    waiting, sessions = takers
    with connect(url, purpose="restore") as connection:
        connection.execute(LIFT_TIME_LIMITS)
        for piece in pieces:
            if isinstance(piece, Rows):
                _put(waiting, piece, watch)
            else:
                _execute(connection, piece)
    for _ in range(sessions):
        _put(waiting, None, watch)


def _load_rows(url: str, first: Statements, waiting: Queue[Rows | None], watch: Watch, *, alone: bool) -> None:
    """Load pieces until there are no more; those of one table that come one after the other are one COPY."""
    emptied: set[bytes] = set()
    with connect(url, purpose="restore rows") as connection:
        connection.execute(LIFT_TIME_LIMITS)
        _execute(connection, first)
        for statement, group in groupby(_take(waiting, watch), key=lambda rows: rows.copy):
            try:
                with connection.transaction():
                    written = _begin_frozen(connection, statement, emptied) if alone else statement
                    with connection.cursor().copy(written) as copy:
                        for rows in group:
                            copy.write(rows.content)
            except psycopg.Error as error:
                raise RowsRefused(
                    f"The server did not take rows ({_first_line(statement)}): {explain(error)}"
                ) from error


def _begin_frozen(connection: Connection, statement: bytes, emptied: set[bytes]) -> bytes:
    """The statement that writes rows frozen, for which PostgreSQL asks that this transaction has emptied the table.

    The statement as it was where the name cannot be read, or the table has rows of ours already.
    """
    named = TABLE.match(statement)
    if named is None or named[1] in emptied:
        return statement
    emptied.add(named[1])
    connection.execute(b"TRUNCATE ONLY " + named[1])
    return statement.replace(b" FROM stdin;\n", b" FROM stdin WITH (FREEZE);\n")


def _execute(connection: Connection, statements: Statements) -> None:
    try:
        connection.execute(statements.text)
    except psycopg.Error as error:
        raise RowsRefused(f"The server did not take what comes between rows: {explain(error)}") from error


def _put(waiting: Queue[Rows | None], piece: Rows | None, watch: Watch) -> None:
    """Wait for room, unless whoever should make it has failed."""
    while True:
        try:
            return waiting.put(piece, timeout=LOOK_EVERY_S)
        except Full:
            watch.check()


def _take(waiting: Queue[Rows | None], watch: Watch) -> Iterator[Rows]:
    while True:
        try:
            piece = waiting.get(timeout=LOOK_EVERY_S)
        except Empty:
            watch.check()
            continue
        if piece is None:
            return
        yield piece


def _first_line(statement: bytes) -> str:
    return statement.decode("utf-8", "replace").partition("(")[0].strip()
