"""The swap: both names change at once or not at all, whoever is connected and whoever dies."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import psycopg
import pytest

from bot.sandbox.postgres_cluster import Cluster
from bot.systems.database_swap import (
    SwapFailed,
    SwapReceipt,
    SwapState,
    carry_over,
    observe_swap,
    swap,
)
from bot.systems.database_traits import TraitsRefused, observe_traits
from bot.systems.databases import find_database
from bot.systems.postgres import connect, replace_database
from bot.systems.probe import probe_database
from bot.systems.swap_obstacles import SwapRefused
from tests.integration.systems.conftest import MakePlace, Place
from tests.integration.systems.exhibits import execute, fetch


@dataclass(frozen=True)
class Pair:
    """A live database, one beside it, and the name under which the live one is to be kept."""

    maintenance_url: str
    live: Place
    side: Place
    kept: str

    def swap(self, marker: str = "m", drain_timeout_s: float = 3) -> SwapReceipt:
        return swap(
            self.maintenance_url,
            live=self.live.name,
            side=self.side.name,
            kept=self.kept,
            marker=marker,
            drain_timeout_s=drain_timeout_s,
        )

    def state(self, marker: str = "m") -> SwapState:
        return observe_swap(
            self.maintenance_url, live=self.live.name, side=self.side.name, kept=self.kept, marker=marker
        ).state

    def is_untouched(self) -> bool:
        content = fetch(self.live.owner_url, "SELECT word FROM content")
        return self.state() is SwapState.BEFORE and content == [("old",)]


@pytest.fixture
def pair(make_place: MakePlace, maintenance_url: str, cluster: Cluster) -> Iterator[Pair]:
    live = make_place(None, "CREATE TABLE content AS SELECT 'old'::text AS word")
    side = make_place(None, "CREATE TABLE content AS SELECT 'new'::text AS word")
    kept = f"{live.name}_kept"
    yield Pair(maintenance_url, live, side, kept)
    cluster.drop_database(kept)


@contextmanager
def clients(url: str, number: int) -> Iterator[None]:
    """Clients that ask all the time and come back as soon as they are thrown out."""
    stop, connected = threading.Event(), threading.Barrier(number + 1)

    def ask() -> None:
        connection = psycopg.connect(url, autocommit=True)
        connected.wait()
        while not stop.wait(0.01):
            try:
                if connection.closed:
                    connection = psycopg.connect(url, autocommit=True)
                connection.execute("SELECT 1")
            except psycopg.OperationalError:
                connection.close()
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(number)]
    for thread in threads:
        thread.start()
    connected.wait()
    yield
    stop.set()
    for thread in threads:
        thread.join()


def test_names_are_exchanged_and_the_old_one_is_kept(pair: Pair, maintenance_url: str) -> None:
    execute(pair.live.admin_url, f"COMMENT ON DATABASE {pair.live.name} IS 'the warehouse'")
    with connect(maintenance_url) as connection:
        live, side = (find_database(connection, place.name) for place in (pair.live, pair.side))

    receipt = pair.swap()

    assert fetch(pair.live.owner_url, "SELECT word FROM content") == [("new",)]
    assert fetch(replace_database(pair.live.owner_url, pair.kept), "SELECT word FROM content") == [("old",)]
    assert pair.state() is SwapState.AFTER
    assert live is not None
    assert side is not None
    assert (receipt.live_oid, receipt.side_oid, receipt.comment) == (live.oid, side.oid, "the warehouse")
    assert receipt.shut_at < receipt.opened_at


def test_second_call_changes_nothing_and_gives_the_same_receipt(pair: Pair) -> None:
    assert pair.swap() == pair.swap()


def test_another_run_does_not_take_it_for_its_own(pair: Pair) -> None:
    pair.swap(marker="first")

    assert pair.state(marker="second") is SwapState.UNCLEAR
    with pytest.raises(SwapRefused, match="neither as before nor as after"):
        pair.swap(marker="second")


def test_way_back_is_the_same_way(pair: Pair, maintenance_url: str) -> None:
    pair.swap()

    swap(maintenance_url, live=pair.live.name, side=pair.kept, kept=pair.side.name, marker="back")

    assert fetch(pair.live.owner_url, "SELECT word FROM content") == [("old",)]
    assert fetch(pair.side.owner_url, "SELECT word FROM content") == [("new",)]


def test_clients_that_come_back_all_the_time_do_not_defeat_it(pair: Pair) -> None:
    with clients(pair.live.owner_url, 20), probe_database(pair.live.owner_url) as probe:
        assert probe.wait_until_good(10)
        pair.swap()
        assert probe.wait_until_good(10)
        seen = probe.observe()

    assert fetch(pair.live.owner_url, "SELECT word FROM content") == [("new",)]
    assert all(outage.ended_at is not None for outage in seen.outages)


def test_open_transactions_are_ended(pair: Pair) -> None:
    with psycopg.connect(pair.live.owner_url) as idle:
        idle.execute("DELETE FROM content")
        pair.swap()
        with pytest.raises(psycopg.OperationalError):
            idle.execute("SELECT 1")

    kept = replace_database(pair.live.owner_url, pair.kept)
    assert fetch(kept, "SELECT word FROM content") == [("old",)]


def test_session_that_does_not_leave_fails_it_and_nothing_changes(pair: Pair) -> None:
    with psycopg.connect(pair.live.owner_url) as stuck:
        os.kill(stuck.info.backend_pid, signal.SIGSTOP)
        try:
            with pytest.raises(SwapFailed, match="is as it was and open"):
                pair.swap(drain_timeout_s=0.3)
            assert pair.is_untouched()
        finally:
            os.kill(stuck.info.backend_pid, signal.SIGCONT)


def test_session_that_takes_its_time_is_waited_for(pair: Pair) -> None:
    """Longer than PostgreSQL would look, woken as often as it is at first."""
    with psycopg.connect(pair.live.owner_url) as slow:
        pid = slow.info.backend_pid
        os.kill(pid, signal.SIGSTOP)
        timer = threading.Timer(1, os.kill, (pid, signal.SIGCONT))
        timer.start()
        pair.swap(drain_timeout_s=4)
        timer.join()

    assert pair.state() is SwapState.AFTER


def test_session_of_a_superuser_is_seen_beforehand(pair: Pair) -> None:
    with psycopg.connect(pair.live.admin_url) as superuser, psycopg.connect(pair.live.owner_url) as client:
        with pytest.raises(SwapRefused, match=rf"may not end \(process {superuser.info.backend_pid}, role postgres\)"):
            pair.swap()
        client.execute("SELECT 1")

    assert pair.is_untouched()


def test_kept_name_that_exists_is_refused(pair: Pair, make_place: MakePlace) -> None:
    make_place(pair.kept)

    with pytest.raises(SwapRefused, match=pair.kept):
        pair.swap()


def test_prepared_transaction_is_refused(pair: Pair) -> None:
    with psycopg.connect(pair.live.owner_url, autocommit=True) as connection, ExitStack() as cleaning:
        connection.execute("BEGIN; DELETE FROM content; PREPARE TRANSACTION 'half'")
        cleaning.callback(connection.execute, "ROLLBACK PREPARED 'half'")
        with pytest.raises(SwapRefused, match='prepared transaction "half" is open'):
            pair.swap()
        connection.execute("SELECT 1")

    assert pair.is_untouched()


def test_logical_slot_is_refused(pair: Pair) -> None:
    execute(pair.live.admin_url, "SELECT pg_create_logical_replication_slot('reader', 'pgoutput')")
    try:
        with pytest.raises(SwapRefused, match='logical replication slot "reader"'):
            pair.swap()
    finally:
        execute(pair.live.admin_url, "SELECT pg_drop_replication_slot('reader')")

    assert pair.is_untouched()


def test_missing_rights_are_all_named(pair: Pair, cluster: Cluster) -> None:
    execute(cluster.admin_url, "DROP ROLE IF EXISTS poor; CREATE ROLE poor LOGIN PASSWORD 'poor'")
    poor = f"postgresql://poor:poor@127.0.0.1:{cluster.port}/postgres"

    with pytest.raises(SwapRefused) as caught:
        swap(poor, live=pair.live.name, side=pair.side.name, kept=pair.kept, marker="m")

    for words in ("CREATEDB", "pg_signal_backend", "pg_read_all_stats", f'the owner of "{pair.live.name}"'):
        assert words in str(caught.value)
    assert pair.is_untouched()


def test_it_is_not_done_from_inside(pair: Pair) -> None:
    with pytest.raises(SwapRefused, match="from another database"):
        swap(pair.live.url, live=pair.live.name, side=pair.side.name, kept=pair.kept, marker="m")


@pytest.mark.parametrize("name", ["ünïcode 👜", "with \"quotes\" and 'more'", "$swap$; --", "%I %s {}"])
def test_any_name_will_do(name: str, make_place: MakePlace, maintenance_url: str, cluster: Cluster) -> None:
    live, side = make_place(name), make_place()
    try:
        swap(maintenance_url, live=live.name, side=side.name, kept=f"{name} kept", marker=name)

        seen = observe_swap(maintenance_url, live=live.name, side=side.name, kept=f"{name} kept", marker=name)
        assert seen.state is SwapState.AFTER
    finally:
        cluster.drop_database(f"{name} kept")


def test_what_belongs_to_the_database_is_carried_over(pair: Pair, maintenance_url: str) -> None:
    live = pair.live.name
    execute(
        pair.live.admin_url,
        f'''
        ALTER DATABASE {live} SET work_mem = '9MB';
        ALTER DATABASE {live} SET search_path = public, "Odd, ""Name""";
        ALTER DATABASE {live} SET datestyle = 'ISO, DMY';
        ALTER ROLE traitortrack IN DATABASE {live} SET statement_timeout = '33s';
        ALTER DATABASE {live} CONNECTION LIMIT 42;
        COMMENT ON DATABASE {live} IS 'it''s the warehouse';
        REVOKE CONNECT ON DATABASE {live} FROM PUBLIC;
        GRANT CREATE ON DATABASE {live} TO holdfast WITH GRANT OPTION;
        ''',
    )
    execute(pair.side.admin_url, f"ALTER DATABASE {pair.side.name} SET lock_timeout = '1s'")
    with connect(maintenance_url) as connection:
        before = observe_traits(connection, live)

    carry_over(maintenance_url, live=live, side=pair.side.name)
    carry_over(maintenance_url, live=live, side=pair.side.name)
    pair.swap()

    with connect(maintenance_url) as connection:
        assert observe_traits(connection, live) == before
    assert fetch(pair.live.owner_url, "SHOW search_path") == [('public, "Odd, ""Name"""',)]
    assert fetch(pair.live.owner_url, "SHOW datestyle") == [("ISO, DMY",)]


def test_what_we_may_not_carry_over_is_named_and_nothing_is(pair: Pair, maintenance_url: str) -> None:
    live, side = pair.live.name, pair.side.name
    execute(pair.live.admin_url, f"ALTER DATABASE {live} SET log_statement = 'ddl'")
    execute(pair.live.admin_url, f"ALTER DATABASE {live} CONNECTION LIMIT 42")

    with pytest.raises(TraitsRefused, match=r'"log_statement".*permission denied.*Nothing was changed'):
        carry_over(maintenance_url, live=live, side=side)

    with connect(maintenance_url) as connection:
        assert observe_traits(connection, side).connection_limit == -1


SWAPPER = """
import sys
from bot.systems.database_swap import swap
url, live, side, kept = sys.argv[1:]
print("ready", flush=True)
swap(url, live=live, side=side, kept=kept, marker="m")
"""


@pytest.mark.crash
@pytest.mark.parametrize("attempt", range(6))
def test_killed_in_the_middle_leaves_before_or_after(pair: Pair, attempt: int) -> None:
    """At a moment that differs each time, from before the swap to after it; clients get in either way."""
    names = (pair.live.name, pair.side.name, pair.kept)
    with clients(pair.live.owner_url, 5), probe_database(pair.live.owner_url) as probe:
        command = [sys.executable, "-c", SWAPPER, pair.maintenance_url, *names]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as swapper:
            assert swapper.stdout is not None
            swapper.stdout.readline()
            threading.Event().wait(random.Random(attempt).uniform(0, 0.25))
            swapper.kill()
        assert probe.wait_until_good(5)

    assert pair.state() in (SwapState.BEFORE, SwapState.AFTER)
    pair.swap()
    assert fetch(pair.live.owner_url, "SELECT word FROM content") == [("new",)]
