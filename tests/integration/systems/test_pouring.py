"""A script of rows is cut only at the ends of rows, wherever its pieces end, and loaded by several sessions."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.systems.dumps.pouring import Rows, RowsRefused, Statements, pour, read_script
from bot.systems.dumps.watch import Watch, ignore_progress
from bot.systems.outcomes import SystemCancelled
from tests.integration.systems.conftest import MakePlace, Place
from tests.integration.systems.exhibits import execute, fetch

BAG, BILL = b"COPY public.bag (id, label) FROM stdin;\n", b'COPY public."bill\nof" (id) FROM stdin;\n'
SCRIPT = (
    b"-- head\n\n\\restrict abc\nSET client_encoding = 'UTF8';\nSELECT pg_catalog.setval('s', 1, false);\n"
    + (BAG + b"1\t\\\\.\n2\tCOPY x FROM stdin;\n3\t\\n\\\\.\\n\n\\.\n\n")
    + (b"-- between\n" + BILL + b"\\.\n\nSELECT pg_catalog.setval('b', 9, true);\n")
    + (BAG + b"4\tlast\n\\.\n\n\\unrestrict abc\n")
)


def cut(script: bytes, sizes: list[int]) -> Iterator[bytes]:
    start = 0
    for size in sizes:
        yield script[start : start + size]
        start += size
    yield script[start:]


def test_long_row_is_looked_through_once() -> None:
    """Looked through again at each of its pieces, this one would take an hour."""
    piece = b"a" * 1000
    script = [BAG + b"1\t", *[piece] * 40_000, b"\n\\.\n"]

    rows = [found for found in read_script(script) if isinstance(found, Rows)]

    assert [len(found.content) for found in rows] == [40_000_003]


@settings(deadline=None)
@given(st.lists(st.integers(1, 60), max_size=30))
def test_pieces_are_the_same_wherever_the_script_is_cut(sizes: list[int]) -> None:
    rows: dict[bytes, bytes] = defaultdict(bytes)
    statements = b""
    for piece in read_script(cut(SCRIPT, sizes)):
        if isinstance(piece, Rows):
            assert piece.content.endswith(b"\n")
            rows[piece.copy] += piece.content
        else:
            statements += piece.text

    assert rows == {BAG: b"1\t\\\\.\n2\tCOPY x FROM stdin;\n3\t\\n\\\\.\\n\n4\tlast\n"}
    assert b"setval('s', 1, false)" in statements
    assert b"setval('b', 9, true)" in statements
    assert b"restrict" not in statements


@pytest.mark.parametrize("end", [SCRIPT.index(b"last"), SCRIPT.index(b"-- between") - 3])
def test_script_that_ends_within_a_table_is_refused(end: int) -> None:
    with pytest.raises(RowsRefused, match=r"ends within the rows of a table .COPY public.bag"):
        list(read_script([SCRIPT[:end]]))


def test_script_without_rows_is_statements() -> None:
    assert list(read_script([b"SELECT 1;\n", b""])) == [Statements(b"SELECT 1;\n")]


def assert_nobody_is_on(place: Place) -> None:
    """Sessions whose client has closed are gone a moment later."""
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    deadline = time.monotonic() + 10
    while fetch(place.admin_url, others) != [(0,)]:
        assert time.monotonic() < deadline


def count_to(last: int) -> Iterator[bytes]:
    """A script with so many rows and a setting that every session needs, in pieces of about 100 kB."""
    yield b"SET client_encoding = 'LATIN1';\nSET search_path = '';\nCOPY public.bag (id, label) FROM stdin;\n"
    for first in range(1, last + 1, 10_000):
        yield b"".join(b"%d\t\xe4\n" % number for number in range(first, min(first + 10_000, last + 1)))
    yield b"\\.\n\nSELECT pg_catalog.setval('public.counted', 77, true);\n"


def test_every_row_arrives_once_through_several_sessions(make_place: MakePlace) -> None:
    place = make_place(None, "CREATE TABLE bag (id int, label text); CREATE SEQUENCE counted")

    pour(place.url, count_to(200_000), 3, Watch(ignore_progress, lambda: False))

    assert fetch(place.url, "SELECT count(*), count(DISTINCT id), max(id), max(label) FROM bag") == [
        (200_000, 200_000, 200_000, "ä")
    ]
    assert fetch(place.url, "SELECT nextval('counted')") == [(78,)]


def test_one_session_writes_rows_that_no_vacuum_need_look_at(make_place: MakePlace) -> None:
    name = '"odd "" (name)"'
    place = make_place(
        None, f"CREATE TABLE {name} (i int); CREATE TABLE child () INHERITS ({name}); CREATE TABLE bag ()"
    )
    execute(place.owner_url, "INSERT INTO child VALUES (0)")
    script = f"-- head\nCOPY public.{name} (i) FROM stdin;\n1\n\\.\nCOPY public.bag  FROM stdin;\n\n\n\\.\n"
    again = f"COPY public.{name} (i) FROM stdin;\n2\n\\.\n"

    pour(place.url, [script.encode(), again.encode()], 1, Watch(ignore_progress, lambda: False))

    execute(place.owner_url, "ANALYZE")
    assert fetch(place.url, f"SELECT i FROM {name} ORDER BY i") == [(0,), (1,), (2,)]
    assert fetch(place.url, "SELECT relallvisible, reltuples FROM pg_class WHERE relname = 'bag'") == [(1, 2)]


def test_row_that_the_server_refuses_stops_all_and_is_not_quoted(make_place: MakePlace) -> None:
    place = make_place(None, "CREATE TABLE bag (id int CHECK (id <> 99999), label text); CREATE SEQUENCE counted")

    with pytest.raises(RowsRefused, match=r"COPY public.bag.*violates check constraint") as caught:
        pour(place.url, count_to(10_000_000), 2, Watch(ignore_progress, lambda: False))

    assert "99999" not in str(caught.value)
    assert_nobody_is_on(place)


def test_asked_to_stop_it_stops_and_leaves_no_session(make_place: MakePlace) -> None:
    place = make_place(None, "CREATE TABLE bag (id int, label text); CREATE SEQUENCE counted")
    asked = iter([False] * 3)
    watch = Watch(ignore_progress, lambda: next(asked, True))

    def script() -> Iterator[bytes]:
        for chunk in count_to(10_000_000):
            watch.check()
            yield chunk

    with pytest.raises(SystemCancelled):
        pour(place.url, script(), 2, watch)

    assert_nobody_is_on(place)
