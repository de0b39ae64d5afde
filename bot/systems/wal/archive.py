"""The archived log of a server in S3, as `archive_command` put it there: one object a segment, found by its name.

The written procedure stores `wal/<segment>`. Deeper folders and the endings of gzip, bzip2 and zstd are understood too,
so that an archive which Barman or a compressing command has written can be replayed as it is. Needs s3:ListBucket and
s3:GetObject.
"""

from __future__ import annotations

import bz2
import gzip
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import zstandard

from bot.systems.archives import Bucket, Stored
from bot.systems.wal.segments import HISTORY_NAME, Segment, SegmentDamaged, Switch, check_segment, parse_history

STORED_NAME = re.compile(r"([0-9A-F]{24}|[0-9A-F]{8}\.history)(\.gz|\.bz2|\.zst)?")


def _unpack_zstd(content: bytes) -> bytes:
    with zstandard.ZstdDecompressor().stream_reader(content, read_across_frames=True) as reader:
        return reader.read()


UNPACKERS: Mapping[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.decompress,
    ".bz2": bz2.decompress,
    ".zst": _unpack_zstd,
}


@dataclass(frozen=True)
class WalArchive:
    """What is archived, by name; `objects` holds segments and the histories of timelines."""

    bucket: Bucket
    prefix: str
    objects: Mapping[str, Stored]

    @property
    def newest(self) -> Stored | None:
        """The segment that was archived last."""
        segments = (stored for name, stored in self.objects.items() if not name.endswith(".history"))
        return max(segments, key=lambda stored: (stored.stored_at is not None, stored.stored_at), default=None)

    def read(self, name: str) -> bytes:
        """A segment or history, unpacked. Raises ArchiveVanished, StorageUnavailable or SegmentDamaged."""
        stored = self.objects[name]
        content = self.bucket.read_all(stored)
        ending = stored.key.rpartition("/")[2].removeprefix(name)
        try:
            return UNPACKERS[ending](content)
        except (OSError, EOFError, ValueError, zstandard.ZstdError) as error:
            raise SegmentDamaged(f"{self.bucket.place(stored.key)} cannot be unpacked ({error}).") from error

    def read_segment(self, segment: Segment, system_identifier: int) -> bytes:
        """One segment, checked to be the one that is meant. Raises as `read` does."""
        content = self.read(segment.name)
        place = self.bucket.place(self.objects[segment.name].key)
        check_segment(content, segment, system_identifier, place)
        return content

    def histories(self) -> dict[int, list[Switch]]:
        """The parents of every timeline that has a history."""
        found = ((HISTORY_NAME.fullmatch(name), name) for name in self.objects)
        return {int(match[1], 16): parse_history(self.read(name).decode()) for match, name in found if match}


@dataclass(frozen=True)
class Chain:
    """Segments that follow one another without a gap from a base backup's first.

    `missing` is the first name that is not there although later ones are; None where the chain is as long as the
    archive. `timelines` are those that it runs along, the oldest first.
    """

    segments: tuple[Segment, ...]
    missing: str | None
    timelines: tuple[int, ...]


def list_wal(bucket: Bucket, prefix: str) -> WalArchive:
    """Everything under a prefix that is named like a piece of the log. Raises StorageUnavailable."""
    objects: dict[str, Stored] = {}
    for stored in _walk(bucket, prefix):
        match = STORED_NAME.fullmatch(stored.key.rpartition("/")[2])
        if match is not None:
            objects[match[1]] = stored
    return WalArchive(bucket, prefix, objects)


def follow(archive: WalArchive, first: Segment) -> Chain:
    """The log from a segment on, along the newest timeline that comes from that segment's."""
    path = _choose_timelines(archive.histories(), first.timeline)
    there = _numbers_by_timeline(archive, path, first)
    segments: list[Segment] = []
    at, number = 0, first.number
    while True:
        follows = [index for index in range(at, len(path)) if number in there[path[index]]]
        if not follows:
            break
        at = follows[-1]
        segments.append(Segment(path[at], number, first.size_bytes))
        number += 1
    later = any(number < other for timeline in path[at:] for other in there[timeline])
    missing = Segment(path[at], number, first.size_bytes).name if later else None
    return Chain(tuple(segments), missing, tuple(path))


def archived_after(archive: WalArchive, segment: Segment, moment: datetime) -> bool:
    """Whether a segment came into the archive after a moment (UTC): only then can it hold what happened after it."""
    stored_at = archive.objects[segment.name].stored_at
    return stored_at is None or stored_at > moment


def _choose_timelines(histories: Mapping[int, list[Switch]], start: int) -> list[int]:
    ways = {
        timeline: [switch.parent for switch in switches] + [timeline]
        for timeline, switches in histories.items()
        if start in {switch.parent for switch in switches}
    }
    if not ways:
        return [start]
    newest = ways[max(ways)]
    return newest[newest.index(start) :]


def _numbers_by_timeline(archive: WalArchive, path: list[int], first: Segment) -> dict[int, set[int]]:
    there: dict[int, set[int]] = {timeline: set() for timeline in path}
    per_high = 0x1_0000_0000 // first.size_bytes
    for name in archive.objects:
        if name.endswith(".history"):
            continue
        timeline, high, low = (int(name[start : start + 8], 16) for start in (0, 8, 16))
        number = high * per_high + low
        if timeline in there and number >= first.number:
            there[timeline].add(number)
    return there


def _walk(bucket: Bucket, prefix: str) -> Iterator[Stored]:
    for stored in bucket.list_objects(prefix):
        if stored.key.endswith("/") and stored.key != prefix:
            yield from _walk(bucket, stored.key)
        else:
            yield stored
