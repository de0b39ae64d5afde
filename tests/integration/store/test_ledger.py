"""The ledger: a gapless chain, whoever appends, in which every tampering is found."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import JsonValue
from sqlalchemy.orm import Session

from bot.store import ledger
from bot.store.database import Database
from bot.store.tables import LedgerEntry, LedgerHead
from tests.integration.store.rows import NOON
from tests.unit.slack.shapes import json_objects, moments, texts

THOROUGH = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
ENTRIES = 6
SEVERAL = """
import sys
from bot.store import ledger
from bot.store.database import Database
database = Database(sys.argv[1])
for number in range(10):
    with database.write() as session:
        ledger.append(session, kind="test", actor=sys.argv[2], text=f"{number}")
"""


def append(database: Database, **facts: object) -> LedgerEntry:
    given = {"kind": "test", "actor": "mei", "text": "a fact", **facts}
    with database.write() as session:
        return ledger.append(session, **given)  # type: ignore[arg-type]


def verify(database: Database) -> tuple[int, list[ledger.Break]]:
    with database.snapshot() as session:
        return ledger.verify(session)


@pytest.fixture
def filled(database: Database) -> Database:
    """A store with some entries."""
    for number in range(1, ENTRIES + 1):
        append(database, key=f"k{number}", text=f"fact {number}", data={"n": number}, incident_id=number % 2 or None)
    return database


@contextmanager
def tampered(database: Database, *statements: str, **values: object) -> Iterator[list[ledger.Break]]:
    """What verifying finds after these statements, which are undone."""
    with database.read() as session:
        for statement in statements:
            session.execute(sa.text(statement), values)
        session.expire_all()
        yield ledger.verify(session)[1]
        session.rollback()


def test_an_empty_ledger_is_good(database: Database) -> None:
    assert verify(database) == (0, [])


@given(texts(), json_objects(), moments())
@THOROUGH
def test_whatever_is_written_verifies(
    database: Database, text: str, data: dict[str, JsonValue], moment: object
) -> None:
    entry = append(database, text=text, data=data, at=moment)
    assert verify(database)[1] == []
    with database.read() as session:
        found = session.get_one(LedgerEntry, entry.seq)
    assert (found.text, found.data, found.happened_at) == (text, data, moment)


def test_the_same_key_is_written_once(database: Database) -> None:
    first = append(database, key="once", text="first")
    again = append(database, key="once", text="second")
    assert (again.seq, again.text) == (first.seq, "first")
    assert append(database).seq == 2
    assert append(database).seq == 3, "without a key every fact is new"


def test_what_is_rolled_back_leaves_no_gap(database: Database) -> None:
    append(database)
    with pytest.raises(ZeroDivisionError), database.write() as session:  # noqa: PT012 (the whole transaction fails)
        ledger.append(session, kind="test", actor="mei", text="never")
        _ = 1 / 0
    assert append(database).seq == 2
    assert verify(database) == (2, [])


def test_the_timeline_is_in_the_order_of_what_happened(database: Database) -> None:
    append(database, text="second", at=NOON, incident_id=1)
    append(database, text="other", at=NOON, incident_id=2)
    append(database, text="first", at=NOON - timedelta(minutes=5), incident_id=1)
    append(database, text="third", at=NOON, incident_id=1)
    with database.read() as session:
        assert [one.text for one in ledger.read_timeline(session, 1)] == ["first", "second", "third"]


def test_many_at_once_make_one_chain(database: Database) -> None:
    url = database.url.render_as_string(hide_password=False)
    with ThreadPoolExecutor(8) as pool:
        others = [pool.submit(run_process, url, f"process {number}") for number in range(2)]
        threads = [pool.submit(append, database, key=f"t{n % 20}", actor="thread") for n in range(40)]
        seqs = {one.result().seq for one in threads}
        assert [one.result() for one in others] == [0, 0]
    assert len(seqs) == 20, "the same key twice is one entry"
    assert verify(database) == (40, [])


def run_process(url: str, actor: str) -> int:
    return subprocess.run([sys.executable, "-c", SEVERAL, url, actor], timeout=90, check=False).returncode


def test_verifying_beside_somebody_who_appends_raises_no_false_alarm(filled: Database) -> None:
    stop = threading.Event()

    def go_on() -> None:
        while not stop.is_set():
            append(filled)

    writer = threading.Thread(target=go_on)
    writer.start()
    try:
        found = [verify(filled)[1] for _ in range(30)]
    finally:
        stop.set()
        writer.join()
    assert found == [[]] * 30


@given(seq=st.integers(1, ENTRIES), column=st.sampled_from(sorted(LedgerEntry.__table__.columns.keys())), n=st.data())
@settings(THOROUGH, max_examples=60)
def test_a_changed_column_is_found_and_the_row_is_named(
    filled: Database, seq: int, column: str, n: st.DataObject
) -> None:
    value = n.draw(new_values(filled, seq, column), label="value")
    with tampered(filled, f"UPDATE ledger SET {column} = :value WHERE seq = :seq", value=value, seq=seq) as breaks:
        assert breaks
        if column != "seq":
            assert {one.seq for one in breaks} <= {seq, seq + 1}
            assert f"entry {seq}" in breaks[0].words


def new_values(database: Database, seq: int, column: str) -> st.SearchStrategy[object]:
    """Anything of the column's type but what stands there."""
    with database.read() as session:
        now = getattr(session.get_one(LedgerEntry, seq), column)
    kinds: dict[str, st.SearchStrategy[object]] = {
        "seq": st.integers(-3, 0) | st.integers(ENTRIES + 1, ENTRIES + 9),
        "incident_id": st.none() | st.integers(0, 99),
        "happened_at": moments().map(str),
        "recorded_at": moments().map(str),
        "data": json_objects().map(json.dumps) | st.sampled_from(["", "gone", "{", "[]", "null"]),
    }
    return kinds.get(column, texts()).filter(
        lambda value: value != now and str(value) != str(now) and value != json.dumps(now, default=str)
    )


