"""Fingerprints are equal exactly when the content is, and say in words what differs."""

from __future__ import annotations

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.systems import table_hashes
from bot.systems.fingerprints import (
    Fingerprint,
    FingerprintFailed,
    SequenceState,
    compare_fingerprints,
    count_rows,
    take_fingerprint,
)
from bot.systems.outcomes import SystemCancelled
from bot.systems.table_hashes import Method
from tests.integration.systems.conftest import MakePlace, Place
from tests.integration.systems.exhibits import UNUSUAL_SCHEMA, execute

TABLE = """
    CREATE TABLE bag (id int, label text, tags text[], doc json, "t" xid);
    INSERT INTO bag SELECT i, i, '{a}', '{"n": 1}', '7' FROM generate_series(1, 50) i;
"""


def describe(expected: Fingerprint, found: Fingerprint) -> list[str]:
    return [str(difference) for difference in compare_fingerprints(expected, found)]


def test_order_and_page_layout_do_not_count(make_place: MakePlace) -> None:
    one, other = make_place(None, TABLE), make_place(None, TABLE)
    execute(other.owner_url, "CREATE TABLE copy AS TABLE bag; TRUNCATE bag")
    execute(other.owner_url, "INSERT INTO bag SELECT * FROM copy ORDER BY id DESC; DROP TABLE copy")

    assert take_fingerprint(one.url).tables == take_fingerprint(other.url).tables


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("DELETE FROM bag WHERE id = 7", ["public.bag: expected 50 rows, found 49 rows"]),
        ("INSERT INTO bag VALUES (51)", ["public.bag: expected 50 rows, found 51 rows"]),
        ("DROP TABLE bag", ["public.bag: expected a table with 50 rows, found no such table"]),
        ("CREATE TABLE more ()", ["public.more: expected no such table, found a table with 0 rows"]),
        ("CREATE SEQUENCE s", ["public.s: expected no such sequence, found 1 (not used yet)"]),
    ],
)
def test_what_differs_is_said(change: str, words: list[str], make_place: MakePlace) -> None:
    place = make_place(None, TABLE)
    before = take_fingerprint(place.url)

    execute(place.owner_url, change)

    assert describe(before, take_fingerprint(place.url)) == words


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE bag SET label = 'x' WHERE id = 3",
        "UPDATE bag SET label = NULL WHERE id = 3",
        "UPDATE bag SET tags = '{a,b}' WHERE id = 3",
        "UPDATE bag SET doc = '{\"n\":  2}' WHERE id = 3",
        "UPDATE bag SET doc = NULL WHERE id = 3",
        "UPDATE bag SET id = id + 1",
        "DELETE FROM bag WHERE id = 1; INSERT INTO bag SELECT * FROM bag WHERE id = 2",
        "UPDATE bag SET label = CASE id WHEN 1 THEN '2' ELSE '1' END WHERE id IN (1, 2)",
    ],
)
@pytest.mark.parametrize("method", ["values", "columns", "text", "record"])
def test_any_changed_value_changes_the_checksum(change: str, method: Method, make_place: MakePlace) -> None:
    place = make_place(None, TABLE if method != "record" else TABLE.replace("json", "jsonb"))
    first = take_fingerprint(place.url)
    wanted = {name: table.model_copy(update={"method": method}) for name, table in first.tables.items()}
    before = take_fingerprint(place.url, like=first.model_copy(update={"tables": wanted}))
    assert before.tables["public.bag"].method == method

    execute(place.owner_url, change)

    [difference] = compare_fingerprints(before, take_fingerprint(place.url, like=before))
    assert difference.name == "public.bag"
    assert not difference.inconclusive


EXAMPLES = {
    "int2": ("1", "2"), "int4": ("1", "-2"), "int8": ("1", "4294967296"), "float8": ("0.5", "NaN"),
    "numeric": ("1", "1.01"), "text": ("a", ""), "varchar": ("a", "1"), "timestamp": ("epoch", "infinity"),
    "timestamptz": ("epoch", "2025-03-30 02:30"), "uuid": ("0" * 32, "1" * 32), "jsonb": ("1", "[2]"),
}  # fmt: skip


