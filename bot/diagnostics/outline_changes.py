"""What a database is made of now, against the newest verified backup: shared by the checks that each tell a part."""

from __future__ import annotations

from dataclasses import dataclass

from bot.diagnostics.check import Surroundings
from bot.outcome import Failed, Refused
from bot.systems.outlines import Change, Outline, compare_outlines, read_outline
from bot.words import show_duration


@dataclass(frozen=True)
class Compared:
    """`changes` are empty where there is nothing to compare with; `since` says with what, or why not."""

    now: Outline
    changes: tuple[Change, ...]
    since: str
    known: bool


def compare_with_backup(surroundings: Surroundings, timeout_s: float) -> Compared:
    """Raises what connecting raises."""
    with surroundings.connect(timeout_s) as connection:
        now = read_outline(connection)
    try:
        newest = surroundings.baseline()
    except (Refused, Failed) as error:
        return Compared(now, (), f"The backups cannot be read: {error.words}", known=False)
    if newest is None or newest.looks is None:
        return Compared(now, (), "Not known yet: there is no backup with a look at the whole. Take one.", known=False)
    age = show_duration(surroundings.now() - newest.snapshot_at)
    changes = compare_outlines(newest.looks.outline, now)
    return Compared(now, tuple(changes), f"As in the verified backup {age} ago.", known=True)