@pytest.mark.parametrize("seq", [1, 3, ENTRIES])
def test_a_removed_row_is_named(filled: Database, seq: int) -> None:
    with tampered(filled, "DELETE FROM ledger WHERE seq = :seq", seq=seq) as breaks:
        assert [one.words for one in breaks] == [f"entry {seq} was removed"]


def test_a_row_that_cannot_be_read_any_more_is_named(filled: Database) -> None:
    with tampered(filled, "UPDATE ledger SET data = '{' WHERE seq = 3") as breaks:
        assert [one.seq for one in breaks] == [3, 4]
    if filled.is_sqlite:
        for change in ("happened_at = 'yesterday'", "happened_at = 5", "text = CAST(X'FF' AS TEXT)"):
            with tampered(filled, f"UPDATE ledger SET {change} WHERE seq = 3") as breaks:
                assert breaks[0].words == "entry 3 was changed: it cannot even be read", change
        with tampered(filled, "UPDATE ledger SET text = X'FF' WHERE seq = 3") as breaks:
            assert [one.seq for one in breaks] == [3]


def test_removed_rows_in_a_row_are_named_together(filled: Database) -> None:
    with tampered(filled, "DELETE FROM ledger WHERE seq IN (2, 3, 4)") as breaks:
        assert [one.words for one in breaks] == ["entries 2 to 4 were removed"]
    with tampered(filled, "DELETE FROM ledger") as breaks:
        assert [one.words for one in breaks] == [f"entries 1 to {ENTRIES} were removed"]


def test_rows_that_changed_places_are_named(filled: Database) -> None:
    swap = ["UPDATE ledger SET seq = 99 WHERE seq = 2", "UPDATE ledger SET seq = 2 WHERE seq = 4"]
    with tampered(filled, *swap, "UPDATE ledger SET seq = 4 WHERE seq = 99") as breaks:
        assert {2, 4} <= {one.seq for one in breaks}


