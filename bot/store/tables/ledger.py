"""The ledger: append-only, hash-chained."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from bot.store.tables.base import Json, Table


class LedgerEntry(Table):
    """One fact: who, when it happened, when it was recorded. An incident's entries are its timeline."""

    __tablename__ = "ledger"

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    key: Mapped[str] = mapped_column(unique=True)
    incident_id: Mapped[int | None] = mapped_column(index=True)
    kind: Mapped[str]
    actor: Mapped[str]
    happened_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    text: Mapped[str]
    data: Mapped[Json]
    previous_hash: Mapped[str]
    hash: Mapped[str]


class LedgerHead(Table):
    """The last entry's place and hash, so that a removed tail is found. One row, and the append lock."""

    __tablename__ = "ledger_head"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int]
    hash: Mapped[str]
