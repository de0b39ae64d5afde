"""Every test of the store runs on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.sandbox.postgres_cluster import Cluster
from bot.store.database import Database
from tests.integration.store.stores import KINDS, fresh_url, open_store


@pytest.fixture(scope="package")
def cluster() -> Iterator[Cluster]:
    with Cluster() as cluster:
        yield cluster


@pytest.fixture(params=KINDS)
def store_url(request: pytest.FixtureRequest, tmp_path: Path, cluster: Cluster) -> Iterator[str]:
    """The URL of an empty store."""
    with fresh_url(request.param, tmp_path, cluster) as url:
        yield url


@pytest.fixture
def database(store_url: str) -> Iterator[Database]:
    """A migrated store."""
    with open_store(store_url) as database:
        yield database
