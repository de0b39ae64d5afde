"""Findings that are made of several points: each is judged by itself, and the gravest decides."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass

from bot.diagnostics.check import NO_WAY_IN, Check, Surroundings
from bot.diagnostics.host_answers import GRAVEST_FIRST
from bot.outcome import Failed, Refused
from bot.store.documents import Finding, FindingState, Measure, Suggestion

TOLD = 2
"""So many points that are not good stand in the summary; all of them stand in the evidence."""


@dataclass(frozen=True)
class Point:
    """One thing that was looked at: how it is, in words, and which recovery actions could help."""

    state: FindingState
    words: str
    suggests: tuple[Suggestion, ...] = ()
    signs: tuple[str, ...] = ()
    measures: tuple[Measure, ...] = ()
    normal: str = ""


class PointCheck(Check):
    """A check that looks at several points. What does not let itself be asked is unknown: that says nothing of it."""

    once = True

    @abstractmethod
    def look(self, surroundings: Surroundings) -> Iterable[Point]:
        """Every point. `Refused` and `Failed` become one that is unknown, beside those that came before."""

    def run(self, surroundings: Surroundings) -> Finding:
        points: list[Point] = []
        try:
            for point in self.look(surroundings):
                points.append(point)
        except NO_WAY_IN:
            raise
        except (Refused, Failed) as trouble:
            points.append(Point("unknown", trouble.words))
        return self.conclude(points)

    def conclude(self, points: list[Point]) -> Finding:
        """The finding about all points, of which there is one at least."""
        ordered = sorted(points, key=lambda one: GRAVEST_FIRST.index(one.state))
        told = [one.words for one in ordered if one.state != "ok"][:TOLD] or _tell_good(ordered)
        suggests = [suggestion for one in ordered for suggestion in one.suggests]
        bad = [one for one in ordered if one.state != "ok"]
        return self.finding(
            ordered[0].state, " ".join(told), _tell_all(ordered), _unique(suggests),
            normal=" ".join(dict.fromkeys(one.normal for one in (bad or ordered)[:TOLD] if one.normal)),
            measures=[measure for one in points for measure in one.measures],
            signs=list(dict.fromkeys(sign for one in bad for sign in one.signs)),
        )  # fmt: skip


class DatabasePointCheck(PointCheck):
    """One that looks at points of each database."""

    scope = "database"
    once = False


def _tell_all(points: list[Point]) -> list[str]:
    return [one.words for one in points] if len(points) > 1 else []


def _unique(suggests: list[Suggestion]) -> list[Suggestion]:
    """Two points may lead to the same plan."""
    return list({one.model_dump_json(): one for one in suggests}.values())


def _tell_good(points: list[Point]) -> list[str]:
    others = len(points) - 1
    return [points[0].words, *([f"{others} other point{'s are' if others > 1 else ' is'} good too."] if others else [])]
