"""A PostgreSQL server and an S3 bucket, real ones, shared by all tests here; databases are each test's own."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest

from bot.sandbox.cloud import BUCKET, Cloud
from bot.sandbox.postgres_cluster import Cluster
from bot.systems.archives import Bucket
from bot.systems.dumps import parting
from bot.systems.dumps.backup import back_up
from bot.systems.dumps.manifest import Manifest
from tests.integration.systems.exhibits import execute


@dataclass(frozen=True)
class Place:
    """One database of a test, by the URLs of the bot, of its owner and of the superuser."""

    name: str
    url: str
    owner_url: str
    admin_url: str


MakePlace = Callable[..., Place]


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A running PostgreSQL server with an open door for prepared transactions and logical replication."""
    with Cluster(settings={"max_prepared_transactions": "5", "wal_level": "logical"}) as running:
        yield running


@pytest.fixture(scope="session")
def maintenance_url(cluster: Cluster) -> str:
    """The server's `postgres` database, for the bot's role."""
    return cluster.url("postgres", role="holdfast")


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A running S3."""
    running = Cloud(tmp_path_factory.mktemp("cloud"))
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def bucket(cloud: Cloud) -> Bucket:
    """The bucket for backups, which keeps versions."""
    client = boto3.client(
        "s3",
        endpoint_url=cloud.url,
        region_name="us-east-1",
        aws_access_key_id="sandbox",
        aws_secret_access_key="sandbox",
    )
    return Bucket(client, BUCKET)


@pytest.fixture
def make_place(cluster: Cluster) -> Iterator[MakePlace]:
    """Makes empty databases, owned by the application's role, which are dropped after the test."""
    made: list[str] = []

    def make(name: str | None = None, statements: str = "") -> Place:
        chosen = name or f"test_{uuid.uuid4().hex[:12]}"
        cluster.create_database(chosen)
        made.append(chosen)
        place = Place(
            chosen,
            cluster.url(chosen, role="holdfast"),
            cluster.url(chosen),
            cluster.url(chosen, role="postgres"),
        )
        execute(place.owner_url, statements)
        return place

    yield make
    for name in made:
        cluster.drop_database(name)


@pytest.fixture(scope="session")
def sample(cluster: Cluster, bucket: Bucket, tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """A backup of a small database with a part of each kind, to be looked at and never changed."""
    name = "sample"
    cluster.create_database(name)
    execute(
        cluster.url(name),
        """
        CREATE TABLE bag (id int PRIMARY KEY, label text NOT NULL);
        INSERT INTO bag SELECT i, md5(i::text) FROM generate_series(1, 20000) i;
        CREATE TABLE scan (id serial PRIMARY KEY, bag_id int REFERENCES bag);
        INSERT INTO scan (bag_id) SELECT i FROM generate_series(1, 5000) i;
        CREATE TABLE crate (id int PRIMARY KEY, place point NOT NULL);
        INSERT INTO crate SELECT i, point(i, -i) FROM generate_series(1, 20000) i;
        """,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parting, "LARGE_TABLE_BYTES", 1_000_000)
        return back_up(cluster.url(name, role="holdfast"), bucket, prefix="sample/", run="sample")


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """A directory of the test's own."""
    return tmp_path
