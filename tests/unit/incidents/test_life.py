"""How an incident goes on: severity, roles, details, links, tasks, reopening, closing, search."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from bot.incidents.desk import Change, Desk
from bot.incidents.details import Wanted
from bot.outcome import Refused
from bot.store.tables import Incident, IncidentRole, LedgerEntry
from tests.unit.incidents.conftest import HandClock


def declare(desk: Desk, title: str = "Bags are missing", **more: Any) -> int:
    return desk.declare(**{"actor": "mei", "severity": "P1", "title": title, **more}).id


def last(desk: Desk, number: int) -> LedgerEntry:
    return desk.timeline(number)[-1]


def listen(desk: Desk) -> list[Change]:
    told: list[Change] = []

    def listener(_session: Session, _incident: Incident, change: Change) -> None:
        told.append(change)

    desk.listeners.append(listener)
    return told


def test_severity_moves_both_ways_with_a_reason(desk: Desk) -> None:
    number, told = declare(desk), listen(desk)
    desk.severities.change(number, actor="amara", severity="p3", reason=" only  gate 3 ")
    assert desk.find(number).severity == "P3"
    entry = last(desk, number)
    assert (entry.kind, entry.actor, entry.text) == ("incident.severity", "amara", "Severity: P1 → P3: only gate 3")
    desk.severities.change(number, actor="amara", severity="P2", reason="all gates")
    assert told == ["severity", "severity"]
    for severity, reason, words in (("P2", "x", "is P2 already"), ("P1", " ", "reason is missing"), ("P9", "x", "P4")):
        with pytest.raises(Refused, match=words):
            desk.severities.change(number, actor="amara", severity=severity, reason=reason)
    assert desk.find(number).severity == "P2"


def test_it_is_opened_again_with_a_reason(desk: Desk) -> None:
    number = declare(desk)
    with pytest.raises(Refused, match="is open already"):
        desk.reopen(number, actor="mei", reason="x")
    desk.resolve(number, actor="mei")
    desk.closing.close(number, actor="mei")
    told = listen(desk)
    with pytest.raises(Refused, match="reason is missing"):
        desk.reopen(number, actor="mei", reason="")
    opened = desk.reopen(number, actor="diego", reason="they vanish again")
    assert (opened.is_open, opened.status, opened.closed_at) == (True, "investigating", None)
    assert (last(desk, number).text, told) == ("Reopened: they vanish again", ["reopened"])
    assert desk.resolve(number, actor="mei").resolved_at is not None


def test_a_role_is_taken_given_and_given_up(desk: Desk) -> None:
    number, told = declare(desk), listen(desk)
    desk.roles.assign(number, actor="amara", role="Database Admin", person="diego")
    with desk.database.read() as session:
        assert session.get_one(IncidentRole, (number, "database_admin")).person == "diego"
    assert last(desk, number).text == "Diego Alvarez is Database Admin"
    with pytest.raises(Refused, match="already"):
        desk.roles.assign(number, actor="amara", role="database_admin", person="diego")
    desk.roles.give_up(number, actor="diego", role="database")
    assert last(desk, number).text == "Diego Alvarez is no longer Database Admin"
    with pytest.raises(Refused, match="Nobody is Database Admin"):
        desk.roles.give_up(number, actor="diego", role="database_admin")
    assert told == ["roles", "roles"]


def test_a_role_is_for_those_whom_the_policy_lets_hold_it(desk: Desk) -> None:
    number = declare(desk)
    with pytest.raises(Refused, match="does not let Mei Tanaka be Database Admin") as refused:
        desk.roles.assign(number, actor="amara", role="database_admin", person="mei")
    assert "Who may: Diego Alvarez" in refused.value.words
    with pytest.raises(Refused, match="nobody"):
        desk.roles.assign(number, actor="amara", role="database_admin", person="nobody")
    with pytest.raises(Refused, match="Did you mean database_admin"):
        desk.roles.assign(number, actor="amara", role="databse admn", person="diego")


def test_details_change_one_by_one_and_say_what_depends_on_what(desk: Desk) -> None:
    number, told = declare(desk), listen(desk)
    wanted = Wanted(title=" New \n name ", impact="gate 3", next_steps="restore", estimated_recovery=" 14:30  UTC ")
    found = desk.details.change(number, actor="mei", wanted=wanted)
    facts = (found.title, found.impact, found.next_steps, found.estimated_recovery)
    assert facts == ("New name", "gate 3", "restore", "14:30 UTC")
    desk.details.change(number, actor="mei", wanted=Wanted(components=["application server", "Database"]))
    assert desk.find(number).components == ["database", "application"]
    desk.details.change(number, actor="mei", wanted=Wanted(components=["database"]))
    entry = last(desk, number)
    assert entry.text.startswith("Affected: Database (PostgreSQL). What depends on them: Application server")
    desk.details.change(number, actor="mei", wanted=Wanted(impact="", components=[]))
    assert [one.text for one in desk.timeline(number)][-2:] == ["Impact: no longer said", "No component is affected"]
    assert told == ["details"] * 4, "one change, however many details"
    with pytest.raises(Refused, match="says so already"):
        desk.details.change(number, actor="mei", wanted=Wanted(title="New name", impact=" "))
    with pytest.raises(Refused, match="Did you mean database"):
        desk.details.change(number, actor="mei", wanted=Wanted(components=["databse"]))
    with pytest.raises(Refused, match="The title is missing"):
        desk.details.change(number, actor="mei", wanted=Wanted(title=" "))


@pytest.mark.parametrize(
    "url", ["", "grafana", "javascript:alert(1)", "ftp://x", "http://", "http://[", "https://a b", "https://x|y>"]
)
def test_only_a_web_address_is_a_link(desk: Desk, url: str) -> None:
    number = declare(desk)
    with pytest.raises(Refused, match="is not a web address"):
        desk.links.add(number, actor="mei", url=url)


def test_a_link_is_kept_once(desk: Desk) -> None:
    number = declare(desk)
    kept = desk.links.add(number, actor="mei", url=" https://grafana.example.com/d/7 ", title="Dash board")
    assert (kept.url, kept.title) == ("https://grafana.example.com/d/7", "Dash board")
    with pytest.raises(Refused, match="has that link already"):
        desk.links.add(number, actor="amara", url=kept.url)


def test_tasks_are_added_taken_done_and_dropped(desk: Desk, clock: HandClock) -> None:
    number, told = declare(desk), listen(desk)
    tasks, hour = desk.tasks, clock() + timedelta(hours=1)
    one = tasks.add(number, actor="mei", title="Check the backups", owner="diego", due_at=hour)
    two = tasks.add(number, actor="mei", title="Call the gate")
    assert last(desk, number).text == f"Task {two.id}: Call the gate"
    assert f"for Diego Alvarez, due {hour:%Y-%m-%d %H:%M} UTC" in desk.timeline(number)[-2].text
    tasks.assign(two.id, actor="mei", owner="amara")
    tasks.set_due(two.id, actor="mei", due_at=clock() + timedelta(minutes=5))
    assert [task.id for task in tasks.list_of(number)] == [two.id, one.id]
    tasks.finish(two.id, actor="amara")
    desk.resolve(number, actor="mei")
    tasks.drop(one.id, actor="mei")
    with pytest.raises(Refused, match="was dropped by Mei Tanaka"):
        tasks.finish(one.id, actor="diego")
    with pytest.raises(Refused, match="was done by Amara Okafor"):
        tasks.assign(two.id, actor="mei", owner="mei")
    assert told == ["tasks"] * 5 + ["resolved", "tasks"]


def test_a_task_that_makes_no_sense_is_refused(desk: Desk, clock: HandClock) -> None:
    number = declare(desk)
    with pytest.raises(Refused, match="The task is missing"):
        desk.tasks.add(number, actor="mei", title=" ")
    with pytest.raises(Refused, match="has passed"):
        desk.tasks.add(number, actor="mei", title="x", due_at=clock())
    with pytest.raises(Refused, match="nobody"):
        desk.tasks.add(number, actor="mei", title="x", owner="nobody")
    for task in (0, 1, -1, 2**40):
        with pytest.raises(Refused, match="There is no task"):
            desk.tasks.finish(task, actor="mei")
    assert desk.tasks.list_of(number) == []


def test_only_what_is_resolved_is_closed_unless_it_was_a_false_alarm(desk: Desk, clock: HandClock) -> None:
    number, told = declare(desk), listen(desk)
    with pytest.raises(Refused, match="is still open"):
        desk.closing.close(number, actor="mei", reason=" ")
    closed = desk.closing.close(number, actor="mei", reason="a test of the monitor")
    assert (closed.status, closed.resolved_at, closed.closed_at) == ("resolved", clock(), clock())
    assert [one.text for one in desk.timeline(number)][-2:] == [
        "Resolved: False alarm: a test of the monitor", "Closed",
    ]  # fmt: skip
    assert told == ["resolved", "closed"]
    with pytest.raises(Refused, match="is closed already"):
        desk.closing.close(number, actor="mei")


def test_search_finds_words_where_people_wrote_them(desk: Desk) -> None:
    one, two = declare(desk, "Scanner 100% down"), declare(desk, "Bags_lost")
    desk.note(two, actor="mei", text="the nightly JOB began")
    desk.update(one, actor="mei", text="restarting")

    def found(words: str) -> list[int]:
        return [incident.id for incident in desk.search(words)]

    assert found("scanner") == [one]
    assert found("job NIGHTLY") == [two]
    assert found("restarting") == [one]
    assert found("a") == [two, one], "the newest first"
    assert (found("100%"), found("%"), found("_"), found("\\")) == ([one], [one], [two], [])
    assert found("scanner job") == []
    for number in range(25):
        declare(desk, f"many {number}")
    assert len(found("many")) == 20
    with pytest.raises(Refused, match="What is to be found"):
        desk.search(" ")
