"""Whether a change of code may go on: over what it has done itself, never over what somebody else has."""

from __future__ import annotations

import pytest

from bot.recovery.action import Facts
from bot.recovery.code_hosts import compare_running, is_begun
from bot.recovery.code_notes import describe_way_back, name_before

PLANNED: Facts = {"name": "new", "running": {"web_1": "old", "web_2": None, "web_3": "new"}}


@pytest.mark.parametrize(
    ("now", "begun", "moved"),
    [
        ({"web_1": "old", "web_2": None, "web_3": "new"}, False, []),
        ({"web_1": "new", "web_2": None, "web_3": "new"}, True, []),
        ({"web_1": "new", "web_2": "new", "web_3": "new"}, True, []),
        ({"web_1": "new", "web_2": "other", "web_3": "new"}, True, ["web_2 had no release, has other"]),
        ({"web_1": "old", "web_2": None, "web_3": "old"}, False, ["web_3 had new, has old"]),
        ({"web_1": None, "web_2": None, "web_3": "new"}, False, ["web_1 had old, has none"]),
        ({"web_1": "new", "web_3": "new"}, True, ["web_2 does not answer any more"]),
        ({"web_1": "old", "web_2": None, "web_3": "new", "web_4": "old"}, False, []),  # it came back, and is left out
    ],
)
def test_what_hosts_have_since(now: Facts, begun: bool, moved: list[str]) -> None:
    assert (is_begun(PLANNED, now), compare_running(PLANNED, now)) == (begun, moved)


@pytest.mark.parametrize(
    ("had", "back"),
    [
        ({"web_1": "old", "web_2": "old"}, "old"),
        ({"web_1": "old", "web_2": None}, "old"),
        ({"web_1": "old", "web_2": "older"}, None),
        ({"web_1": "new", "web_2": "old"}, None),
        ({"web_1": "new"}, None),  # `current` leads there, and the service works elsewhere
        ({"web_1": None}, None),
    ],
)
def test_the_way_back_never_leads_to_what_is_deployed(had: Facts, back: str | None) -> None:
    observed: Facts = {"name": "new", "running": had}
    assert name_before(observed) == back
    assert ("`/dr undo` switches back" in describe_way_back(observed)) == (back is not None)
