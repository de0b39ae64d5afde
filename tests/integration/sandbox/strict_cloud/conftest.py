"""One quick cloud for all tests here, with a small warehouse as its primary instance; names are per test."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import boto3
import psycopg
import pytest
from botocore.config import Config

from bot.sandbox.cloud import Cloud
from bot.sandbox.postgres_cluster import Cluster
from bot.sandbox.primary_instance import create_primary

QUICK = {
    "creating_s": 0.15,
    "backing_up_s": 0.1,
    "before_modifying_s": 0.1,
    "modifying_s": 0.15,
    "rebooting_s": 0.1,
    "failing_over_s": 0.15,
    "deleting_s": 0.1,
    "copying_snapshot_s": 0.1,
    "zone_lag_s": 0.3,
    "restorable_lag_s": 0.5,
    "time_scale": 1,
}
DATABASE = "traitortrack"
OpenClient = Callable[..., Any]
numbers = itertools.count(1)


@pytest.fixture(scope="session")
def running_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    cloud = Cloud(tmp_path_factory.mktemp("cloud"))
    cloud.start()
    cloud.change_pace(**QUICK)
    yield cloud
    cloud.stop()


@pytest.fixture
def cloud(running_cloud: Cloud) -> Iterator[Cloud]:
    """The cloud without anything that an earlier test asked for."""
    running_cloud.forget_calls()
    yield running_cloud
    running_cloud.stop_failing()
    running_cloud.resume()
    running_cloud.change_pace(**QUICK)


def open_client_of(cloud: Cloud, service: str, region: str = "us-east-1", attempts: int = 1) -> Any:
    """Open a client of a cloud that tries `attempts` times."""
    open_any: Any = boto3.client
    config = Config(retries={"total_max_attempts": attempts, "mode": "standard"}, proxies={})
    account = {"aws_access_key_id": "sandbox", "aws_secret_access_key": "sandbox"}
    return open_any(service, endpoint_url=cloud.url, region_name=region, config=config, **account)


@pytest.fixture(scope="session")
def open_client(running_cloud: Cloud) -> OpenClient:
    """Opens a client of the shared cloud."""
    return partial(open_client_of, running_cloud)


@pytest.fixture(scope="session")
def rds(open_client: OpenClient) -> Any:
    return open_client("rds")


@pytest.fixture
def name() -> str:
    """An identifier that nobody has yet."""
    return f"instance-{next(numbers)}"


@pytest.fixture(scope="session")
def warehouse_cluster() -> Iterator[Cluster]:
    """A cluster with a table of 1,000 bags."""
    with Cluster() as cluster:
        cluster.create_database(DATABASE)
        with psycopg.connect(cluster.url(DATABASE)) as connection:
            connection.execute("CREATE TABLE bag (id serial PRIMARY KEY, note text)")
            connection.execute("INSERT INTO bag SELECT FROM generate_series(1, 1000)")
        yield cluster


@pytest.fixture(scope="session")
def warehouse(running_cloud: Cloud, warehouse_cluster: Cluster) -> Cluster:
    """That cluster, as the database of traitortrack-primary."""
    create_primary(running_cloud, warehouse_cluster, warehouse_cluster.url(DATABASE))
    return warehouse_cluster
