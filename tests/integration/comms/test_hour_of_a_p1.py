"""Two hours of a P1: everybody hears what the policy says they must, when it says so, and can understand it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.sandbox.mailbox.letters import Letter
from tests.integration.comms.hour import RESTORED, RESTORING, Hour, live, open_hour

WITHIN_AND_PUBLIC = [4, 14, 57, 98, 103, 110]


@pytest.fixture(scope="module")
def hour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hour]:
    with open_hour(tmp_path_factory.mktemp("hour")) as hour:
        live(hour)
        yield hour


def read_mails(hour: Hour, recipient: str) -> list[Letter]:
    return [one for one in hour.mailbox.letters() if one.recipient == recipient]


@pytest.mark.parametrize(
    ("whom", "minutes"),
    [
        ("management", [0, 14, 57, 98, 103, 110]),  # a P1's first update within 15 minutes, then every 30 but for one
        ("DR team (mail)", [0, 14, 57, 98, 103, 110]),
        ("customers", WITHIN_AND_PUBLIC),
        ("users (status page)", WITHIN_AND_PUBLIC),
        ("whoever is on call", [0, 49, 57, 110]),  # rung at once, and when an update was overdue; both were stopped
        ("Microsoft Teams", [0, 14, 57, 98, 103, 110]),
    ],
)
def test_who_heard_when(hour: Hour, whom: str, minutes: list[int]) -> None:
    assert [one.minute for one in hour.told(whom)] == minutes, hour.table()


def test_who_was_reminded_when(hour: Hour) -> None:
    """Five minutes before it is due, when it is, and five minutes later up the line; what was put off, not before."""
    reminders = [
        (one.minute, one.whom, one.words.rpartition(": ")[2]) for one in hour.heard if one.words.startswith("Update of")
    ]
    assert reminders == [
        (39, "Amara (direct)", "due soon"),
        (44, "the room", "due now"),
        (49, "Priya (direct)", "overdue"),
        (95, "Amara (direct)", "due soon"),
    ], hour.table()


def test_what_is_left_is_asked_for_until_it_is_done(hour: Hour) -> None:
    tasks = {(one.minute, one.whom) for one in hour.heard if one.words.endswith("Document the timeline")}
    assert {(140, "Amara (direct)"), (170, "Amara (direct)")} <= tasks, "half an hour before it is due, and then"
    assert {one.words for one in hour.told("the room") if "Done: " in one.words} == {
        ":white_check_mark: Done: Set the status page to Resolved (Holdfast)",
        ":white_check_mark: Done: Send the resolution notification (Holdfast)",
    }


@pytest.mark.parametrize("recipient", ["management@example.com", "customers@example.com"])
def test_the_letters_alone_tell_what_is_going_on(hour: Hour, recipient: str) -> None:
    first, found, unchanged, lower, watched, over = (one.text for one in read_mails(hour, recipient))
    assert "We are looking into it." in first
    assert "- Impact: All warehouses stand still" in first
    assert RESTORING in found
    assert "NEXT UPDATE: by 2026-03-01 12:44:00 UTC" in found
    assert "No change since the update of Sun 01 Mar, 12:14 (UTC)." in unchanged
    assert RESTORING in unchanged, "whoever reads this one alone knows what has not changed"
    assert "The severity is lowered from P1 (Critical) to P2 (High): half of it works" in lower
    assert RESTORED in watched
    assert "- Resolved: 2026-03-01 13:50:00 UTC, after 1 h 50 min" in over
    assert "- Impact while it lasted: All warehouses stand still" in over
    assert "NEXT UPDATE" not in over
    assert "Everything works. No bag was lost." in over


def test_the_letters_are_one_thread(hour: Hour) -> None:
    first, *others = read_mails(hour, "customers@example.com")
    assert {one.headers["In-Reply-To"] for one in others} == {first.headers["Message-ID"]}


def test_the_status_page_alone_tells_it_too(hour: Hour) -> None:
    page = hour.read_page()
    told = [
        "Everything works. No bag was lost.",
        RESTORED,
        "The severity is lowered",
        RESTORING,
        "We are looking into it.",
    ]
    assert [page.index(words) for words in told] == sorted(page.index(words) for words in told), "the newest first"
    assert "Resolved Reported 1 March 2026, 12:04 UTC" in page
    assert "Next update" not in page, "it is over"
