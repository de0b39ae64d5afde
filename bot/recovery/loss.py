"""What a restore loses: rows that came after the backup, by the policy's tables and their time columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg import sql

from bot.outcome import Failed, Refused
from bot.policy import Database
from bot.store.documents import Loss
from bot.systems.postgres import Connection, connect
from bot.words import show_duration


@dataclass(frozen=True)
class Newer:
    """Rows that came after a moment, and when the last of them came; None where that cannot be told."""

    rows: int | None
    last: datetime | None


def find_newer(connection: Connection, tables: Mapping[str, str], since: datetime) -> Newer:
    """What came after `since`, by the policy's tables and their time columns."""
    total, last = 0, None
    for table, column in tables.items():
        name, moment = _name(table), sql.Identifier(column)
        exists = connection.execute("SELECT to_regclass(%s)", (name.as_string(connection),)).fetchone()
        if exists is None or exists[0] is None:
            return Newer(None, None)
        query = sql.SQL("SELECT count(*), max({1}) FROM {0} WHERE {1} > %s").format(name, moment)
        row = connection.execute(query, (since,)).fetchone()
        assert row is not None  # an aggregate always has one row
        total += row[0]
        last = max(filter(None, (last, row[1])), default=None)
    return Newer(total, last)


def predict_loss(url: str, settings: Database, back_to: datetime, now: datetime) -> Loss:
    """What would be lost if the state of a moment (`back_to`, UTC) took the place of the database at `url` now."""
    age = now - back_to
    newer = _look(url, settings, back_to)
    rows = "an unknown number of rows" if newer.rows is None else f"{newer.rows:,} rows"
    words = f"what was written in the last {show_duration(age)}: {rows}"
    return Loss(seconds=age.total_seconds(), rows=newer.rows, words=words)


def measure_loss(kept_url: str, settings: Database, back_to: datetime, until: datetime) -> Loss:
    """What the database that was replaced has and the state that was brought back had not.

    Where it cannot be asked, the bound: everything from `back_to` `until` the exchange.
    """
    newer = _look(kept_url, settings, back_to)
    if newer.rows is None:
        bound = until - back_to
        words = f"at most what was written in {show_duration(bound)}; the rows cannot be counted any more"
        return Loss(seconds=bound.total_seconds(), rows=None, words=words)
    if newer.rows == 0 or newer.last is None:
        return Loss(seconds=0, rows=0, words="none")
    span = newer.last - back_to
    return Loss(seconds=span.total_seconds(), rows=newer.rows, words=f"{newer.rows:,} rows of {show_duration(span)}")


def _look(url: str, settings: Database, since: datetime) -> Newer:
    try:
        with connect(url, purpose="loss", connect_timeout_s=5, statement_timeout_s=30) as connection:
            return find_newer(connection, settings.loss_tables, since)
    except (Refused, Failed, psycopg.Error):  # a damaged database may answer anything; that is why it is restored
        return Newer(None, None)


def _name(table: str) -> sql.Identifier:
    """A table of the policy, with or without its schema."""
    return sql.Identifier(*table.split("."))