def test_each_column_counts_for_itself(make_place: MakePlace) -> None:
    """Whatever its type: a value that changes, goes, or changes places with another in its row or its column."""
    assert EXAMPLES.keys() == table_hashes.VALUE_HASHES.keys()
    columns = ", ".join(f"{name}_1 {name}, {name}_2 {name}" for name in EXAMPLES)
    place = make_place(None, f"CREATE TABLE bag (row int, {columns}); INSERT INTO bag VALUES (1), (2)")
    every = ", ".join(f"{name}_1 = '{one}', {name}_2 = '{other}'" for name, (one, other) in EXAMPLES.items())
    seen = set()
    for name, (one, other) in EXAMPLES.items():
        for change in (
            f"{name}_1 = '{other}'",
            f"{name}_1 = NULL",
            f"{name}_2 = NULL",
            f"{name}_1 = '{other}', {name}_2 = '{one}'",
        ):
            execute(place.owner_url, f"UPDATE bag SET {every}; UPDATE bag SET {change} WHERE row = 1")
            seen.add(take_fingerprint(place.url).tables["public.bag"].checksum)
            execute(place.owner_url, f"UPDATE bag SET {every}; UPDATE bag SET {change} WHERE row = 2")
            seen.add(take_fingerprint(place.url).tables["public.bag"].checksum)
    assert len(seen) == 8 * len(EXAMPLES)


def test_ranges_of_a_table_add_up_to_the_whole(make_place: MakePlace, monkeypatch: pytest.MonkeyPatch) -> None:
    place = make_place(None, "CREATE TABLE bag AS SELECT i, md5(i::text) FROM generate_series(1, 20000) i")
    with psycopg.connect(place.owner_url, autocommit=True) as connection:
        connection.execute("VACUUM bag")
        connection.execute("INSERT INTO bag SELECT i, 'since the pages were counted' FROM generate_series(1, 20000) i")
    whole = take_fingerprint(place.url)

    monkeypatch.setattr(table_hashes, "RANGE_PAGES", 7)

    assert whole.rows == 40_000
    assert take_fingerprint(place.url, connections=3).tables == whole.tables


def test_large_objects_count(make_place: MakePlace) -> None:
    place = make_place(None, "SELECT lo_from_bytea(4711, '\\x0102')")
    before = take_fingerprint(place.url)

    execute(place.owner_url, "SELECT lo_put(4711, 0, '\\xff')")

    [words] = describe(before, take_fingerprint(place.url))
    assert words.startswith("large objects: expected 1 of 2 bytes")


def test_unusual_types_are_hashed_by_their_text(make_place: MakePlace) -> None:
    place = make_place(None, UNUSUAL_SCHEMA)

    seen = take_fingerprint(place.url)

    assert seen.tables["public.everything"].rows
    assert seen.tables["public.nothing"].rows == 1
    assert "public.summary" not in seen.tables
    assert seen.sequences["public.untouched"] == SequenceState(last_value=77, is_called=False)


def test_hash_of_another_version_proves_equality_but_no_difference(make_place: MakePlace) -> None:
    place = make_place(None, TABLE)
    elsewhere = take_fingerprint(place.url).model_copy(update={"server_major": 99})
    assert compare_fingerprints(elsewhere, take_fingerprint(place.url)) == []

    execute(place.owner_url, "UPDATE bag SET label = 'x' WHERE id = 3")

    [difference] = compare_fingerprints(elsewhere, take_fingerprint(place.url))
    assert difference.inconclusive
    assert "cannot be compared" in str(difference)


