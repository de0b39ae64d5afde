"""Pins: messages that people put on the timeline. Edits follow, and what is taken back leaves an entry that says so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.clock import Clock, utc_now
from bot.store import ledger
from bot.store.database import Database
from bot.store.tables import LedgerEntry, PinnedMessage

TEXT_LIMIT = 4000


@dataclass(frozen=True)
class Message:
    """A message of somebody's as it stands now."""

    channel_id: str
    ts: str
    """Its name within the channel."""
    author: str
    text: str
    link: str
    files: tuple[str, ...]
    said_at: datetime

    @property
    def words(self) -> str:
        """For the timeline: who, what, and which files."""
        shown = self.text if len(self.text) <= TEXT_LIMIT else f"{self.text[:TEXT_LIMIT]} … (cut)"
        attached = f" (files: {', '.join(self.files)})" if self.files else ""
        return f"{self.author}: {shown}{attached}"


class Pins:
    """Each change is one transaction with its entry; the same `cause` again changes nothing."""

    def __init__(self, database: Database, clock: Clock = utc_now) -> None:
        self.database, self.clock = database, clock

    def is_pinned(self, channel_id: str, ts: str) -> bool:
        with self.database.read() as session:
            return _find(session, channel_id, ts) is not None

    def pin(self, incident_id: int, message: Message, *, actor: str, cause: str) -> None:
        """Put it on the timeline at the time when it was said; nothing where it is there already."""
        with self.database.write() as session:
            if _is_known(session, cause) or _find(session, message.channel_id, message.ts):
                return
            entry = _record(session, "incident.pin", cause, incident_id, actor, message.words, message)
            row = session.scalar(_query(message.channel_id, message.ts))
            if row is None:
                row = PinnedMessage(channel_id=message.channel_id, ts=message.ts)
                session.add(row)
            row.incident_id, row.entry_seq, row.text = incident_id, entry.seq, message.words
            row.pinned_by, row.pinned_at, row.removed_at = actor, self.clock(), None

    def edit(self, message: Message, *, cause: str) -> None:
        """It says something else now; the timeline keeps both."""
        with self.database.write() as session:
            row = _find(session, message.channel_id, message.ts)
            if row is None or row.text == message.words or _is_known(session, cause):
                return
            text = f"Edited: {message.words}"
            entry = _record(session, "incident.pin_edited", cause, row.incident_id, row.pinned_by, text, message)
            row.entry_seq, row.text = entry.seq, message.words

    def remove(self, channel_id: str, ts: str, *, actor: str, cause: str, why: str) -> None:
        """Take it back: the entries before stay, since the timeline is never rewritten."""
        with self.database.write() as session:
            row = _find(session, channel_id, ts)
            if row is None or _is_known(session, cause):
                return
            ledger.append(
                session, key=cause, kind="incident.unpinned", actor=actor, text=f"{why}: {row.text}",
                incident_id=row.incident_id, data={"channel": channel_id, "ts": ts, "entry": row.entry_seq},
                at=self.clock(),
            )  # fmt: skip
            row.removed_at = self.clock()


def _query(channel_id: str, ts: str) -> sa.Select[PinnedMessage]:
    return sa.select(PinnedMessage).where(PinnedMessage.channel_id == channel_id, PinnedMessage.ts == ts)


def _find(session: Session, channel_id: str, ts: str) -> PinnedMessage | None:
    return session.scalar(_query(channel_id, ts).where(PinnedMessage.removed_at.is_(None)).with_for_update())


def _is_known(session: Session, cause: str) -> bool:
    return session.scalar(sa.select(LedgerEntry.seq).where(LedgerEntry.key == cause)) is not None


def _record(
    session: Session, kind: str, cause: str, incident_id: int, actor: str, text: str, message: Message
) -> LedgerEntry:
    return ledger.append(
        session, key=cause, kind=kind, actor=actor, text=text, incident_id=incident_id, at=message.said_at,
        data={
            "channel": message.channel_id, "ts": message.ts, "author": message.author, "link": message.link,
            "files": list(message.files),
        },
    )  # fmt: skip
