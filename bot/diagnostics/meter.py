"""What a meter is: one cheap look at one system, which gives the newest figure of several series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from bot.store.tables import Json


@dataclass(frozen=True)
class Measured:
    """What one look gave.

    `values` are by name of series. `kept` is given to the next look, for what only a comparison tells: a counter, the
    end of a log. `trouble` says what could not be measured beside that.
    """

    values: Mapping[str, float]
    kept: Json = field(default_factory=dict)
    trouble: str = ""


@dataclass(frozen=True)
class Before:
    """What the look before kept, and when that was; None where there was none."""

    at: datetime
    kept: Json


class Meter(Protocol):
    """One system that is measured."""

    @property
    def key(self) -> str:
        """Its name among all meters: `database:traitortrack`."""

    @property
    def every(self) -> int:
        """It is looked at in one of so many turns; what is cheap to look at, in each."""

    def measure(self, now: datetime, before: Before | None) -> Measured:
        """Look once. Read-only, and with limits of time of its own; what it raises is told as the trouble."""
