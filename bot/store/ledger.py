"""The ledger: append-only, hash-chained, verified by a command (design, rule 8)."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator
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
    head = _locked_head(session)
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


def read_timeline(session: Session, incident_id: int) -> list[LedgerEntry]:
    """The incident's entries in the order in which things happened."""
    query = sa.select(LedgerEntry).where(LedgerEntry.incident_id == incident_id)
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


def verify(session: Session) -> tuple[int, list[Break]]:
    """Walk the whole chain: how many entries, and every place where it is broken (none is good)."""
    expected_seq, previous, breaks = 0, GENESIS, list[Break]()
    for entry in _walk(session):
        expected_seq += 1
        if entry.seq != expected_seq:
            breaks.append(Break(expected_seq, _missing(expected_seq, entry.seq - 1)))
            expected_seq = entry.seq
        elif entry.previous_hash != previous:
            breaks.append(
                Break(entry.seq, f"entry {entry.seq} does not follow the one before it: reordered or replaced")
            )
        if compute_hash(entry) != entry.hash:
            breaks.append(Break(entry.seq, f"entry {entry.seq} ({entry.kind}, {entry.key}) was changed"))
        previous = entry.hash
    breaks.extend(_verify_head(session, expected_seq, previous))
    return expected_seq, breaks


def _verify_head(session: Session, last_seq: int, last_hash: str) -> Iterator[Break]:
    head_seq, head_hash = read_head(session)
    if head_seq > last_seq:
        yield Break(last_seq + 1, _missing(last_seq + 1, head_seq))
    elif head_seq < last_seq:
        yield Break(last_seq, f"the head names entry {head_seq}, yet entry {last_seq} exists: added outside")
    elif head_hash != last_hash:
        yield Break(last_seq, f"the head does not match entry {last_seq}: the head or the entry was changed")


def _missing(first: int, last: int) -> str:
    return f"entry {first} was removed" if first == last else f"entries {first} to {last} were removed"


def _walk(session: Session) -> Iterator[LedgerEntry]:
    query = sa.select(LedgerEntry).order_by(LedgerEntry.seq)
    yield from session.scalars(query.execution_options(yield_per=PAGE))


def _locked_head(session: Session) -> LedgerHead:
    """The head row, locked until the caller commits: entries are appended one after another."""
    head = session.scalar(sa.select(LedgerHead).where(LedgerHead.id == 1).with_for_update())
    if head is None:  # the migration writes it
        raise RuntimeError("the ledger has no head row: run the migrations")
    return head


def read_newest(session: Session, incident_id: int, kind: str) -> LedgerEntry:
    """The last entry of a kind. Raises `NoResultFound`."""
    query = sa.select(LedgerEntry).where(LedgerEntry.incident_id == incident_id, LedgerEntry.kind == kind)
    return session.scalars(query.order_by(LedgerEntry.seq.desc()).limit(1)).one()
