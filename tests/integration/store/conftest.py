"""Every test of the store runs on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bot.sandbox.postgres_cluster import Cluster
from bot.store.database import Database
from tests.integration.store.stores import KINDS, empty_store, fresh_url, open_store


@pytest.fixture(scope="package")
def cluster() -> Iterator[Cluster]:
    with Cluster() as cluster:
        yield cluster


@pytest.fixture(scope="package")
def stores(tmp_path_factory: pytest.TempPathFactory, cluster: Cluster) -> Iterator[dict[str, Database]]:
    """One migrated store of each kind."""
    with ExitStack() as stack:
        folder = tmp_path_factory.mktemp("store")
        urls = {kind: stack.enter_context(fresh_url(kind, folder, cluster)) for kind in KINDS}
        yield {kind: stack.enter_context(open_store(url)) for kind, url in urls.items()}


@pytest.fixture(params=KINDS)
def database(request: pytest.FixtureRequest, stores: dict[str, Database]) -> Database:
    """A migrated and empty store."""
    database = stores[request.param]
    empty_store(database)
    return database


@pytest.fixture(params=KINDS)
def store_url(request: pytest.FixtureRequest, tmp_path: Path, cluster: Cluster) -> Iterator[str]:
    """The URL of a store in which nothing is yet, not even tables."""
    with fresh_url(request.param, tmp_path, cluster) as url:
        yield url
