"""The ledger: append-only, hash-chained, verified by a command (design, rule 8)."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from pydantic import JsonValue
from sqlalchemy.orm import Session

from bot.store.tables import LedgerEntry, LedgerHead

GENESIS = "0" * 64
PAGE = 1000


def append(
    session: Session,
    *,
    kind: str,
    actor: str,
    text: str,
    key: str | None = None,
    at: datetime | None = None,
    incident_id: int | None = None,
    data: dict[str, JsonValue] | None = None,
) -> LedgerEntry:
    """Add one fact in the caller's transaction; the same `key` again returns the entry already there.

    Without a key the fact is new in any case. `at` is when it happened (UTC, default now); when it was
    recorded is kept beside it.
    """
    head = hold(session)
    key = key or f"{kind}:{uuid.uuid4()}"
    existing = session.scalar(sa.select(LedgerEntry).where(LedgerEntry.key == key))
    if existing is not None:
        return existing
    now = datetime.now(UTC)
    entry = LedgerEntry(
        seq=head.seq + 1,
        key=key,
        incident_id=incident_id,
        kind=kind,
        actor=actor,
        happened_at=at or now,
        recorded_at=now,
        text=text,
        data=data or {},
        previous_hash=head.hash,
    )
    entry.hash = compute_hash(entry)
    head.seq, head.hash = entry.seq, entry.hash
    session.add(entry)
    session.flush()
    return entry


def compute_hash(entry: LedgerEntry) -> str:
    """SHA-256 over the canonical JSON of everything in the entry but its own hash."""
    content = {
        "seq": entry.seq,
        "key": entry.key,
        "incident_id": entry.incident_id,
        "kind": entry.kind,
        "actor": entry.actor,
        "happened_at": entry.happened_at.astimezone(UTC).isoformat(),
        "recorded_at": entry.recorded_at.astimezone(UTC).isoformat(),
        "text": entry.text,
        "data": entry.data,
        "previous_hash": entry.previous_hash,
    }
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


def read_timeline(session: Session, *incident_ids: int) -> list[LedgerEntry]:
    """The entries of these incidents in the order in which things happened."""
    query = sa.select(LedgerEntry).where(LedgerEntry.incident_id.in_(incident_ids))
    return list(session.scalars(query.order_by(LedgerEntry.happened_at, LedgerEntry.seq)))


def read_head(session: Session) -> tuple[int, str]:
    """Number of entries and hash of the last one."""
    head = session.get(LedgerHead, 1)
    return (head.seq, head.hash) if head else (0, GENESIS)


@dataclass(frozen=True)
class Break:
    """A place where the chain does not hold, and what that means."""

    seq: int
    words: str


@dataclass(frozen=True)
class Mark:
    """A head that is kept where whoever changes the ledger does not reach: in a channel, beside the backups."""

    hash: str
    source: str
    """In words: where it is kept."""
    seq: int | None = None
    """The entry that was the last one; None where nobody noted it."""


def verify(session: Session, marks: Iterable[Mark] = ()) -> tuple[int, list[Break]]:
    """Walk the whole chain: how many entries, and every place where it is broken (none is good).

    Only `marks` tell that all of it was written anew, or that its end was cut off and its head set back. Beside a
    bot that goes on appending, the session must be a snapshot.
    """
    expected_seq, previous, breaks = 0, GENESIS, list[Break]()
    for seq, entry in _walk(session):
        expected_seq += 1
        if seq != expected_seq:
            breaks.append(Break(seq, _gap(expected_seq, seq)))
            expected_seq = max(seq, 0)
        elif entry and entry.previous_hash != previous:
            breaks.append(Break(seq, f"entry {seq} does not follow the one before it: reordered or replaced"))
        if entry is None:
            breaks.append(Break(seq, f"entry {seq} was changed: it cannot even be read"))
        elif not _has_own_hash(entry):
            breaks.append(Break(seq, f"entry {seq} ({entry.kind}, {entry.key}) was changed"))
        previous = entry.hash if entry else ""
    breaks.extend(_verify_head(session, expected_seq, previous))
    breaks.extend(filter(None, (_verify_mark(session, mark) for mark in marks)))
    return expected_seq, breaks


def _has_own_hash(entry: LedgerEntry) -> bool:
    try:
        return compute_hash(entry) == entry.hash
    except TypeError:  # SQLite keeps bytes in a column of text, and gives them back
        return False


def _verify_mark(session: Session, mark: Mark) -> Break | None:
    place = LedgerEntry.hash == mark.hash if mark.seq is None else LedgerEntry.seq == mark.seq
    found = session.execute(sa.select(LedgerEntry.seq, LedgerEntry.hash).where(place)).first()
    if found is None and mark.seq is None:
        return Break(0, f"no entry has the hash {mark.hash} ({mark.source}): entries were removed or written anew")
    if found is None:
        return Break(mark.seq or 0, f"entry {mark.seq} was removed: there is a head of it ({mark.source})")
    if found.hash != mark.hash:
        return Break(found.seq, f"entry {found.seq} was written anew: it had another hash ({mark.source})")
    return None


def _verify_head(session: Session, last_seq: int, last_hash: str) -> Iterator[Break]:
    head = session.get(LedgerHead, 1)
    if head is None:
        yield Break(last_seq, "the head was removed, and with it what tells whether entries are missing at the end")
        return
    try:
        head_seq = int(head.seq)
    except ValueError:  # SQLite keeps words in a column of numbers
        head_seq = -1
    if head_seq < 0:
        yield Break(last_seq, "the head was changed: it names no entry")
    elif head_seq > last_seq:
        yield Break(last_seq + 1, _missing(last_seq + 1, head_seq))
    elif head_seq < last_seq:
        yield Break(last_seq, f"the head names entry {head_seq}, yet entry {last_seq} exists: added outside")
    elif head.hash != last_hash:
        yield Break(last_seq, f"the head does not match entry {last_seq}: the head or the entry was changed")


def _missing(first: int, last: int) -> str:
    return f"entry {first} was removed" if first == last else f"entries {first} to {last} were removed"


def _gap(expected: int, found: int) -> str:
    return _missing(expected, found - 1) if found > expected else f"entry {found} was added outside"


def _walk(session: Session) -> Iterator[tuple[int, LedgerEntry | None]]:
    """Every entry by its place; None where a row cannot be read any more."""
    places = sa.select(LedgerEntry.seq).order_by(LedgerEntry.seq)
    for page in session.scalars(places.execution_options(yield_per=PAGE)).partitions():
        yield from zip(page, _read_page(session, page), strict=True)


def _read_page(session: Session, page: Sequence[int]) -> Sequence[LedgerEntry | None]:
    try:
        return _read(session, page[0], page[-1])
    except _unreadable(session):
        return [_read_one(session, seq) for seq in page]


def _read(session: Session, first: int, last: int) -> list[LedgerEntry]:
    query = sa.select(LedgerEntry).where(LedgerEntry.seq.between(first, last))
    return list(session.scalars(query.order_by(LedgerEntry.seq)))


def _read_one(session: Session, seq: int) -> LedgerEntry | None:
    try:
        return _read(session, seq, seq)[0]
    except _unreadable(session):
        return None


def _unreadable(session: Session) -> tuple[type[Exception], ...]:
    """What is raised where a row keeps no document, no time or, on SQLite, no text.

    Elsewhere the store's own errors mean that it is away.
    """
    own = (sa.exc.OperationalError,) if session.get_bind().dialect.name == "sqlite" else ()
    return (ValueError, TypeError, *own)


def hold(session: Session) -> LedgerHead:
    """The head row, locked until the caller commits: entries are appended one after another.

    What must not happen twice at the same instant holds it before it looks.
    """
    head = session.scalar(sa.select(LedgerHead).where(LedgerHead.id == 1).with_for_update())
    if head is None:  # the migration writes it
        raise RuntimeError("the ledger has no head row: run the migrations")
    return head


def read_newest(session: Session, incident_id: int, kind: str) -> LedgerEntry:
    """The last entry of a kind. Raises `NoResultFound`."""
    query = sa.select(LedgerEntry).where(LedgerEntry.incident_id == incident_id, LedgerEntry.kind == kind)
    return session.scalars(query.order_by(LedgerEntry.seq.desc()).limit(1)).one()


def read_last(session: Session, incident_id: int) -> LedgerEntry:
    """The last entry of an incident, of whatever kind. Raises `NoResultFound`."""
    query = sa.select(LedgerEntry).where(LedgerEntry.incident_id == incident_id)
    return session.scalars(query.order_by(LedgerEntry.seq.desc()).limit(1)).one()