@pytest.mark.parametrize("seq", [0, -5, ENTRIES + 1, ENTRIES + 7])
def test_an_added_row_is_named(filled: Database, seq: int) -> None:
    columns = ", ".join(name for name in LedgerEntry.__table__.columns.keys() if name not in ("seq", "key"))  # noqa: SIM118
    copy = f"INSERT INTO ledger (seq, key, {columns}) SELECT :seq, 'forged', {columns} FROM ledger WHERE seq = 3"
    with tampered(filled, copy, seq=seq) as breaks:
        assert any(f"entry {seq}" in one.words for one in breaks)


def test_a_forged_row_that_fits_the_chain_is_found_by_the_head(filled: Database) -> None:
    """Whoever forges the last row with a right hash must change the head too."""
    with filled.read() as session:
        last = session.get_one(LedgerEntry, ENTRIES)
        last.text = "nothing happened"
        last.hash = ledger.compute_hash(last)
        session.flush()
        assert [one.seq for one in ledger.verify(session)[1]] == [ENTRIES]
        session.rollback()


def test_a_changed_or_missing_head_is_found(filled: Database) -> None:
    for change in ("UPDATE ledger_head SET hash = 'x'", "UPDATE ledger_head SET seq = 2", "DELETE FROM ledger_head"):
        with tampered(filled, change) as breaks:
            assert breaks


def test_a_head_that_is_no_head_or_away_is_said(filled: Database) -> None:
    with tampered(filled, "DELETE FROM ledger_head", "DELETE FROM ledger") as breaks:
        assert "the head was removed" in breaks[0].words
    if filled.is_sqlite:
        with tampered(filled, "UPDATE ledger_head SET seq = 'x'") as breaks:
            assert "names no entry" in breaks[0].words


def test_an_end_that_was_cut_off_with_its_head_is_found_by_a_head_that_was_kept(filled: Database) -> None:
    with filled.read() as session:
        seq, kept = ledger.read_head(session)
        marks = [ledger.Mark(kept, "in a channel"), ledger.Mark(kept, "in a bucket", seq)]
        assert ledger.verify(session, marks)[1] == []
        session.execute(sa.text("DELETE FROM ledger WHERE seq > 3"))
        last = session.get_one(LedgerEntry, 3)
        session.execute(sa.update(LedgerHead).values(seq=3, hash=last.hash))
        assert ledger.verify(session)[1] == [], "nothing within the store tells"
        found = [one.words for one in ledger.verify(session, marks)[1]]
        assert ["in a channel" in found[0], f"entry {seq} was removed" in found[1]] == [True, True], found
        session.rollback()


def test_a_chain_that_was_written_anew_is_found_by_a_head_that_was_kept(filled: Database) -> None:
    with filled.read() as session:
        seq, kept = ledger.read_head(session)
        rewrite(session)
        assert ledger.verify(session)[1] == [], "nothing within the store tells"
        breaks = ledger.verify(session, [ledger.Mark(kept, "in a bucket", seq)])[1]
        assert [one.words for one in breaks] == [f"entry {seq} was written anew: it had another hash (in a bucket)"]
        session.rollback()


def rewrite(session: Session) -> None:
    """Every entry with another text, and a chain that holds."""
    previous = ledger.GENESIS
    for entry in session.scalars(sa.select(LedgerEntry).order_by(LedgerEntry.seq)):
        entry.text, entry.previous_hash = "nothing happened", previous
        entry.hash = previous = ledger.compute_hash(entry)
    session.execute(sa.update(LedgerHead).values(hash=previous))


def test_without_its_head_nothing_is_appended(filled: Database) -> None:
    with filled.write() as session:
        session.execute(sa.delete(LedgerHead))
    with pytest.raises(RuntimeError, match="no head row"):
        append(filled)
