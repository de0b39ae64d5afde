"""The end of a living server's log: having it archived before a recovery that needs it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from bot.systems.outcomes import SystemCancelled, SystemFailed
from bot.systems.postgres import Connection

LOOK_EVERY_S = 0.2
SWITCHED_WITHIN_S = 120.0
MARGIN_S = 60.0

OBSERVE = """
    SELECT (SELECT system_identifier FROM pg_control_system()),
           current_setting('archive_mode') <> 'off' AND NOT pg_is_in_recovery(),
           has_function_privilege('pg_switch_wal()', 'execute'),
           (SELECT setting::int FROM pg_settings WHERE name = 'archive_timeout')
"""
ARCHIVED = "SELECT coalesce(left(last_archived_wal, 24) >= %s, false) FROM pg_stat_archiver"


class LogNotArchived(SystemFailed):
    """The server did not archive the end of its log in time. Nothing was changed."""


@dataclass(frozen=True)
class LiveLog:
    """The log of a living server: whose it is, whether it is archived, and who may end a segment.

    `archive_timeout_s` is after how long the server ends one by itself; 0 for never.
    """

    system_identifier: int
    archives: bool
    may_switch: bool
    archive_timeout_s: int

    @property
    def can_grow(self) -> bool:
        """Whether what was committed until now can still come into the archive."""
        return self.archives and (self.may_switch or self.archive_timeout_s > 0)


def observe_log(connection: Connection) -> LiveLog:
    """Look at a server's log."""
    row = connection.execute(OBSERVE).fetchone()
    assert row is not None  # a SELECT without FROM has one row
    return LiveLog(*row)


def close_segment(
    connection: Connection, cancelled: Callable[[], bool] = lambda: False, *, within_s: float | None = None
) -> str:
    """Have everything committed until now archived; returns the name of the segment that was waited for.

    A transaction of its own marks the end, for a recovery stops only at one after its moment. Where the role may not
    end the segment, the server's archive_timeout does. Raises LogNotArchived or SystemCancelled.
    """
    log = observe_log(connection)
    connection.execute("SELECT txid_current()")
    switch = "pg_switch_wal()" if log.may_switch else "pg_current_wal_lsn()"
    row = connection.execute(f"SELECT pg_walfile_name({switch})").fetchone()
    assert row is not None
    name = str(row[0])
    limit_s = within_s or (SWITCHED_WITHIN_S if log.may_switch else log.archive_timeout_s + MARGIN_S)
    deadline = time.monotonic() + limit_s
    while not _is_archived(connection, name):
        if cancelled():
            raise SystemCancelled("Stopped on request.")
        if time.monotonic() > deadline:
            raise LogNotArchived(
                f"{name} was not archived within {limit_s:.0f} s. Nothing was changed. See the server's log for what "
                "archive_command says, or choose a moment that is in the archive already."
            )
        time.sleep(LOOK_EVERY_S)
    return name


def _is_archived(connection: Connection, name: str) -> bool:
    row = connection.execute(ARCHIVED, (name,)).fetchone()
    return row is not None and bool(row[0])
