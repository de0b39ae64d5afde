"""What a backup is: its objects in S3, and what was in the database at that moment. Written beside it, once."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from bot.systems.client_tools import major_of
from bot.systems.database_traits import DatabaseTraits
from bot.systems.dumps.rows import TableRows
from bot.systems.fingerprints import Fingerprint
from bot.systems.outlines import Outline
from bot.systems.row_profiles import Profile

MANIFEST_SUFFIX = ".manifest.json"
SCHEMA_PART = "schema"
REST_PART = "data-rest"


PartFormat = Literal["custom", "plain", "binary"]


class Part(BaseModel):
    """One object, zstd-compressed: pg_dump's output, readable with `zstd -dc | pg_restore`, or `| psql` where plain.

    A plain one holds nothing but rows of tables and the positions of their sequences, so that several sessions can load
    it together; `rows` are those that were counted when it was read back. A binary one holds `rows` of the one `table`
    as COPY writes them; a large table has several. `version_id` pins the object where the bucket
    keeps versions. `sha256` is of the object, in hex.
    """

    model_config = ConfigDict(frozen=True)
    name: str
    format: PartFormat = "custom"
    key: str
    version_id: str | None
    size_bytes: int
    dump_bytes: int
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    rows: int | None = None
    table: TableRows | None = None


class Source(BaseModel):
    """Where a backup came from, and what a target must have for it.

    `owners` are those of the `roles` that own something. `subscriptions` are not in the backup, as only a superuser
    may read where they lead. Backups of earlier versions know of neither.
    """

    model_config = ConfigDict(frozen=True)
    database: str
    oid: int
    size_bytes: int | None
    encoding: str
    collation: str
    character_type: str
    locale_provider: str
    locale: str | None
    server_version: str
    server_major: int
    pg_dump_version: str
    roles: tuple[str, ...]
    owners: tuple[str, ...] = ()
    extensions: dict[str, str]
    subscriptions: tuple[str, ...] = ()
    traits: DatabaseTraits

    @property
    def pg_dump_major(self) -> int:
        """The major version of the pg_dump that wrote the archives; an older pg_restore cannot read them."""
        return major_of(self.pg_dump_version)


class Looks(BaseModel):
    """How the database looked, for whoever wants to know later what has changed. Nothing of it is needed to restore."""

    model_config = ConfigDict(frozen=True)
    outline: Outline
    profile: Profile


class Manifest(BaseModel):
    """The whole truth about one verified backup. Times are UTC; durations are seconds per phase.

    `parts` are the schema (before and after the data) and one or more parts of data, which may be loaded side by side.
    `looks` is missing in backups of earlier versions, and where the server did not answer in time.
    """

    model_config = ConfigDict(frozen=True)
    format: Literal["holdfast-backup"] = "holdfast-backup"
    schema_version: Literal[1, 2, 3, 4] = 4
    key: str
    run: str
    snapshot_at: datetime
    verified_at: datetime
    source: Source
    parts: tuple[Part, ...]
    fingerprint: Fingerprint
    looks: Looks | None = None
    durations_s: dict[str, float]

    @property
    def size_bytes(self) -> int:
        """Bytes of all objects together, as stored."""
        return sum(part.size_bytes for part in self.parts)

    @property
    def dump_bytes(self) -> int:
        """Bytes of all archives together, uncompressed."""
        return sum(part.dump_bytes for part in self.parts)

    @property
    def manifest_key(self) -> str:
        """The key of the manifest itself."""
        return self.key + MANIFEST_SUFFIX

    def find_part(self, name: str) -> Part:
        """The part of that name. Raises KeyError."""
        return {part.name: part for part in self.parts}[name]
