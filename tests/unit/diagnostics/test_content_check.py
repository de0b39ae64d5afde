"""Rows that were overwritten, and rows that merely came."""

from __future__ import annotations

import pytest

from bot.diagnostics.checks.database_content import _compare
from bot.systems.row_profiles import ColumnProfile, TableProfile


def table(rows: int, share: float, nulls: float = 0.0) -> TableProfile:
    """With one column, in which this share of the rows has one and the same value."""
    column = ColumnProfile(nulls=nulls, distinct=9, shares={"aaaaaaaa": share}, type="text")
    return TableProfile(rows=rows, columns={"customer": column}, writers={})


@pytest.mark.parametrize(
    ("rows", "share", "told"),
    [(2000, 0.35, True), (3000, 0.35, False), (3000, 0.70, True), (1000, 0.35, True)],
    ids=["none came", "a third came, all alike", "more than came", "some were deleted"],
)
def test_new_rows_that_are_alike_are_no_overwritten_ones(rows: int, share: float, told: bool) -> None:
    found = list(_compare("bill", table(2000, 0.02), table(rows, share), 0.0))
    assert bool(found) is told


def test_new_rows_may_leave_a_column_empty() -> None:
    before = table(2000, 0.02)
    assert list(_compare("bill", before, table(3000, 0.02, nulls=0.33), 0.0)) == []
    assert list(_compare("bill", before, table(2000, 0.02, nulls=0.33), 0.0)) != []
