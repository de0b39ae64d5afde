"""When transactions in the log ended: what a recovery to a moment can reach, and where exactly it has to stop.

A moment is reached for certain only where a transaction that ended after it has been seen. The recovery itself is told
the position of the last transaction before that, and not the moment: PostgreSQL would replay up to the next commit, and
with it what a DROP DATABASE under way does to the files before it commits.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bot.systems.outcomes import SystemFailed
from bot.systems.processes import Child, ProcessFailed
from bot.systems.wal.archive import Chain, WalArchive
from bot.systems.wal.segments import Segment, parse_position, show_position

ENDED = re.compile(
    r"lsn: ([0-9A-F]+/[0-9A-F]+),.* desc: (?:COMMIT|ABORT)\w* (?:\S+: )?(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?) UTC"
)
LOOK_BACK = 64
"""So many segments without a transaction are looked at before giving up: at the document's pace, five hours of them."""


@dataclass(frozen=True)
class End:
    """The end of one transaction: where it stands in the log, and when it was (UTC)."""

    position: int
    at: datetime


@dataclass(frozen=True)
class Stop:
    """Where a recovery stops: right after `last`; where that is None, as soon as the server is consistent.

    `following` is the first transaction that is not replayed; None where the log ends with `last`.
    """

    last: End | None
    following: End | None


class LogBroken(SystemFailed):
    """The log cannot be read as far as the moment that was asked for."""


def find_latest(archive: WalArchive, chain: Chain, system_identifier: int, bindir: Path) -> datetime | None:
    """When the last transaction ended that can be replayed (UTC); None where the end of the chain shows none."""
    for segment in reversed(chain.segments[-LOOK_BACK:]):
        content = archive.read_segment(segment, system_identifier)
        with tempfile.TemporaryDirectory(prefix="holdfast-wal-") as folder:
            Path(folder, segment.name).write_bytes(content)
            ends = read_ends(bindir, Path(folder), segment)
        if ends:
            return max(end.at for end in ends)
    return None


def find_stop(
    bindir: Path, folder: Path, segments: Sequence[Segment], moment: datetime | None, consistent_at: int
) -> Stop:
    """Where to stop for a moment (UTC; None: as late as possible), from the segments in a folder.

    `consistent_at` is the position that a recovery must reach in any case. Raises LogBroken where no transaction after
    the moment is there to be seen, or where the log up to it has a part that cannot be read and may hide another.
    """
    ends: list[End] = []
    for segment in reversed(segments):
        found = read_ends(bindir, folder, segment)
        ends = found + ends
        if found and (moment is None or any(end.at <= moment for end in found)):
            break
    after = next((index for index, end in enumerate(ends) if moment is not None and end.at > moment), len(ends))
    last = ends[after - 1] if after and ends[after - 1].position >= consistent_at else None
    if moment is None:
        return Stop(last, None)
    if after == len(ends):
        raise LogBroken(
            f"The log does not show what came after {moment:%H:%M:%S.%f} UTC, so it may be incomplete.",
            "The live database was not touched.",
            "Choose an earlier moment.",
        )
    _check_unbroken(bindir, folder, segments, last.position if last else consistent_at, ends[after].position)
    return Stop(last, ends[after])


def _check_unbroken(bindir: Path, folder: Path, segments: Sequence[Segment], start: int, end: int) -> None:
    """What lies between is not replayed: see that every record of it can be read, so that nothing hides there."""
    timeline = next(one.timeline for one in segments if one.start <= end < one.start + one.size_bytes)
    first = min(one.start for one in segments if one.timeline == timeline)
    command: list[str | Path] = [
        bindir / "pg_waldump", "--quiet", "--path", folder, f"--timeline={timeline}",
        f"--start={show_position(max(start, first))}", f"--end={show_position(end)}",
    ]  # fmt: skip
    try:
        with Child(command) as child:
            child.finish()
    except ProcessFailed as failure:
        raise LogBroken(
            f"The log is damaged between {show_position(start)} and {show_position(end)}: {failure.said}.",
            "The live database was not touched.",
            "Choose a moment before that, or one after a later base backup.",
        ) from failure


def read_ends(bindir: Path, folder: Path, segment: Segment) -> list[End]:
    """The transactions that end in a segment of a folder, in the log's order, by the pg_waldump in `bindir`.

    That the last record goes on in a segment that is not there is no error here.
    """
    following = Segment(segment.timeline, segment.number + 1, segment.size_bytes)
    last = following if (folder / following.name).exists() else segment
    command: list[str | Path] = [
        bindir / "pg_waldump", "--rmgr=Transaction", "--path", folder, segment.name, last.name,
    ]  # fmt: skip
    with Child(command, environment={**os.environ, "TZ": "UTC", "LC_ALL": "C"}, stdout=True) as child:
        return [end for end in _parse(child.stdout) if end.position < following.start]


def _parse(lines: Iterable[bytes]) -> Iterator[End]:
    for line in lines:
        match = ENDED.search(line.decode("utf-8", "replace"))
        if match is not None:
            yield End(parse_position(match[1]), datetime.fromisoformat(match[2]).replace(tzinfo=UTC))
