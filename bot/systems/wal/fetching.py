"""Bringing a base backup and its log from S3 into a folder of a restored server's own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from pathlib import Path

from bot.systems.archives import Bucket
from bot.systems.dumps.streams import unpack
from bot.systems.dumps.watch import Watch
from bot.systems.outcomes import SystemRefused
from bot.systems.wal.archive import Chain, WalArchive, archived_after
from bot.systems.wal.base_manifest import BaseManifest
from bot.systems.wal.commits import Stop, find_stop, read_ends
from bot.systems.wal.segments import Segment
from bot.systems.wal.tarballs import unpack_tar

FETCHED_AT_ONCE = 4


class NoSpace(SystemRefused):
    """There is not enough room where the restored server would be."""


@dataclass(frozen=True)
class Wanted:
    """What is to be fetched. `target` is the moment to reach (UTC), None for all that the chain holds."""

    base: BaseManifest
    chain: Chain
    target: datetime | None


def estimate_segments(archive: WalArchive, wanted: Wanted) -> list[Segment]:
    """The segments that a recovery will probably read: up to the first that was archived after the moment."""
    return _up_to_archived_after(archive, wanted) if wanted.target else list(wanted.chain.segments)


def check_space(folder: Path, needed_bytes: int) -> None:
    """Whether a folder, or the nearest above it that is there, has so much room. Raises NoSpace."""
    there = next(path for path in (folder, *folder.parents) if path.is_dir())
    free_bytes = shutil.disk_usage(there).free
    if free_bytes < needed_bytes:
        raise NoSpace(
            f"About {needed_bytes:,} bytes are needed in {folder} and {free_bytes:,} are free. Nothing was changed. "
            "Make room, or set HOLDFAST_RESTORE_FOLDER to a folder that has it."
        )


def fetch_base(bucket: Bucket, base: BaseManifest, folder: Path, watch: Watch) -> None:
    """Unpack a base backup into an empty folder. Raises ArchiveDamaged, ArchiveVanished or StorageUnavailable."""
    place = bucket.place(base.object_key)
    with watch.phase("base backup"):
        chunks = unpack(
            bucket.read(base.stored),
            place=place,
            sha256=base.sha256,
            told=lambda count: watch.count("base backup", count, base.size_bytes),
        )
        unpack_tar(chunks, folder, place)


def fetch_wal(
    archive: WalArchive, wanted: Wanted, folder: Path, bindir: Path, watch: Watch
) -> tuple[list[Segment], Stop]:
    """Put the segments that lead to the moment into a folder, each checked, and the histories of timelines.

    Ends with the first segment in which a transaction ended after the moment, and says where to stop. Raises
    SegmentDamaged and what reading from S3 raises.
    """
    with watch.phase("log"):
        for name in archive.objects:
            if name.endswith(".history"):
                (folder / name).write_bytes(archive.read(name))
        certain = _certain(archive, wanted)
        with ThreadPoolExecutor(FETCHED_AT_ONCE, thread_name_prefix="wal") as pool:
            list(pool.map(lambda one: watch.guard(lambda: _fetch(archive, wanted, one, folder, watch)), certain))
        more = _fetch_until_reached(archive, wanted, certain, folder, bindir, watch)
        segments = certain + list(more)
        return segments, find_stop(bindir, folder, segments, wanted.target, wanted.base.end)


def _certain(archive: WalArchive, wanted: Wanted) -> list[Segment]:
    """What lies before the moment for sure, and whatever the base backup needs to be consistent."""
    target, last = wanted.target, wanted.base.last_segment.number
    if target is None:
        return list(wanted.chain.segments)
    return list(
        takewhile(lambda one: one.number <= last or not archived_after(archive, one, target), wanted.chain.segments)
    )


def _fetch_until_reached(
    archive: WalArchive,
    wanted: Wanted,
    certain: list[Segment],
    folder: Path,
    bindir: Path,
    watch: Watch,
) -> Iterator[Segment]:
    for segment in wanted.chain.segments[len(certain) :]:
        _fetch(archive, wanted, segment, folder, watch)
        yield segment
        if wanted.target and any(end.at > wanted.target for end in read_ends(bindir, folder, segment)):
            return


def _fetch(archive: WalArchive, wanted: Wanted, segment: Segment, folder: Path, watch: Watch) -> None:
    content = archive.read_segment(segment, wanted.base.system_identifier)
    (folder / segment.name).write_bytes(content)
    watch.count("log", len(content))


def _up_to_archived_after(archive: WalArchive, wanted: Wanted) -> list[Segment]:
    certain = _certain(archive, wanted)
    return list(wanted.chain.segments[: len(certain) + 1])
