"""Findings of several points: the gravest decides and is told first, and nothing that cannot be asked is an alarm."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from bot.diagnostics.check import Surroundings
from bot.diagnostics.points import Point, PointCheck
from bot.outcome import Failed, Refused
from bot.store.documents import Suggestion
from tests.unit.diagnostics.test_asking import PLACE

HELP = Suggestion(action="restart_application", label="Restart", parameters={"application": "traitortrack"})


class Looking(PointCheck):
    name, title, scope = "made_up", "Made up", "made"

    def __init__(self, *points: Point, trouble: Exception | None = None) -> None:
        self._points, self._trouble = points, trouble

    def look(self, surroundings: Surroundings) -> Iterable[Point]:
        yield from self._points
        if self._trouble:
            raise self._trouble


def test_the_gravest_leads() -> None:
    good, bad, worse = Point("ok", "Good."), Point("warning", "Bad.", (HELP,)), Point("critical", "Worse.")
    found = Looking(good, bad, worse).run(PLACE)
    assert (found.state, found.summary, found.suggests) == ("critical", "Worse. Bad.", [HELP])
    assert found.evidence == ["Worse.", "Bad.", "Good."]


def test_good_points_are_counted() -> None:
    assert Looking(Point("ok", "Good.")).run(PLACE).summary == "Good."
    assert Looking(*[Point("ok", "Good.")] * 2).run(PLACE).summary == "Good. 1 other point is good too."
    assert Looking(*[Point("ok", "Good.")] * 3).run(PLACE).summary == "Good. 2 other points are good too."


@pytest.mark.parametrize("trouble", [Refused("No right.", "Give it."), Failed("AWS is away.")])
def test_what_does_not_let_itself_be_asked_is_unknown(trouble: Refused | Failed) -> None:
    found = Looking(trouble=trouble).run(PLACE)
    assert (found.state, found.summary) == ("unknown", trouble.words)
    found = Looking(Point("critical", "Down."), trouble=trouble).run(PLACE)
    assert (found.state, found.evidence) == ("critical", ["Down.", trouble.words])
