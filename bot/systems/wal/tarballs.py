"""The tar of a base backup as a stream: read to its end and compared with PostgreSQL's own list, or unpacked."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from bot.systems.dumps.streams import ArchiveDamaged
from bot.systems.wal.segments import parse_position

LIST_NAME = "backup_manifest"
READ_BYTES = 1024 * 1024
BUFFER_BYTES = 64 * 1024


class Stream(io.RawIOBase):
    """Chunks as a file that is read once, from the beginning to the end."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._left = chunks, memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._left:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._left = memoryview(chunk)
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count

    def drain(self) -> None:
        """Read what is left, so that whoever checks the whole stream sees its end."""
        self._left = memoryview(b"")
        for _ in self._chunks:
            pass


@dataclass(frozen=True)
class Contents:
    """What PostgreSQL wrote into its list: how many files, and the piece of the log that the backup needs."""

    files: int
    timeline: int
    begin: int
    end: int


def check_tar(chunks: Iterator[bytes], place: str) -> Contents:
    """Read a base backup to its end and compare every file with PostgreSQL's own list. Raises ArchiveDamaged."""
    found: dict[str, str] = {}
    listed = b""
    with _reading(chunks, place) as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isfile() else None
            if content is not None and member.name == LIST_NAME:
                listed = content.read()
            elif content is not None:
                found[member.name] = _hash(content)
    if not listed:
        raise ArchiveDamaged(f"{place} ends without PostgreSQL's list of its files.")
    return _compare(json.loads(listed), found, place)


def unpack_tar(chunks: Iterator[bytes], folder: Path, place: str) -> None:
    """Put a base backup's files into an empty folder, and nothing beside it. Raises ArchiveDamaged."""
    with _reading(chunks, place) as tar:
        tar.extractall(folder, filter="data")


@contextmanager
def _reading(chunks: Iterator[bytes], place: str) -> Iterator[tarfile.TarFile]:
    """The tar, whose stream is read to its very end after it: only then is it known to be whole."""
    stream = Stream(chunks)
    try:
        # tarfile copies what is left of its buffer at every read: hence a small one.
        with tarfile.open(fileobj=stream, mode="r|", bufsize=BUFFER_BYTES) as tar:
            yield tar
    except (tarfile.TarError, EOFError) as error:
        raise ArchiveDamaged(f"{place} cannot be unpacked: {error}.") from error
    stream.drain()


def _hash(content: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while chunk := content.read(READ_BYTES):
        digest.update(chunk)
    return digest.hexdigest()


def _compare(listed: dict[str, list[dict[str, str]]], found: dict[str, str], place: str) -> Contents:
    expected = {_path(entry): entry["Checksum"] for entry in listed["Files"]}
    wrong = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
    if wrong:
        raise ArchiveDamaged(f"{place} is not what PostgreSQL listed: {len(wrong)} files differ, first {wrong[0]}.")
    ranges = listed["WAL-Ranges"]
    last = ranges[-1]
    return Contents(
        files=len(expected),
        timeline=int(last["Timeline"]),
        begin=parse_position(ranges[0]["Start-LSN"]),
        end=parse_position(last["End-LSN"]),
    )


def _path(entry: dict[str, str]) -> str:
    return entry["Path"] if "Path" in entry else bytes.fromhex(entry["Encoded-Path"]).decode("utf-8", "surrogateescape")
