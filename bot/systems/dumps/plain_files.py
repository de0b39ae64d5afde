"""Where plain dumps lie: `.sql.gz` objects in S3 and files in a folder of this machine; listed, pinned and read.

A dump is only ever taken from a listing: a name from elsewhere is compared with what lies there and never becomes part
of a path.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bot.systems.archives import Bucket, Stored
from bot.systems.dumps.streams import ArchiveDamaged

SUFFIX = ".sql.gz"
READ_BYTES = 1024 * 1024


@dataclass(frozen=True)
class PlainFile:
    """One dump, as it lies there now. `version` tells it from whatever may take its place; time in UTC.

    Of S3's objects it is the version's id, else what a rewritten one would have different: time and size.
    """

    source: Bucket | Path
    name: str
    size_bytes: int
    stored_at: datetime
    version: str

    @property
    def place(self) -> str:
        """How it is named to people."""
        return self.source.place(self.name) if isinstance(self.source, Bucket) else str(self.source / self.name)

    def read(self) -> Iterator[bytes]:
        """Its bytes in order, about 1 MiB at a time. Raises ArchiveDamaged, ArchiveVanished or StorageUnavailable."""
        if isinstance(self.source, Bucket):
            pinned = None if self.version.startswith("at ") else self.version
            return self.source.read(Stored(self.name, pinned, self.size_bytes))
        return self._read_file(self.source)

    def pin(self) -> PlainFile:
        """The same with the version that lies there now; listings of S3 do not tell it. Raises ArchiveVanished."""
        if not isinstance(self.source, Bucket):
            return self
        found = self.source.find(self.name)
        stored_at = (found.stored_at or self.stored_at).astimezone(UTC)
        version = found.version_id or _describe_version(stored_at, found.size_bytes)
        return PlainFile(self.source, self.name, found.size_bytes, stored_at, version)

    def _read_file(self, folder: Path) -> Iterator[bytes]:
        try:
            # The folder is the policy's and the name is from its listing; a link put there since is not followed.
            descriptor = os.open(folder / self.name, os.O_RDONLY | os.O_NOFOLLOW)
            with open(descriptor, "rb") as opened:
                while chunk := opened.read(READ_BYTES):
                    yield chunk
        except OSError as error:
            raise ArchiveDamaged(f"{self.place} cannot be read ({error.strerror}). Choose another dump.") from error


def list_objects(bucket: Bucket, prefix: str) -> list[PlainFile]:
    """The dumps right under a prefix; not pinned yet. Raises StorageUnavailable."""
    return [
        PlainFile(
            bucket, one.key, one.size_bytes, one.stored_at, _describe_version(one.stored_at, one.size_bytes)
        )
        for one in bucket.list_objects(prefix)
        if one.key.endswith(SUFFIX) and one.stored_at is not None
    ]  # fmt: skip


def list_files(folder: Path) -> list[PlainFile]:
    """The dumps right in a folder, links left out; none where there is no such folder. Raises ArchiveDamaged."""
    try:
        with os.scandir(folder) as entries:
            found = [one for one in entries if one.name.endswith(SUFFIX) and one.is_file(follow_symlinks=False)]
            return [_describe_file(folder, one.name, one.stat(follow_symlinks=False)) for one in found]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ArchiveDamaged(f"{folder} cannot be listed ({error.strerror}). Choose a dump in S3.") from error


def _describe_file(folder: Path, name: str, seen: os.stat_result) -> PlainFile:
    stored_at = datetime.fromtimestamp(seen.st_mtime, UTC)
    return PlainFile(folder, name, seen.st_size, stored_at, f"{_describe_version(stored_at, seen.st_size)}")


def _describe_version(stored_at: datetime, size_bytes: int) -> str:
    return f"at {stored_at.astimezone(UTC).isoformat()}, {size_bytes} bytes"
