"""The code in S3: a bundle with all history and the files of the main branch, kept for when no repository answers."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, cast

from bot.outcome import Refused
from bot.recovery.action import World
from bot.systems.archives import Bucket, Stored, open_bucket

READ_PERMISSIONS = ("s3:GetObject", "s3:GetObjectVersion")
LIMIT_BYTES = 2 * 1024**3
ENTRIES = 200_000
MIGRATIONS = "migrations/versions/"
READ_BYTES = 4096


@dataclass(frozen=True)
class CodeArchive:
    """What was read through: its checksum, and the migrations that the code in it knows."""

    stored: Stored
    sha256: str
    migrations: list[str]


def code_bucket(world: World) -> Bucket:
    return open_bucket(world.policy.infrastructure.code.archive.bucket, world.policy.infrastructure.regions.primary)


def latest_key(world: World) -> str:
    """Where the newest archive lies under a name that does not change."""
    code = world.policy.infrastructure.code
    return f"{code.archive.prefix}{code.archive_file}"


def read_archive(bucket: Bucket, stored: Stored) -> CodeArchive:
    """Read it through once, in bounded memory. Raises `Refused` for what is no tar.gz or too large, ArchiveVanished."""
    if stored.size_bytes > LIMIT_BYTES:
        raise Refused(f"{bucket.place(stored.key)} is larger than {LIMIT_BYTES:,} bytes.", "Choose another archive.")
    source = _Hashed(bucket.read(stored))
    try:
        with tarfile.open(fileobj=cast(IO[bytes], source), mode="r|gz") as archive:
            migrations = sorted(set(_find_migrations(archive)))
    except (tarfile.TarError, EOFError, OSError) as error:
        raise Refused(f"{bucket.place(stored.key)} is no whole tar.gz: {error}.", "Choose another archive.") from error
    source.drain()
    return CodeArchive(stored, source.sha256.hexdigest(), migrations)


def _find_migrations(archive: tarfile.TarFile) -> Iterator[str]:
    for number, member in enumerate(archive):
        if number > ENTRIES:
            raise tarfile.TarError(f"more than {ENTRIES} entries")
        name = member.name.removeprefix("./")
        if not (member.isreg() and name.startswith(MIGRATIONS) and name.endswith(".py")):
            continue
        file = archive.extractfile(member)
        text = file.read(READ_BYTES).decode("utf-8", "replace") if file else ""
        for line in text.splitlines():
            words = line.replace('"', "'").split("'")
            if line.startswith("revision") and len(words) > 2:
                yield words[1]


class _Hashed:
    """A stream of chunks as a file to read, hashed on the way."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._left, self.sha256 = chunks, b"", hashlib.sha256()

    def read(self, size: int) -> bytes:
        while len(self._left) < size:
            chunk = next(self._chunks, b"")
            if not chunk:
                break
            self.sha256.update(chunk)
            self._left += chunk
        taken, self._left = self._left[:size], self._left[size:]
        return taken

    def drain(self) -> None:
        """What follows after the archive's end belongs to the object too."""
        for chunk in self._chunks:
            self.sha256.update(chunk)
