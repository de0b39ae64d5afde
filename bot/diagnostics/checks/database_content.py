"""Do the rows look as they did? Columns overwritten, times moved, many rows written by one statement.

Counting does not see an UPDATE without its WHERE. Samples of now and of the newest verified backup are compared.
"""

from __future__ import annotations

from collections.abc import Iterator

from bot.diagnostics.check import Surroundings
from bot.diagnostics.points import DatabasePointCheck, Point
from bot.store.documents import FindingState, Suggestion
from bot.systems.databases import own_oid
from bot.systems.row_profiles import ColumnProfile, Profile, TableProfile, read_profile
from bot.words import show_duration

FEWEST_ROWS = 20
MOVED, MOVED_CRITICAL = 0.25, 0.6
"""Change of a share, as a part of all rows, from which it is told, and from which it is grave."""
FACTOR = 3.0
AHEAD_S = 3600.0
AT_ONCE, AT_ONCE_ROWS = 0.02, 50
"""One transaction that wrote such a part of a table since the backup, and so many rows of those looked at."""


class DatabaseContent(DatabasePointCheck):
    name = "database_content"
    title = "How the rows look"
    permissions = ("s3:ListBucket", "s3:GetObject")
    timeout_s = 25.0

    def look(self, surroundings: Surroundings) -> Iterator[Point]:
        with surroundings.connect(self.timeout_s / 2) as connection:
            now = read_profile(connection)
            oid = own_oid(connection)
        newest = surroundings.baseline()
        if newest is None or newest.looks is None:
            yield Point("unknown", "Not known yet how they should look: there is no backup with a look at the rows.")
            return
        was, restored = newest.looks.profile, newest.source.oid != oid
        since = f"As in the verified backup {show_duration(surroundings.now() - newest.snapshot_at)} ago."
        yield Point("ok", f"Samples of {len(now.tables)} tables look as before.", normal=since)
        restore = Suggestion(
            action="restore_database", label="Restore…", parameters={"database": surroundings.database}
        )
        for name, table in now.tables.items():
            if (before := was.tables.get(name)) and min(before.rows, table.rows) >= FEWEST_ROWS:
                for state, words in _compare(name, before, table, surroundings.now().timestamp()):
                    yield Point(state, words, (restore,), ("rows overwritten",), (), since)
                for state, words in [] if restored else _find_written_at_once(name, was, table):
                    yield Point(state, words, (restore,), ("rows written at once",), (), since)


def _compare(table: str, was: TableProfile, now: TableProfile, now_s: float) -> Iterator[tuple[FindingState, str]]:
    came = max(0.0, 1 - was.rows / now.rows)
    for column, profile in now.columns.items():
        before = was.columns.get(column)
        if before is None or before.type != profile.type:
            continue
        name = f"{table}.{column}"
        yield from _compare_nulls(name, before, profile, came)
        yield from _compare_shares(name, before, profile, came)
        if profile.kind == "time":
            yield from _compare_times(name, before, profile, now_s)
        elif profile.kind == "number":
            yield from _compare_numbers(name, before, profile)


def _compare_nulls(
    name: str, was: ColumnProfile, now: ColumnProfile, came: float
) -> Iterator[tuple[FindingState, str]]:
    if abs(now.nulls - was.nulls) - came >= MOVED:
        yield _grade(now.nulls - was.nulls), f"{name} is empty in {now.nulls:.0%} of rows, was in {was.nulls:.0%}."


def _compare_shares(
    name: str, was: ColumnProfile, now: ColumnProfile, came: float
) -> Iterator[tuple[FindingState, str]]:
    """The value whose share grew most; the value itself is told only where it is a word of the schema.

    `came`: the share of rows that are new. They may all be alike, and nobody has overwritten those.
    """
    grown = {value: share - was.shares.get(value, 0.0) for value, share in now.shares.items()}
    value = max(grown, key=lambda one: grown[one], default="")
    if grown.get(value, 0.0) - came < MOVED:
        return
    words = f"{now.shares[value]:.0%} of rows have one and the same value in {name}"
    yield _grade(grown[value]), f"{words}{_name_value(value)}; before it were {was.shares.get(value, 0.0):.0%}."


def _name_value(value: str) -> str:
    hashed = len(value) == 8 and all(sign in "0123456789abcdef" for sign in value)
    return "" if hashed else f" ({value})"


def _compare_times(
    name: str, was: ColumnProfile, now: ColumnProfile, now_s: float
) -> Iterator[tuple[FindingState, str]]:
    if now.high is None or was.high is None or now.low is None or was.low is None:
        return
    ahead_s = now.high - now_s
    if ahead_s > AHEAD_S and was.high - now_s < ahead_s / 2:
        yield "critical", f"{name} reaches {show_duration(ahead_s)} into the future."
    span_s = max(was.high - was.low, 1.0)
    if was.low - now.low > span_s:
        yield "warning", f"{name} begins {show_duration(was.low - now.low)} earlier than it did."


def _compare_numbers(name: str, was: ColumnProfile, now: ColumnProfile) -> Iterator[tuple[FindingState, str]]:
    if not was.middle or now.middle is None or name.endswith("id"):
        return
    grown = now.middle / was.middle
    if grown <= 0 or not 1 / FACTOR < grown < FACTOR:
        yield "critical", f"{name} is {now.middle:,.4g} in the middle, was {was.middle:,.4g}."


def _find_written_at_once(name: str, was: Profile, now: TableProfile) -> Iterator[tuple[FindingState, str]]:
    """Rows carry the number of the transaction that wrote them: one number in many rows is one statement."""
    for writer, share in now.writers.items():
        if was.is_later(writer) and share >= AT_ONCE and share * now.rows >= AT_ONCE_ROWS:
            words = f"{share:.0%} of the rows of {name} were written by one transaction since the backup: "
            yield "warning", f"{words}an import, or a statement that hit more than it should."


def _grade(moved: float) -> FindingState:
    return "critical" if abs(moved) >= MOVED_CRITICAL else "warning"


CHECK = DatabaseContent()