@pytest.mark.parametrize(("found", "fits"), [(9, False), (10, True), (12, True), (15, True), (16, False)])
def test_sequence_may_stand_where_it_stood_during_the_dump(found: int, fits: bool) -> None:
    empty = {"server_major": 15, "machine": "x", "tables": {}, "large_objects": {"count": 0, "size_bytes": 0}}
    was, now = (
        Fingerprint.model_validate(empty | {"sequences": {"s": state}})
        for state in (
            {"last_value": 10, "is_called": True, "last_value_after": 15},
            {"last_value": found, "is_called": True},
        )
    )

    assert (compare_fingerprints(was, now) == []) is fits


def test_held_snapshot_is_what_is_read(make_place: MakePlace) -> None:
    place = make_place(None, TABLE)
    with psycopg.connect(place.url) as holder:
        holder.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        [[snapshot]] = holder.execute("SELECT pg_export_snapshot()").fetchall()
        execute(place.owner_url, "DELETE FROM bag")

        assert take_fingerprint(place.url, snapshot=snapshot).tables["public.bag"].rows == 50
    assert take_fingerprint(place.url).tables["public.bag"].rows == 0


def test_unreadable_table_is_no_fingerprint(make_place: MakePlace) -> None:
    place = make_place()
    execute(place.admin_url, "CREATE TABLE t (); ALTER TABLE t ENABLE ROW LEVEL SECURITY")
    execute(place.admin_url, "ALTER TABLE t ADD id int; INSERT INTO t VALUES (1)")

    with pytest.raises(FingerprintFailed, match="row-level security"):
        take_fingerprint(place.url)


def test_rows_are_counted_and_counting_has_a_limit(make_place: MakePlace) -> None:
    place = make_place(None, f'{TABLE} CREATE TABLE "user" ()')
    assert count_rows(place.url) == {'public."user"': 0, "public.bag": 50}

    with psycopg.connect(place.owner_url) as holder:
        holder.execute("LOCK bag")
        with pytest.raises(FingerprintFailed, match="timeout"):
            count_rows(place.url, statement_timeout_s=0.1)


def test_reading_stops_in_the_middle_of_a_table_when_asked_to(make_place: MakePlace) -> None:
    place = make_place(None, TABLE)

    def check() -> None:
        raise SystemCancelled("enough")

    with psycopg.connect(place.owner_url) as holder:
        holder.execute("LOCK bag")
        with pytest.raises(SystemCancelled):
            take_fingerprint(place.url, check=check)


@pytest.fixture(scope="module")
def two_tables(request: pytest.FixtureRequest) -> Place:
    """Two empty tables of one shape, for many examples."""
    cluster = request.getfixturevalue("cluster")
    cluster.create_database("two_tables")
    url = cluster.url("two_tables")
    execute(url, "CREATE TABLE a (n int, t text, x numeric[]); CREATE TABLE b (LIKE a)")
    return Place("two_tables", url, url, url)


ROWS = st.lists(
    st.tuples(
        st.none() | st.integers(-(2**31), 2**31 - 1),
        st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=10),
        st.none() | st.lists(st.none() | st.integers(), max_size=3),
    ),
    max_size=8,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ROWS, ROWS, st.booleans(), st.booleans())
def test_equal_exactly_when_the_rows_are(
    two_tables: Place, first: list[object], second: list[object], same: bool, portable: bool
) -> None:
    other = list(reversed(first)) if same else second
    with psycopg.connect(two_tables.url) as connection, connection.cursor() as cursor:
        cursor.execute("TRUNCATE a, b")
        cursor.executemany("INSERT INTO a VALUES (%s, %s, %s)", first)  # type: ignore[arg-type]
        cursor.executemany("INSERT INTO b VALUES (%s, %s, %s)", other)  # type: ignore[arg-type]

    seen = take_fingerprint(two_tables.url, portable=portable, connections=1).tables

    assert (seen["public.a"] == seen["public.b"]) is (sorted(map(repr, first)) == sorted(map(repr, other)))
