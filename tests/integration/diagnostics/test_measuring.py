"""Measuring real systems: a database with sessions in it, and beside it one that never answers."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import cast

import psycopg
import pytest

from bot.clock import utc_now
from bot.diagnostics import sampling
from bot.diagnostics.meter import Before, Measured
from bot.diagnostics.meters.database import DatabaseMeter
from bot.diagnostics.sampling import Sampler
from bot.diagnostics.series import Series
from bot.engine import Engine
from bot.policy import load_policy
from bot.sandbox.stage import DATABASE
from bot.store.database import Database
from tests.integration.recovery.sessions import idle_in_transaction, running
from tests.integration.store.stores import open_store
from tests.stage_fixtures import BAGS, SharedStage
from tests.unit.alerts.conftest import HandQueue
from tests.unit.incidents.conftest import HandClock

POLICY = load_policy(None)
SETTINGS = POLICY.databases[DATABASE]


def make_meter(shared: SharedStage, **changed: object) -> DatabaseMeter:
    settings = SETTINGS.model_copy(update=changed)
    return DatabaseMeter(DATABASE, settings, shared.stage.environment())


def measure(meter: DatabaseMeter, before: Measured | None = None) -> dict[str, float]:
    now = utc_now()
    found = meter.measure(now, Before(now - timedelta(minutes=1), before.kept) if before else None)
    return {name.partition(":")[0] if "." not in name else name: value for name, value in found.values.items()}


def test_a_database_is_measured(fresh_stage: SharedStage) -> None:
    with (
        idle_in_transaction(fresh_stage, "till", "SELECT 1"),
        running(fresh_stage, "report"),
    ):
        found = measure(make_meter(fresh_stage))
    assert found["connections"] >= 2
    assert found["connections_active"] >= 1
    assert found["connections_idle_in_transaction"] >= 1
    assert 0 <= found["longest_query"] < 600
    assert found["database_size"] > 1_000_000
    assert found["rows:traitortrack.bag"] == pytest.approx(BAGS, rel=0.1)
    assert found["newest_row_age:traitortrack.bag"] > 0
    assert "replication_lag" not in found
    assert "transactions" not in found


def test_transactions_are_counted_between_two_looks(fresh_stage: SharedStage) -> None:
    meter = make_meter(fresh_stage)
    first = meter.measure(utc_now(), None)
    with psycopg.connect(fresh_stage.stage.cluster.url(DATABASE), autocommit=True) as connection:
        for _ in range(50):
            connection.execute("SELECT 1")
    assert measure(meter, first)["transactions"] > 0  # the server counts them when the session ends
    other = Measured({}, {**first.kept, "oid": 1})
    assert "transactions" not in measure(meter, other)


def test_a_table_that_is_gone_is_told_and_the_rest_is_measured(fresh_stage: SharedStage) -> None:
    found = make_meter(fresh_stage, loss_tables={"bag": "created_at", "gone": "at"}).measure(utc_now(), None)
    assert found.trouble == "There is no table gone."
    assert "connections:traitortrack" in found.values
    assert "rows:traitortrack.bag" in found.values


def test_without_an_index_no_table_is_read_whole(fresh_stage: SharedStage) -> None:
    found = make_meter(fresh_stage, loss_tables={"bag": "updated_at"}).measure(utc_now(), None)
    assert "rows:traitortrack.bag" in found.values
    assert "newest_row_age:traitortrack.bag" not in found.values


@pytest.fixture
def deaf() -> Iterator[str]:
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"postgresql://x:geheim@127.0.0.1:{server.getsockname()[1]}/deaf"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with open_store(f"sqlite:///{tmp_path / 'holdfast.db'}") as database:
        yield database


def test_a_database_that_hangs_holds_no_other_up(
    fresh_stage: SharedStage, deaf: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampling, "LIMIT_S", 2.0)
    hanging = SETTINGS.model_copy(update={"recovery_env": "DEAF_URL", "connection_env": "DEAF_URL"})
    policy = POLICY.model_copy(update={"databases": {"deaf": hanging, DATABASE: SETTINGS}, "hosts": {}})
    environment = {**fresh_stage.stage.environment(), "DEAF_URL": deaf}
    clock = HandClock()
    series = Series(database, policy)
    sampler = Sampler(database, cast(Engine, HandQueue(clock)), policy, series, environment, clock)
    began = time.monotonic()
    sampler.measure(int(clock().timestamp()))
    assert time.monotonic() - began < 20  # not a measure of speed: it did not wait for the deaf one for ever
    assert "connections:traitortrack" in series.list_names()
    assert not [name for name in series.list_names() if "deaf" in name]
    assert list(sampler.troubles()) == ["database:deaf"]
    assert "geheim" not in str(sampler.troubles())
