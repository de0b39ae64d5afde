"""A role that may open few connections backs up and restores with those, or is told before anything begins."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from bot.sandbox.postgres_cluster import Cluster
from bot.systems.archives import Bucket
from bot.systems.connection_limits import ConnectionsLacking
from bot.systems.dumps import parting
from bot.systems.dumps.backup import back_up
from bot.systems.dumps.manifest import Manifest
from bot.systems.dumps.restore import restore_archive
from bot.systems.fingerprints import compare_fingerprints, take_fingerprint
from bot.systems.postgres import connect, replace_role
from tests.integration.systems.conftest import MakePlace
from tests.integration.systems.exhibits import UNUSUAL_SCHEMA, execute

ROLE, PASSWORD = "limited", "limited"


@pytest.fixture
def limit(cluster: Cluster) -> Iterator[Callable[[int], None]]:
    """Sets how many connections the role may have."""
    execute(cluster.admin_url, f"CREATE ROLE {ROLE} LOGIN PASSWORD '{PASSWORD}'")
    execute(cluster.admin_url, f"GRANT traitortrack, pg_read_all_data TO {ROLE}")
    try:
        yield lambda count: execute(cluster.admin_url, f"ALTER ROLE {ROLE} CONNECTION LIMIT {count}")
    finally:
        execute(cluster.admin_url, f"DROP ROLE {ROLE}")


@pytest.mark.parametrize("count", [5, 8])
def test_few_connections_are_enough(
    count: int, limit: Callable[[int], None], make_place: MakePlace, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parting, "LARGE_TABLE_BYTES", 1)
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    source, target = make_place(None, UNUSUAL_SCHEMA), make_place()
    limit(count)
    source_url, target_url = (replace_role(place.url, ROLE, PASSWORD) for place in (source, target))

    manifest = back_up(source_url, bucket, prefix=f"few-{count}/", run="r1")
    restore_archive(target_url, bucket, manifest)
    found = take_fingerprint(target_url, like=manifest.fingerprint, connections=9)

    assert manifest.looks is not None
    assert compare_fingerprints(manifest.fingerprint, found) == []


def test_too_few_are_refused_by_the_limit_s_name(
    limit: Callable[[int], None], make_place: MakePlace, bucket: Bucket
) -> None:
    source = make_place(None, "CREATE TABLE bag (id int)")
    url = replace_role(source.url, ROLE, PASSWORD)
    limit(4)
    with pytest.raises(ConnectionsLacking, match=r"needs 4 more .* role limited leaves 3: 1 of 4 are taken.*Nothing"):
        back_up(url, bucket, prefix="too-few/", run="r1")

    limit(-1)
    execute(source.admin_url, f'ALTER DATABASE "{source.name}" CONNECTION LIMIT 6')
    with ExitStack() as stack:
        stack.enter_context(connect(source.owner_url))
        stack.enter_context(connect(source.owner_url))
        with pytest.raises(ConnectionsLacking, match=rf"database {source.name} leaves 3: 3 of 6 are taken"):
            back_up(url, bucket, prefix="too-few/", run="r1")
    assert list(bucket.list_objects("too-few/")) == []


def test_a_restore_is_refused_before_anything_is_written(
    limit: Callable[[int], None], make_place: MakePlace, sample: Manifest, bucket: Bucket
) -> None:
    target = make_place()
    limit(2)
    with pytest.raises(ConnectionsLacking, match="A restore needs 4 more"):
        restore_archive(replace_role(target.url, ROLE, PASSWORD), bucket, sample)
    assert take_fingerprint(target.url).tables == {}
