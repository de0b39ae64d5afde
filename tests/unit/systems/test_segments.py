"""Names and positions of the log, against PostgreSQL's own arithmetic."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.systems.wal.segments import (
    LONG_HEADER,
    Segment,
    SegmentDamaged,
    check_segment,
    parse_history,
    parse_position,
    parse_segment,
    segment_at,
)

SIZES = st.sampled_from([2**power * 1024 * 1024 for power in range(11)])
TIMELINES = st.integers(1, 2**32 - 1)
SYSTEM = 7_711_265_153_382_244_658
MB16 = 16 * 1024 * 1024


@given(TIMELINES, st.integers(0, 2**63 - 1), SIZES)
def test_a_segment_is_found_again_by_its_name(timeline: int, position: int, size: int) -> None:
    segment = segment_at(timeline, position, size)
    assert parse_segment(segment.name, size) == segment
    assert segment.start <= position < segment.start + size


@given(TIMELINES, st.integers(0, 2**63 - 1), SIZES)
def test_names_are_in_the_order_of_the_log(timeline: int, position: int, size: int) -> None:
    assert segment_at(timeline, position, size).name < segment_at(timeline, position + size, size).name


@pytest.mark.parametrize(
    ("position", "name"),
    [
        ("0/0", "000000010000000000000000"),
        ("0/3000028", "000000010000000000000003"),
        ("0/FFFFFFFF", "0000000100000000000000FF"),
        ("1/0", "000000010000000100000000"),
        ("16/B374D848", "0000000100000016000000B3"),
    ],
)
def test_names_are_those_of_pg_walfile_name(position: str, name: str) -> None:
    assert segment_at(1, parse_position(position), MB16).name == name


@pytest.mark.parametrize(
    "name", ["", "00000001000000000000000", "00000001000000000000000g", "000000010000000000000100", "00000002.history"]
)
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not the name of a segment"):
        parse_segment(name, MB16)


@given(st.binary(max_size=200))
def test_what_is_no_segment_is_refused(content: bytes) -> None:
    with pytest.raises(SegmentDamaged):
        check_segment(content, Segment(1, 3, MB16), SYSTEM, "here")


def write_segment(number: int = 3, system: int = SYSTEM, flags: int = 0x0006, size: int = 1024 * 1024) -> bytes:
    header = LONG_HEADER.pack(0xD110, flags, 1, number * size, 0, system, size, 8192)
    return header + bytes(size - len(header))


def test_a_segment_in_its_place_is_taken() -> None:
    check_segment(write_segment(), Segment(1, 3, 1024 * 1024), SYSTEM, "here")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(write_segment(number=4), "not the piece", id="recycled"),
        pytest.param(write_segment(system=1), "another server", id="foreign"),
        pytest.param(write_segment(flags=0), "not the piece", id="no-header"),
        pytest.param(write_segment()[:-1], "bytes where a segment has", id="cut-short"),
    ],
)
def test_another_segment_under_the_name_is_refused(content: bytes, why: str) -> None:
    with pytest.raises(SegmentDamaged, match=why):
        check_segment(content, Segment(1, 3, 1024 * 1024), SYSTEM, "here")


def test_a_history_tells_where_and_why_a_timeline_was_left() -> None:
    text = "1\t0/A000198\tno recovery target specified\n\n2\t0/B0000A0\tbefore 2026-11-23 10:00:00.5+00\n"
    first, second = parse_history(text)
    assert (first.parent, first.position, first.reason) == (1, 0xA000198, "no recovery target specified")
    assert (second.parent, second.reason) == (2, "before 2026-11-23 10:00:00.5+00")
