"""The cloud's own end: no server and no directory of its instances outlives it, the adopted server does."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.sandbox.cloud import Cloud
from bot.sandbox.postgres_cluster import Cluster
from tests.integration.sandbox.waiting import wait_until_gone

from .asking import wait_until
from .conftest import QUICK, open_client_of


@pytest.fixture
def cloud_with_replica(tmp_path: Path, warehouse_cluster: Cluster) -> Iterator[Cloud]:
    cloud = Cloud(tmp_path)
    cloud.start()
    cloud.change_pace(**QUICK)
    cloud.adopt_rds_instance("primary", warehouse_cluster)
    rds = open_client_of(cloud, "rds")
    rds.create_db_instance_read_replica(DBInstanceIdentifier="replica", SourceDBInstanceIdentifier="primary")
    wait_until(rds, "replica")
    yield cloud
    cloud.stop()


def descendants(pid: int) -> set[int]:
    """Return every process below one."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = {int(child): int(parent) for child, parent in (line.split() for line in listed.splitlines())}
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def test_stopping_ends_every_server_but_the_adopted_one(cloud_with_replica: Cloud, warehouse_cluster: Cluster) -> None:
    assert cloud_with_replica.pid is not None
    family = descendants(cloud_with_replica.pid)
    assert len(family) > 3
    cloud_with_replica.stop()
    wait_until_gone(family)
    assert warehouse_cluster.pid is not None


@pytest.mark.crash
def test_kill_9_leaves_no_server(cloud_with_replica: Cloud, warehouse_cluster: Cluster) -> None:
    assert cloud_with_replica.pid is not None
    family = descendants(cloud_with_replica.pid)
    os.kill(cloud_with_replica.pid, signal.SIGKILL)
    wait_until_gone(family)
    assert warehouse_cluster.pid is not None
