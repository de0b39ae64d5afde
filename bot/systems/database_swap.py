"""Putting a restored database in the place of the live one, by renaming both in one transaction.

The door is PostgreSQL's own lock. Renaming takes an exclusive lock on the database, which makes every new connection
to it wait, and then waits itself until the last session has left. So the order is: rename (the lock is held), end the
sessions (nobody can come back in), both names change at once. Everything happens in one statement on the server:
whoever dies in the middle, bot, network or server, the outcome is the state before or the state after, and the door
is never left shut. Clients that were waiting are told that the database was renamed and succeed when they try again.

Rights that the role needs: CREATEDB; the role of the databases' owner; pg_signal_backend and pg_read_all_stats.
"""

from __future__ import annotations

import json
import logging
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from enum import StrEnum

import psycopg
from psycopg import sql
from pydantic import BaseModel, ConfigDict, ValidationError

from bot.systems.database_traits import apply_traits, observe_traits
from bot.systems.databases import Database, find_database, observe_database
from bot.systems.outcomes import SystemFailed, SystemRefused
from bot.systems.postgres import Connection, DatabaseUnreachable, connect
from bot.systems.sessions import terminate_sessions
from bot.systems.swap_obstacles import SwapRefused, check_swap

logger = logging.getLogger(__name__)

# While it waits for sessions to leave, PostgreSQL looks 50 times, and every 100 ms or whenever a timer wakes it. It is
# woken by its own look at our connection, which it would have to make anyway to notice that we died: first often, so
# that clients wait for a short time; then, for those that take long to leave, as seldom as it likes, 5 s in all.
WAKE_EVERY_MS = (10, 100)
LOOK_EVERY_S = 0.005
DRAIN_LOOK_EVERY_S = 0.1

# The body of a DO block: one statement, one transaction, whether anybody still listens to the answer or not.
SWAP = """
DECLARE
    shut timestamptz := clock_timestamp();
BEGIN
    ALTER DATABASE {live} RENAME TO {kept};
    ALTER DATABASE {side} RENAME TO {live};
    EXECUTE format('COMMENT ON DATABASE %I IS %L', {kept_name},
        {receipt}::jsonb || jsonb_build_object('shut_at', shut, 'opened_at', clock_timestamp()));
END
"""

LOCKED_DATABASES = """
    SELECT objid::bigint FROM pg_locks WHERE locktype = 'object' AND classid = 'pg_database'::regclass
    AND objid = ANY(%s) AND mode = 'AccessExclusiveLock' AND granted
"""


class SwapFailed(SystemFailed):
    """The swap was begun and undone by the server: both databases have the names that they had."""


class SwapState(StrEnum):
    """What a look at the server says about a swap."""

    BEFORE = "before"
    AFTER = "after"
    UNCLEAR = "unclear"


class SwapReceipt(BaseModel):
    """What the server wrote down with the swap itself, as the comment on the database that was kept. Times UTC.

    Clients were shut out from after `shut_at` until just after `opened_at`; `comment` is what stood there before.
    """

    model_config = ConfigDict(frozen=True)
    marker: str
    live_oid: int
    side_oid: int
    shut_at: datetime
    opened_at: datetime
    comment: str | None

    @property
    def gap_s(self) -> float:
        """The longest that the server can have kept a client waiting."""
        return (self.opened_at - self.shut_at).total_seconds()


class SwapObservation(BaseModel):
    """The state of one swap, the object ids behind the three names, and the receipt where there is one."""

    model_config = ConfigDict(frozen=True)
    state: SwapState
    reason: str
    live_oid: int | None
    side_oid: int | None
    kept_oid: int | None
    receipt: SwapReceipt | None


def swap(
    maintenance_url: str, *, live: str, side: str, kept: str, marker: str, drain_timeout_s: float = 3
) -> SwapReceipt:
    """Give `live`'s name to `side` and keep the old one as `kept`. A swap that was done already returns its receipt.

    `marker` says whose swap this is, such as a run's id. New connections wait while the sessions leave, at most
    `drain_timeout_s`, twice, and never more than 5 s. The way back is the same call with `side` being what was kept.
    Raises SwapRefused or SwapFailed, after both of which the names are as they were; DatabaseUnreachable when the
    outcome is not known: observe_swap tells.
    """
    seen = observe_swap(maintenance_url, live=live, side=side, kept=kept, marker=marker)
    if seen.state is SwapState.AFTER and seen.receipt is not None:
        return seen.receipt
    if seen.state is SwapState.UNCLEAR:
        raise SwapRefused(f"{seen.reason} Nothing was changed.")
    with (
        connect(maintenance_url, purpose="swap") as doorkeeper,
        connect(maintenance_url, purpose="swap drain") as usher,
    ):
        check_swap(usher, live=live, side=side, kept=kept)
        databases = observe_database(usher, live), observe_database(usher, side)
        statement = _write_swap(doorkeeper, *databases, kept, marker)
        _rename(doorkeeper, usher, statement, databases, drain_timeout_s)
    done = observe_swap(maintenance_url, live=live, side=side, kept=kept, marker=marker)
    if done.receipt is None:
        raise SwapFailed(f"The names were exchanged, and changed again by somebody else: {done.reason}")
    return done.receipt


