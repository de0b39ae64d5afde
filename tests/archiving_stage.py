"""One rehearsal stage whose server archives its log, with a base backup: for whatever brings a moment back."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import psycopg
import pytest

from bot.sandbox.cloud import BUCKET, REGION
from bot.sandbox.postgres_cluster import RECOVERY_ROLE
from bot.sandbox.stage import DATABASE, WAL_PREFIX, Stage
from bot.sandbox.warehouse.seed import seed
from bot.systems.archives import Bucket
from bot.systems.postgres import connect
from bot.systems.wal.base_backup import take_base_backup
from bot.systems.wal.base_manifest import BaseManifest
from bot.systems.wal.closing import close_segment
from bot.systems.wal.recoverable import PhysicalBackups, find_physical_backups
from tests.stage_fixtures import BAGS, TEMPLATE, SharedStage

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BASE_PREFIX = "base/"
LONG_ARCHIVE = 8
"""From so many segments on, a new base backup costs less time than replaying them again and again."""


@dataclass(frozen=True)
class ArchivingStage(SharedStage):
    """A shared stage with a log in S3; what is in the archive stays there from test to test."""

    bases: list[BaseManifest] = field(default_factory=list)

    @property
    def base(self) -> BaseManifest:
        """The base backup that is there from the start."""
        return self.bases[-1]

    @cached_property
    def client(self) -> S3Client:
        """More patient than the stage's own: some hundred MB of log may lie there."""
        return boto3.client(
            "s3",
            endpoint_url=self.stage.cloud.url,
            region_name=REGION,
            aws_access_key_id="sandbox",
            aws_secret_access_key="sandbox",
        )

    @property
    def bucket(self) -> Bucket:
        return Bucket(self.client, BUCKET)

    def begin_anew(self) -> None:
        """A new base backup, and nothing in the archive from before it."""
        self._delete_where(lambda found: found.startswith((WAL_PREFIX, BASE_PREFIX)))
        self.bases.append(self.take_base_backup(f"start{len(self.bases)}"))

    def take_base_backup(self, run: str) -> BaseManifest:
        return take_base_backup(self.recovery_url, self.bucket, prefix=BASE_PREFIX, run=run)

    @property
    def recovery_url(self) -> str:
        return self.stage.cluster.url(DATABASE, role=RECOVERY_ROLE)

    @property
    def maintenance_url(self) -> str:
        return self.stage.cluster.url("postgres", role=RECOVERY_ROLE)

    def backups(self) -> PhysicalBackups:
        """What the server could be brought back from now."""
        return find_physical_backups(self.bucket, BASE_PREFIX, self.bucket, WAL_PREFIX, self.base.system_identifier)

    def now(self) -> datetime:
        """The server's clock, UTC; whatever is committed after the call is later."""
        with self.admin() as connection:
            row = connection.execute("SELECT clock_timestamp(), pg_sleep(0.002)").fetchone()
        assert row is not None
        moment: datetime = row[0]
        return moment.astimezone(UTC)

    @property
    def restore_folder(self) -> Path:
        """Where restored servers are put."""
        return Path(self.stage.environment()["HOLDFAST_RESTORE_FOLDER"])

    def left_over(self) -> list[str]:
        """What restored servers have left: their folders, and processes that still run in them."""
        folders = [str(path) for path in self.restore_folder.glob("*")]
        return folders + [said for said in list_commands() if str(self.restore_folder) in said]

    def lose_bags(self, count: int) -> None:
        """What a bad script does."""
        with psycopg.connect(self.stage.application_url, autocommit=True) as connection:
            connection.execute("DELETE FROM bag WHERE id IN (SELECT id FROM bag ORDER BY id LIMIT %s)", (count,))

    def archive_now(self) -> str:
        """Have all that was committed archived; the name of the last segment."""
        with connect(self.maintenance_url) as connection:
            return close_segment(connection)

    def take_out(self, key: str) -> tuple[str, bytes]:
        """Lose an object for good; what it was, so that it can be put back for the next test."""
        content = self.bucket.read_all(self.bucket.find(key))
        self.delete_object(key)
        return key, content

    def put_in(self, stored: tuple[str, bytes]) -> None:
        key, content = stored
        self.delete_object(key)
        self.bucket.store(key, [content], metadata={})

    def _empty_bucket(self, kept: set[str]) -> None:
        """The log and its base backup belong together, and the server goes on with it."""
        ours = (WAL_PREFIX, f"{self.base.key}.")
        self._delete_where(lambda found: found not in kept and not found.startswith(ours))
        if len(self.backups().archive.objects) > LONG_ARCHIVE:
            self.begin_anew()

    def _delete_where(self, chosen: Callable[[str], bool]) -> None:
        for page in self.client.get_paginator("list_object_versions").paginate(Bucket=BUCKET):
            for entry in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
                if chosen(entry["Key"]):
                    self.client.delete_object(Bucket=BUCKET, Key=entry["Key"], VersionId=entry["VersionId"])


def list_commands() -> list[str]:
    """The command lines of all processes."""
    done = subprocess.run(["ps", "-eo", "args="], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


@pytest.fixture(scope="session")
def archiving_stage() -> Iterator[ArchivingStage]:
    """Started once; tests take `fresh_archiving_stage`."""
    with Stage(bags=BAGS, bags_per_s=0, archive_wal=True) as stage:
        shared = ArchivingStage(stage)
        stage.cluster.create_database(TEMPLATE)
        seed(stage.cluster.url(TEMPLATE), BAGS)
        shared.make_database()
        assert shared.baseline.parts
        shared.begin_anew()
        yield shared


@pytest.fixture
def fresh_archiving_stage(archiving_stage: ArchivingStage) -> ArchivingStage:
    """The stage as at its start, but for what is in the archive."""
    archiving_stage.reset()
    return archiving_stage
