"""What is in the archive and what can be reached with it: names and endings, holes, timelines, foreign pieces."""

from __future__ import annotations

import bz2
import gzip
import uuid
from collections.abc import Callable, Iterable

import pytest
import zstandard

from bot.systems.archives import Bucket
from bot.systems.wal.archive import WalArchive, follow, list_wal
from bot.systems.wal.segments import Segment, SegmentDamaged
from tests.archiving_stage import ArchivingStage

MB16 = 16 * 1024 * 1024


@pytest.fixture
def bucket(archiving_stage: ArchivingStage) -> Bucket:
    return archiving_stage.bucket


@pytest.fixture
def store(bucket: Bucket) -> Callable[[Iterable[str]], WalArchive]:
    """An archive of its own with objects of these names; histories hold what stands after a colon."""

    def fill(names: Iterable[str]) -> WalArchive:
        prefix = f"test-{uuid.uuid4().hex[:8]}/"
        for name in names:
            key, _, content = name.partition(":")
            bucket.store(prefix + key, [content.encode() or b"-"], metadata={})
        return list_wal(bucket, prefix)

    return fill


def name(number: int, timeline: int = 1) -> str:
    return Segment(timeline, number, MB16).name


def numbers(archive: WalArchive, first: int = 3) -> tuple[list[tuple[int, int]], str | None]:
    chain = follow(archive, Segment(1, first, MB16))
    return [(one.timeline, one.number) for one in chain.segments], chain.missing


def test_only_pieces_of_the_log_are_seen(store: Callable[[Iterable[str]], WalArchive]) -> None:
    archive = store([name(3), f"{name(4)}.partial", f"{name(5)}.00000028.backup", "readme", f"{name(6)}.tmp"])
    assert set(archive.objects) == {name(3)}


def test_folders_of_other_archivers_are_understood(store: Callable[[Iterable[str]], WalArchive]) -> None:
    archive = store([f"main/wals/{name(3)[:16]}/{name(3)}.gz", f"main/wals/{name(4)[:16]}/{name(4)}.zst"])
    assert numbers(archive) == ([(1, 3), (1, 4)], None)


@pytest.mark.parametrize(
    ("ending", "pack"),
    [("", bytes), (".gz", gzip.compress), (".bz2", bz2.compress), (".zst", zstandard.ZstdCompressor().compress)],
)
def test_a_real_segment_is_read_however_it_was_packed(
    archiving_stage: ArchivingStage, bucket: Bucket, ending: str, pack: Callable[[bytes], bytes]
) -> None:
    segment = archiving_stage.base.first_segment
    content = archiving_stage.backups().archive.read_segment(segment, archiving_stage.base.system_identifier)
    prefix = f"packed{ending.replace('.', '-')}/"
    bucket.store(f"{prefix}{segment.name}{ending}", [pack(content)], metadata={})
    assert list_wal(bucket, prefix).read_segment(segment, archiving_stage.base.system_identifier) == content
    with pytest.raises(SegmentDamaged, match="another server"):
        list_wal(bucket, prefix).read_segment(segment, 1)


@pytest.mark.parametrize("ending", [".gz", ".bz2", ".zst"])
def test_a_spoilt_object_is_named(bucket: Bucket, ending: str) -> None:
    prefix = f"spoilt{ending.replace('.', '-')}/"
    bucket.store(f"{prefix}{name(3)}{ending}", [b"not packed at all"], metadata={})
    with pytest.raises(SegmentDamaged, match=name(3)):
        list_wal(bucket, prefix).read(name(3))


def test_a_hole_ends_the_chain_and_is_named(store: Callable[[Iterable[str]], WalArchive]) -> None:
    assert numbers(store(map(name, (3, 4, 6)))) == ([(1, 3), (1, 4)], name(5))
    assert numbers(store(map(name, (2, 3, 4)))) == ([(1, 3), (1, 4)], None)
    assert numbers(store(map(name, (4, 5)))) == ([], name(3))


def test_the_newest_timeline_is_followed(store: Callable[[Iterable[str]], WalArchive]) -> None:
    """The old primary went on after the new one was promoted: what it wrote then belongs to nobody."""
    archive = store([*map(name, (3, 4, 5, 6)), name(5, 2), "00000002.history:1\t0/5000028\tno recovery target"])
    assert numbers(archive) == ([(1, 3), (1, 4), (2, 5)], None)


def test_a_timeline_that_left_before_the_base_backup_is_not_followed(
    store: Callable[[Iterable[str]], WalArchive],
) -> None:
    archive = store([*map(name, (3, 4)), name(3, 9), "00000009.history:8\t0/2000028\tno recovery target"])
    assert numbers(archive) == ([(1, 3), (1, 4)], None)


def test_a_hole_on_the_new_timeline_is_not_filled_from_the_old_one(
    store: Callable[[Iterable[str]], WalArchive],
) -> None:
    history = "00000002.history:1\t0/4000028\tno recovery target"
    archive = store([*map(name, (3, 4, 5)), name(4, 2), name(6, 2), history])
    assert numbers(archive) == ([(1, 3), (2, 4)], name(5, 2))
