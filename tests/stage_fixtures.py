"""One rehearsal stage for all tests that need one: a real PostgreSQL, the warehouse on it, and an S3.

It is started once. Every test that takes `fresh_stage` finds it as after the start: the same rows in the database, and
in the bucket nothing but one verified backup of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import psycopg
import pytest
from psycopg import sql

from bot.sandbox.cloud import BUCKET
from bot.sandbox.postgres_cluster import RECOVERY_ROLE
from bot.sandbox.stage import DATABASE, Stage
from bot.sandbox.warehouse.seed import seed
from bot.systems.archives import Bucket
from bot.systems.dumps.backup import back_up
from bot.systems.dumps.manifest import Manifest

BAGS = 2_000
TEMPLATE = "pristine"
PREFIX = "database/"


@dataclass(frozen=True)
class SharedStage:
    """The stage, and how to look at it and bring it back to its beginning."""

    stage: Stage

    @property
    def bucket(self) -> Bucket:
        return Bucket(self.stage.cloud.s3, BUCKET)

    @cached_property
    def baseline(self) -> Manifest:
        """The backup that is there from the start."""
        url = self.stage.cluster.url(DATABASE, role=RECOVERY_ROLE)
        return back_up(url, self.bucket, prefix=PREFIX, run="baseline")

    def back_up_now(self) -> str:
        """The key of one more backup: where lost rows cannot be counted, the loss is judged by the backup's age."""
        url = self.stage.cluster.url(DATABASE, role=RECOVERY_ROLE)
        return back_up(url, self.bucket, prefix=PREFIX, run="now").key

    def reset(self) -> None:
        """Databases as at the start, in some 0.2 s; in the bucket nothing but the baseline."""
        self.make_database()
        self._empty_bucket({part.key for part in self.baseline.parts} | {self.baseline.manifest_key})
        self.stage.start_application()

    def make_database(self) -> None:
        """The live database as at the start, and no other."""
        self.drop_everything()
        with self.admin() as connection:
            copy = sql.SQL("CREATE DATABASE {} OWNER traitortrack TEMPLATE {}")
            connection.execute(copy.format(sql.Identifier(DATABASE), sql.Identifier(TEMPLATE)))

    def drop_everything(self) -> None:
        """Drop whatever tests made, and the live database."""
        for name in self.databases():
            self.stage.cluster.drop_database(name)

    @contextmanager
    def bot_store(self) -> Iterator[str]:
        """The URL of an empty PostgreSQL database for a bot's own store."""
        self.stage.cluster.create_database("bot")
        try:
            yield self.stage.cluster.url("bot")
        finally:
            self.stage.cluster.drop_database("bot")

    def databases(self) -> set[str]:
        """Names of the databases, without PostgreSQL's own, the pristine one and a bot's store."""
        query = "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname NOT IN ('postgres', 'bot', %s)"
        with self.admin() as connection:
            return {str(name) for (name,) in connection.execute(query, (TEMPLATE,)).fetchall()}

    def oid(self, database: str = DATABASE) -> int | None:
        with self.admin() as connection:
            row = connection.execute("SELECT oid::bigint FROM pg_database WHERE datname = %s", (database,)).fetchone()
        return None if row is None else int(row[0])

    def count_bags(self, database: str = DATABASE) -> int:
        """As the application sees it."""
        with psycopg.connect(self.stage.cluster.url(database), connect_timeout=5) as connection:
            row = connection.execute("SELECT count(*) FROM bag").fetchone()
        assert row is not None
        return int(row[0])

    def admin(self) -> psycopg.Connection:
        """The superuser, outside of the application's database."""
        return psycopg.connect(self.stage.cluster.admin_url, autocommit=True)

    def delete_object(self, key: str) -> None:
        """For good: every version of it."""
        self._delete_where(lambda found: found == key)

    def _empty_bucket(self, kept: set[str]) -> None:
        self._delete_where(lambda found: found not in kept)

    def _delete_where(self, chosen: Callable[[str], bool]) -> None:
        s3 = self.stage.cloud.s3
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=BUCKET):
            for entry in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
                if chosen(entry["Key"]):
                    s3.delete_object(Bucket=BUCKET, Key=entry["Key"], VersionId=entry["VersionId"])


@pytest.fixture(scope="session")
def shared_stage() -> Iterator[SharedStage]:
    """Started once; tests take `fresh_stage`."""
    with Stage(bags=BAGS, bags_per_s=0) as stage:
        shared = SharedStage(stage)
        stage.cluster.create_database(TEMPLATE)
        seed(stage.cluster.url(TEMPLATE), BAGS)
        shared.make_database()
        assert shared.baseline.parts
        yield shared


@pytest.fixture
def fresh_stage(shared_stage: SharedStage) -> SharedStage:
    """The stage as at its start."""
    shared_stage.reset()
    return shared_stage
