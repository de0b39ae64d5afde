"""While nobody coordinates, the channel is told, at most six times; then whoever is on call is called."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.comms.coordinator_seat import KIND
from bot.store.tables import Incident
from tests.unit.comms.on_time import Office, Said

ROOM = ["incident:1"]


def told(office: Office, incident: Incident) -> list[tuple[float, list[str]]]:
    return [(_minutes(one, incident), one.to) for one in office.said(KIND)]


def seat_pages(office: Office) -> list[bool]:
    pages = [one for one in office.said("page") if one.data["alias"] == "incident-1-coordinator"]
    return [bool(one.data.get("resolved")) for one in pages]


def take(office: Office, incident: Incident, person: str = "amara") -> None:
    office.desk.roles.assign(incident.id, actor=person, role="dr_coordinator", person=person)


def test_the_channel_six_times_then_who_is_on_call(office: Office) -> None:
    incident = office.declare("P1")
    office.wait(hours=4)
    assert told(office, incident) == [(5.0 * n, ROOM) for n in range(1, 7)] + [(35.0, ["person:amara"])]
    assert seat_pages(office) == [False]
    assert [bool(one.data.get("over")) for one in office.said(KIND)] == [True] * 6 + [False], "one has a button"


def test_it_ends_when_somebody_takes_it(office: Office) -> None:
    incident = office.declare("P1")
    office.wait(minutes=12)
    take(office, incident)
    office.wait(hours=2)
    assert [one[0] for one in told(office, incident)] == [5, 10]
    assert all(one.data["over"] for one in office.said(KIND))


def test_who_was_woken_may_sleep_again(office: Office) -> None:
    incident = office.declare("P2")
    office.wait(minutes=40)
    take(office, incident)
    assert seat_pages(office) == [False, True]


def test_a_seat_that_is_left_is_empty_again(office: Office) -> None:
    incident = office.declare("P3")
    take(office, incident)
    office.wait(minutes=60)
    office.leave(incident, "dr_coordinator")
    office.desk.roles.assign(incident.id, actor="mei", role="database_admin", person="diego")
    office.wait(minutes=11)
    assert [one[0] for one in told(office, incident)] == [65, 70], "another role begins no second round"


@pytest.mark.parametrize("change", ["resolved", "closed", "merged"])
def test_nothing_once_it_is_over(office: Office, change: str) -> None:
    incident = office.declare("P1")
    office.wait(minutes=6)
    if change == "resolved":
        office.desk.resolve(incident.id, actor="mei")
    else:
        office.change(incident, change, resolved_at=office.clock())  # type: ignore[arg-type]
    office.wait(hours=1)
    assert [one[0] for one in told(office, incident)] == [5]


def test_reopened_it_is_asked_again(office: Office) -> None:
    incident = office.declare("P3")
    office.desk.resolve(incident.id, actor="mei")
    office.wait(minutes=30)
    office.change(incident, "reopened", resolved_at=None)
    office.wait(minutes=6)
    assert [one[0] for one in told(office, incident)] == [35]


def test_nobody_is_woken_for_less(office: Office) -> None:
    office.declare("P3")
    office.wait(hours=1)
    assert seat_pages(office) == []


def test_of_a_private_incident_nobody_outside_is_called(office: Office) -> None:
    incident = office.declare("P1")
    office.change(incident, "privacy", private=True)
    office.wait(hours=1)
    assert {one for said in office.said(KIND) for one in said.to} == set(ROOM)
    assert seat_pages(office) == []


def test_once_however_often_the_workflow_is_run(office: Office) -> None:
    office.times = 3
    incident = office.declare("P1")
    office.wait(minutes=21)
    assert [one[0] for one in told(office, incident)] == [5, 10, 15, 20]


def _minutes(said: Said, incident: Incident) -> float:
    return (said.at - incident.declared_at) / timedelta(minutes=1)