def observe_swap(maintenance_url: str, *, live: str, side: str, kept: str, marker: str) -> SwapObservation:
    """Where a swap stands, from the names, the object ids and the receipt on the server. Changes nothing."""
    with connect(maintenance_url, purpose="observe swap") as connection:
        found = {name: find_database(connection, name) for name in (live, side, kept)}
    receipt = _read_receipt(found[kept], marker)
    state, reason = _judge(found[live], found[side], found[kept], receipt, (live, side, kept))
    return SwapObservation(
        state=state,
        reason=reason,
        receipt=receipt if state is SwapState.AFTER else None,
        live_oid=getattr(found[live], "oid", None),
        side_oid=getattr(found[side], "oid", None),
        kept_oid=getattr(found[kept], "oid", None),
    )


def carry_over(maintenance_url: str, *, live: str, side: str) -> None:
    """Give `side` the owner, grants, settings, connection limit and comment of `live`. To be done before the swap.

    Raises TraitsRefused or DatabaseMissing; then nothing was changed.
    """
    with connect(maintenance_url, purpose="carry over") as connection:
        apply_traits(connection, side, observe_traits(connection, live))


def _write_swap(connection: Connection, live: Database, side: Database, kept: str, marker: str) -> sql.Composed:
    receipt = {"marker": marker, "live_oid": live.oid, "side_oid": side.oid, "comment": live.comment}
    body = sql.SQL(SWAP).format(
        live=sql.Identifier(live.name),
        side=sql.Identifier(side.name),
        kept=sql.Identifier(kept),
        kept_name=sql.Literal(kept),
        receipt=sql.Literal(json.dumps(receipt)),
    )
    # As a quoted string, and not between dollars: no name can end it.
    return sql.SQL("DO {}").format(sql.Literal(body.as_string(connection)))


def _rename(
    doorkeeper: Connection,
    usher: Connection,
    statement: sql.Composed,
    databases: tuple[Database, Database],
    drain_timeout_s: float,
) -> None:
    done = threading.Event()
    with ThreadPoolExecutor(1, thread_name_prefix="usher") as pool:
        drained = pool.submit(_end_sessions, usher, databases, done)
        try:
            _rename_when_empty(doorkeeper, statement, drain_timeout_s)
        except psycopg.Error as error:
            raise _explain(error, databases[0].name, drained) from error
        finally:
            done.set()
    if (lost := drained.exception()) is not None:
        logger.warning("The swap went through although its second connection was lost: %s", lost)


def _rename_when_empty(doorkeeper: Connection, statement: sql.Composed, drain_timeout_s: float) -> None:
    limit = f"{max(1, round(drain_timeout_s * 1000))}ms"
    for setting in ("statement_timeout", "lock_timeout"):
        doorkeeper.execute("SELECT set_config(%s, %s, false)", (setting, limit))
    for attempt, wake_every_ms in enumerate(WAKE_EVERY_MS, start=1):
        try:
            doorkeeper.execute(
                "SELECT set_config('client_connection_check_interval', %s, false)", (f"{wake_every_ms}ms",)
            )
        except psycopg.errors.InvalidParameterValue:
            logger.info("The server's system cannot notice a lost client while it works.")
        try:
            doorkeeper.execute(statement)
            return
        except psycopg.errors.ObjectInUse:
            if attempt == len(WAKE_EVERY_MS):
                raise


def _end_sessions(usher: Connection, databases: tuple[Database, Database], done: threading.Event) -> None:
    """End the sessions on a database from the moment when nobody can come back in."""
    oids = [database.oid for database in databases]
    pause_s = LOOK_EVERY_S
    while not done.wait(pause_s):
        shut = usher.execute(LOCKED_DATABASES, (oids,)).fetchall()
        ended = sum(terminate_sessions(usher, oid) for (oid,) in shut)
        # Those that were told need time to go; telling them again only takes it from them.
        pause_s = LOOK_EVERY_S if not ended else DRAIN_LOOK_EVERY_S


def _explain(error: psycopg.Error, live: str, drained: Future[None]) -> SystemFailed | SystemRefused:
    untouched = f'"{live}" is as it was and open.'
    if isinstance(error, psycopg.errors.ObjectInUse | psycopg.errors.QueryCanceled | psycopg.errors.LockNotAvailable):
        lost = drained.exception() if drained.done() else None
        why = f"the connection that ends them was lost ({lost})" if lost else "they did not leave in time"
        return SwapFailed(f"The databases were not exchanged: sessions were on them, and {why}. {untouched}")
    if isinstance(error, psycopg.OperationalError):
        return DatabaseUnreachable(f"The server was lost during the swap, whose outcome is not known: {error}")
    return SwapRefused(f"The server refused to exchange the databases: {error}. {untouched}")


def _read_receipt(kept: Database | None, marker: str) -> SwapReceipt | None:
    if kept is None or kept.comment is None:
        return None
    try:
        receipt = SwapReceipt.model_validate_json(kept.comment)
    except ValidationError:
        # Somebody's own comment.
        return None
    return receipt if receipt.marker == marker else None


def _judge(
    live: Database | None,
    side: Database | None,
    kept: Database | None,
    receipt: SwapReceipt | None,
    names: tuple[str, str, str],
) -> tuple[SwapState, str]:
    if live and side and not kept:
        return SwapState.BEFORE, f'"{names[0]}" and "{names[1]}" have not been exchanged.'
    ours = receipt and kept and live and (receipt.live_oid, receipt.side_oid) == (kept.oid, live.oid)
    if ours and not side:
        return SwapState.AFTER, f'"{names[1]}" has become "{names[0]}", and the old one is "{names[2]}".'
    there = [f'"{name}"' for name, found in zip(names, (live, side, kept), strict=True) if found]
    return SwapState.UNCLEAR, (
        f"The databases are neither as before nor as after this swap: of {', '.join(names)} there is "
        f"{', '.join(there) or 'none'}, without the receipt of this swap."
    )
