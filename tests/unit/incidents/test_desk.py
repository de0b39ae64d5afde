"""The desk: every change is recorded once and told once; what makes no sense is refused and changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from bot.incidents.desk import STATUSES, Change, Desk, SameAgain
from bot.outcome import Refused
from bot.store import ledger
from bot.store.tables import Incident
from tests.unit.incidents.conftest import HandClock


def declare(desk: Desk, title: str = "Bags are missing", **more: Any) -> Incident:
    return desk.declare(**{"actor": "mei", "severity": "P1", "title": title, **more})


def texts(desk: Desk, number: int) -> list[str]:
    return [entry.text for entry in desk.timeline(number)]


def test_a_declaration_says_everything_about_itself(desk: Desk, clock: HandClock) -> None:
    early = clock() - timedelta(minutes=7)
    made = declare(
        desk, "  Scanner \n down ", severity="p3", category="application", impact=" gate 3 ", detected_at=early
    )
    found = desk.find(made.id)
    assert (found.title, found.severity, found.category, found.impact) == (
        "Scanner down",
        "P3",
        "application",
        "gate 3",
    )
    assert (found.status, found.declared_by, found.is_open, found.drill) == ("investigating", "mei", True, False)
    assert (found.declared_at, found.detected_at) == (clock(), early)
    assert texts(desk, made.id) == ["Declared P3: Scanner down"]


def test_nothing_is_detected_in_the_future(desk: Desk, clock: HandClock) -> None:
    assert declare(desk, detected_at=clock() + timedelta(hours=1)).detected_at == clock()


def test_numbers_count_up(desk: Desk) -> None:
    assert [declare(desk, f"{n}").id for n in range(3)] == [1, 2, 3]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"title": ""}, "The title is missing."),
        ({"title": " \n\t "}, "The title is missing."),
        ({"title": "\x00\x07"}, "The title is missing."),
        ({"title": "\u200d\u200b \u2060"}, "The title is missing."),
        ({"severity": "P5"}, "is not a severity: P1, P2, P3, P4. Did you mean P"),
        ({"severity": ""}, "A severity is missing: P1, P2"),
        ({"category": "databse"}, "Did you mean database?"),
    ],
)
def test_a_bad_declaration_is_refused_and_leaves_nothing(desk: Desk, given: dict[str, str], words: str) -> None:
    with pytest.raises(Refused) as refused:
        declare(desk, **given)
    assert words in refused.value.words
    assert "Example" in refused.value.words
    assert desk.list_recent() == []


def test_a_twin_within_a_minute_is_asked_about(desk: Desk, clock: HandClock) -> None:
    first = declare(desk)
    clock.turn(seconds=59)
    with pytest.raises(SameAgain) as asked:
        declare(desk, "bags are missing".capitalize())
    assert asked.value.incident.id == first.id
    assert asked.value.incident.channel_name is None, "readable by whoever is asked"
    assert declare(desk, severity="P2").id == 2, "another severity is another incident"
    assert declare(desk, confirmed=True).id == 3
    clock.turn(seconds=61)
    assert declare(desk).id == 4


def test_what_is_resolved_has_no_twin(desk: Desk) -> None:
    desk.resolve(declare(desk).id, actor="mei")
    assert declare(desk).id == 2


@pytest.mark.parametrize("before", STATUSES[:-1])
@pytest.mark.parametrize("after", STATUSES)
def test_the_status_moves_both_ways(desk: Desk, before: str, after: str) -> None:
    number = declare(desk).id
    if before != "investigating":
        desk.set_status(number, actor="mei", status=before)
    entries = len(desk.timeline(number))
    if before == after:
        with pytest.raises(Refused, match=f"is {before} already"):
            desk.set_status(number, actor="mei", status=after)
        assert len(desk.timeline(number)) == entries
        return
    back = STATUSES.index(after) < STATUSES.index(before)
    if back:
        with pytest.raises(Refused, match="The reason to go back is missing"):
            desk.set_status(number, actor="jonas", status=after)
    changed = desk.set_status(number, actor="jonas", status=after, reason="a wrong lead" if back else "")
    last = desk.timeline(number)[-1]
    assert (changed.status, changed.is_open) == (after, after != "resolved")
    assert last.actor == "jonas"
    moved = f"Status: {before} → {after}" + (": a wrong lead" if back else "")
    assert last.text == ("Resolved" if after == "resolved" else moved)


def test_an_unknown_status_names_the_nearest(desk: Desk) -> None:
    with pytest.raises(Refused, match="Did you mean monitoring"):
        desk.set_status(declare(desk).id, actor="mei", status="monitorng")


def test_after_the_end_only_notes_are_taken(desk: Desk, clock: HandClock) -> None:
    number = declare(desk).id
    ended = desk.resolve(number, actor="mei", text="  All bags are back \x00")
    assert (ended.resolved_at, ended.last_update) == (clock(), "All bags are back")
    before = len(desk.timeline(number))
    changes: tuple[Callable[[], object], ...] = (
        lambda: desk.update(number, actor="mei", text="late"),
        lambda: desk.set_status(number, actor="mei", status="monitoring"),
        lambda: desk.resolve(number, actor="mei"),
        lambda: desk.roles.assign(number, actor="mei", role="dr_coordinator", person="amara"),
    )
    for change in changes:
        with pytest.raises(Refused, match="is resolved; nothing was changed"):
            change()
    assert len(desk.timeline(number)) == before
    desk.note(number, actor="mei", text="found later")
    assert texts(desk, number)[-1] == "found later"


def test_a_note_may_be_about_the_past(desk: Desk, clock: HandClock) -> None:
    number = declare(desk).id
    desk.note(number, actor="mei", text="began", at=clock() - timedelta(hours=1))
    entry = desk.timeline(number)[0]
    assert entry.text == "began"
    assert entry.happened_at < entry.recorded_at


def test_what_is_not_there_is_refused(desk: Desk) -> None:
    for number in (1, 0, -1, 2**40, 10**30):
        with pytest.raises(Refused, match="There is no incident"):
            desk.find(number)
        with pytest.raises(Refused, match="There is no incident"):
            desk.note(number, actor="mei", text="x")


def test_lists(desk: Desk) -> None:
    for severity, title in (("P3", "a"), ("P1", "b"), ("P1", "c"), ("P2", "d")):
        declare(desk, title, severity=severity)
    desk.resolve(4, actor="mei")
    assert [one.title for one in desk.list_open()] == ["c", "b", "a"]
    assert [one.title for one in desk.list_recent(2)] == ["d", "c"]


def test_listeners_are_told_inside_the_transaction(desk: Desk) -> None:
    """What a listener does and what it is told about are committed together, or neither."""
    told: list[tuple[Change, int]] = []

    def listen(session: Session, incident: Incident, change: Change) -> None:
        told.append((change, incident.id))
        ledger.append(session, kind="effect", actor="listener", text=change, incident_id=incident.id)
        if incident.title == "doomed":
            raise RuntimeError

    desk.listeners.append(listen)
    number = declare(desk).id
    desk.update(number, actor="mei", text="x")
    desk.note(number, actor="mei", text="x")
    desk.set_status(number, actor="mei", status="identified")
    desk.roles.assign(number, actor="mei", role="dr_coordinator", person="amara")
    desk.resolve(number, actor="mei")
    assert [change for change, _ in told] == ["declared", "updated", "noted", "status", "roles", "resolved"]
    assert len(desk.timeline(number)) == 12
    with pytest.raises(RuntimeError):
        declare(desk, "doomed")
    assert len(desk.list_recent()) == 1
    with desk.database.read() as session:
        assert ledger.verify(session) == (12, [])
