"""Names and positions of the write-ahead log. (PostgreSQL manual: WAL Internals; the headers are xlog_internal.h's.)

A position (LSN) is a number of bytes since the beginning, written `0/3000028`. A segment is a file of so many bytes of
it, named by timeline and number in 24 hexadecimal digits.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from bot.systems.outcomes import SystemFailed

SEGMENT_NAME = re.compile(r"[0-9A-F]{24}")
HISTORY_NAME = re.compile(r"([0-9A-F]{8})\.history")
WRAP = 0x1_0000_0000
# magic, flags, timeline, position of the page, bytes left of a record, padding; system, segment size, page size
LONG_HEADER = struct.Struct("<HHIQI4xQII")
LONG_HEADER_FLAG = 0x0002
HISTORY_LINE = re.compile(r"^\s*(\d+)\s+([0-9A-F]+/[0-9A-F]+)\s*(.*)$", re.MULTILINE)


class SegmentDamaged(SystemFailed):
    """A stored segment is not the piece of the log that its name says."""


@dataclass(frozen=True, order=True)
class Segment:
    """One segment by timeline and number; `size_bytes` is the server's, 16 MB unless it was made otherwise."""

    timeline: int
    number: int
    size_bytes: int

    @property
    def name(self) -> str:
        """As the file is called."""
        high, low = divmod(self.number, WRAP // self.size_bytes)
        return f"{self.timeline:08X}{high:08X}{low:08X}"

    @property
    def start(self) -> int:
        """Position of its first byte."""
        return self.number * self.size_bytes


@dataclass(frozen=True)
class Switch:
    """A line of a timeline's history: the parent, the position where it was left, and why."""

    parent: int
    position: int
    reason: str


def parse_position(text: str) -> int:
    """`0/3000028` as a number of bytes. Raises ValueError."""
    high, _, low = text.partition("/")
    return int(high, 16) * WRAP + int(low, 16)


def show_position(position: int) -> str:
    """A position as PostgreSQL writes it."""
    high, low = divmod(position, WRAP)
    return f"{high:X}/{low:X}"


def parse_segment(name: str, size_bytes: int) -> Segment:
    """The segment of that name. Raises ValueError where it is not one."""
    if SEGMENT_NAME.fullmatch(name) is None:
        raise ValueError(f"{name} is not the name of a segment")
    timeline, high, low = (int(name[start : start + 8], 16) for start in (0, 8, 16))
    per_high = WRAP // size_bytes
    if low >= per_high:
        raise ValueError(f"{name} is not the name of a segment of {size_bytes:,} bytes")
    return Segment(timeline, high * per_high + low, size_bytes)


def segment_at(timeline: int, position: int, size_bytes: int) -> Segment:
    """The segment that holds the byte at a position."""
    return Segment(timeline, position // size_bytes, size_bytes)


def parse_history(text: str) -> list[Switch]:
    """The parents of a timeline, the oldest first, from its history file."""
    return [
        Switch(int(parent), parse_position(position), reason.strip())
        for parent, position, reason in HISTORY_LINE.findall(text)
    ]


def check_segment(content: bytes, segment: Segment, system_identifier: int, place: str) -> None:
    """See that a segment is whole, in its place, and of the server that is meant. Raises SegmentDamaged."""
    if len(content) != segment.size_bytes:
        raise SegmentDamaged(f"{place} has {len(content):,} bytes where a segment has {segment.size_bytes:,}.")
    _, flags, _, position, _, system, size_bytes, _ = LONG_HEADER.unpack_from(content)
    if not flags & LONG_HEADER_FLAG or position != segment.start or size_bytes != segment.size_bytes:
        raise SegmentDamaged(f"{place} is not the piece of the log that its name says.")
    if system != system_identifier:
        raise SegmentDamaged(f"{place} was written by another server ({system}, not {system_identifier}).")
