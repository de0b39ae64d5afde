"""What is known of a plain dump: from its beginning alone, and after reading it to its end."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

from bot.systems.client_tools import major_of
from bot.systems.database_traits import DatabaseTraits
from bot.systems.dumps.plain_builds import Build
from bot.systems.fingerprints import SequenceState


class TableRows(BaseModel):
    """How many rows the dump has for one table."""

    model_config = ConfigDict(frozen=True)
    schema_name: str
    table: str
    rows: int


class DumpHead(BaseModel):
    """What the beginning of a dump says: of which database it is, and what a database must be like to take it.

    `started` is as pg_dump --verbose wrote it, in its own time zone; None where it was not asked to.
    """

    model_config = ConfigDict(frozen=True)
    database: str
    encoding: str
    collation: str
    character_type: str
    locale_provider: str
    locale: str | None
    server_version: str
    pg_dump_version: str
    started: str | None

    @property
    def server_major(self) -> int:
        """Of the server that was dumped: 14, 15, …"""
        return major_of(self.server_version)

    def started_at(self, zone: ZoneInfo) -> datetime | None:
        """When it was begun, where that can be told: written in UTC, or in the abbreviation that `zone` had then."""
        local, _, abbreviation = (self.started or "").rpartition(" ")
        try:
            naive = datetime.fromisoformat(local)
        except ValueError:
            return None
        if abbreviation in ("UTC", "GMT"):
            return naive.replace(tzinfo=UTC)
        moment = naive.replace(tzinfo=zone)
        return moment.astimezone(UTC) if moment.tzname() == abbreviation else None


class PlainDump(DumpHead):
    """A whole dump that was read to its end: complete, and with nothing in it that is not run here.

    `size_bytes` and `sha256` are of the gzip file, `script_bytes` of what is in it. `builds` may be
    run as soon as their table is filled.
    """

    size_bytes: int
    script_bytes: int
    sha256: str
    tables: tuple[TableRows, ...]
    sequences: dict[str, SequenceState]
    large_objects: int
    large_object_bytes: int
    roles: tuple[str, ...]
    extensions: tuple[str, ...]
    traits: DatabaseTraits
    builds: tuple[Build, ...] = ()

    @property
    def rows(self) -> int:
        """All rows of all tables."""
        return sum(table.rows for table in self.tables)
