"""Asking the cloud until something is so."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from botocore.exceptions import ClientError

from bot.sandbox.postgres_cluster import Cluster
from tests.integration.sandbox.strict_cloud.conftest import DATABASE
from tests.integration.sandbox.waiting import wait_for

PRIMARY = "traitortrack-primary"


def describe(rds: Any, name: str) -> dict[str, Any]:
    """Return an instance's description."""
    found: dict[str, Any] = rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
    return found


def wait_until(rds: Any, name: str, status: str = "available") -> list[str]:
    """Wait for a status; returns those seen on the way."""
    seen: list[str] = []

    def arrived() -> bool:
        now = describe(rds, name)["DBInstanceStatus"]
        if not seen or seen[-1] != now:
            seen.append(now)
        return bool(now == status)

    wait_for(arrived, f"{name} {status}, seen {seen}", deadline_s=60)
    return seen


def refused(code: str, call: Any, **parameters: object) -> str:
    """Check that a call is refused with a code; returns what AWS says to it."""
    with pytest.raises(ClientError) as refusal:
        call(**parameters)
    error = refusal.value.response["Error"]
    assert error["Code"] == code, error
    return str(error["Message"])


def count_bags(cluster: Cluster, instance: dict[str, Any]) -> tuple[int, bool]:
    """Count at an instance's endpoint, with the application's own account; also whether it is a standby."""
    url = cluster.url(DATABASE).replace(f":{cluster.port}/", f":{instance['Endpoint']['Port']}/")
    with psycopg.connect(url, connect_timeout=5) as connection:
        row = connection.execute("SELECT count(*), pg_is_in_recovery() FROM bag").fetchone()
    assert row is not None
    return row[0], row[1]


def list_messages(rds: Any, name: str) -> list[str]:
    """Return what an instance's events say, oldest first."""
    events = rds.describe_events(SourceIdentifier=name, SourceType="db-instance")["Events"]
    return [event["Message"] for event in events]
