"""Engines in this process, on SQLite and on PostgreSQL; one of them leads at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot import engine as engine_room
from bot.engine import Engine
from bot.sandbox.postgres_cluster import Cluster
from bot.store.database import Database
from tests.integration.store.stores import KINDS, fresh_url, open_store


@pytest.fixture(scope="package")
def cluster() -> Iterator[Cluster]:
    with Cluster() as cluster:
        yield cluster


@pytest.fixture(params=KINDS)
def store_url(request: pytest.FixtureRequest, tmp_path: Path, cluster: Cluster) -> Iterator[str]:
    with fresh_url(request.param, tmp_path, cluster) as url:
        yield url


@pytest.fixture
def database(store_url: str) -> Iterator[Database]:
    with open_store(store_url) as database:
        yield database


@pytest.fixture
def make_engine(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Engine]]:
    """Engines on the store; stopped afterwards."""
    monkeypatch.setattr(engine_room, "_end_process", refuse_to_end)
    made: list[Engine] = []

    def make() -> Engine:
        made.append(Engine(database))
        return made[-1]

    yield make
    for engine in reversed(made):
        engine.stop()


@pytest.fixture
def engine(make_engine: Callable[[], Engine]) -> Engine:
    return make_engine()


def refuse_to_end(status: int = 0) -> None:
    """Ending the process would end the tests, with a good status."""
    raise AssertionError(f"the engine wanted to end this process with status {status}")
