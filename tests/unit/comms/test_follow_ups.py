"""What is left to do after an incident becomes tasks, of which people are reminded until they are done."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.comms.task_reminders import KIND
from bot.incidents.follow_ups import find_follow_up_due
from bot.policy import FollowUp, load_policy
from bot.store.tables import Incident
from tests.unit.comms.on_time import Office

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def resolve(office: Office, severity: str = "P1", **more: bool) -> Incident:
    incident = office.declare(severity, **more)
    office.desk.roles.assign(incident.id, actor="mei", role="communications_lead", person="priya")
    office.desk.roles.assign(incident.id, actor="mei", role="dr_coordinator", person="amara")
    return office.desk.resolve(incident.id, actor="mei")


def still_open(office: Office) -> set[str]:
    return {one.title for one in office.read_tasks() if one.done_at is None and not one.dropped}


def test_each_becomes_a_task_with_an_owner_where_that_is_plain(office: Office) -> None:
    incident = resolve(office)
    resolved_at = incident.resolved_at
    assert resolved_at is not None
    assert [(one.due_at and one.due_at - resolved_at, one.owner) for one in office.read_tasks()] == [
        (HOUR, "priya"), (HOUR, "priya"), (HOUR, "amara"),
        (DAY, "amara"), (DAY, None), (DAY, None),
        (7 * DAY + 21 * HOUR, None), (7 * DAY + 21 * HOUR, None), (7 * DAY + 21 * HOUR, None),
    ], "a week after a Sunday noon is a Sunday: Monday at nine"  # fmt: skip
    assert all(one.follow_up for one in office.read_tasks())


def test_a_day_or_less_is_a_day_or_less_on_days_off_as_well() -> None:
    policy, saturday = load_policy(None), datetime(2026, 7, 4, 15, 0, tzinfo=UTC)
    due = [find_follow_up_due(policy, FollowUp(title="x", due=span), saturday) - saturday for span in (HOUR, DAY)]
    assert due == [HOUR, DAY]
    two = FollowUp(title="x", due=2 * DAY)
    assert find_follow_up_due(policy, two, datetime(2026, 7, 1, 15, 0, tzinfo=UTC)) == datetime(
        2026, 7, 6, 9, 0, tzinfo=UTC
    ), "the Friday is a holiday"


def test_some_complete_themselves(office: Office) -> None:
    incident = resolve(office)
    told = {"Set the status page to Resolved", "Send the resolution notification"}
    assert told <= still_open(office), "those within have heard, the public has not"
    office.publish(incident)
    assert not told & still_open(office)
    with office.database.write() as session:
        office.follow_ups.drafted(session, session.get_one(Incident, incident.id))
    assert "Document the timeline" not in still_open(office)
    assert sorted(office.ledger("task.done")) == [
        "Done: Document the timeline",
        "Done: Send the resolution notification",
        "Done: Set the status page to Resolved",
    ]


def test_nothing_is_left_to_tell_of_a_drill_but_to_those_within(office: Office) -> None:
    resolve(office, drill=True)
    titles = {one.title for one in office.read_tasks()}
    assert "Set the status page to Resolved" not in titles
    assert "Send the resolution notification" not in still_open(office), "they have heard"


def test_of_a_private_incident_nobody_is_told(office: Office) -> None:
    incident = office.declare("P1")
    office.admit(incident, "mei")
    office.change(incident, "privacy", private=True)
    office.desk.resolve(incident.id, actor="mei")
    assert len(office.read_tasks()) == 7


def test_reopening_drops_them_and_the_next_resolution_makes_them_anew(office: Office) -> None:
    incident = resolve(office)
    office.change(incident, "reopened", resolved_at=None, status="investigating")
    assert still_open(office) == set()
    office.wait(minutes=5)
    office.desk.resolve(incident.id, actor="mei")
    assert len(still_open(office)) == 9


def test_reminders_come_before_at_and_on_every_working_day_after(office: Office) -> None:
    office.clock.now = datetime(2026, 7, 2, 14, 0, tzinfo=UTC)  # a Thursday before a long weekend
    incident = office.declare("P4")
    task = office.add_task(incident, "diego", hours=2)
    office.wait(days=5)
    said = office.said(KIND)
    assert [one.at for one in said] == [
        datetime(2026, 7, 2, 15, 30, tzinfo=UTC),
        datetime(2026, 7, 2, 16, 0, tzinfo=UTC),
        datetime(2026, 7, 6, 9, 0, tzinfo=UTC),
        datetime(2026, 7, 7, 9, 0, tzinfo=UTC),
    ]
    assert {to for one in said for to in one.to} == {"person:diego"}
    office.change_task(incident, task, done_by="diego", done_at=office.clock())
    office.wait(days=5)
    assert len(office.said(KIND)) == 4
    assert all(one.data["over"] for one in office.said(KIND))


def test_what_nobody_owns_is_said_in_the_channel(office: Office) -> None:
    incident = office.declare("P4")
    office.add_task(incident, None, hours=1)
    office.wait(minutes=31)
    assert [one.to for one in office.said(KIND)] == [["incident:1"]]


def test_a_new_owner_and_a_new_time_count(office: Office) -> None:
    incident = office.declare("P4")
    task = office.add_task(incident, "diego", hours=1)
    office.change_task(incident, task, owner="mei", due_at=office.clock() + 3 * HOUR)
    office.wait(hours=3)
    assert [(one.to, one.at - incident.declared_at) for one in office.said(KIND)] == [
        (["person:mei"], 2.5 * HOUR),
        (["person:mei"], 3 * HOUR),
    ]


def test_a_dropped_task_is_forgotten(office: Office) -> None:
    incident = office.declare("P4")
    task = office.add_task(incident, "diego", hours=1)
    office.change_task(incident, task, dropped=True)
    office.wait(days=3)
    assert office.said(KIND) == []


def test_a_private_task_is_said_to_members_only(office: Office) -> None:
    incident = office.declare("P4")
    office.change(incident, "privacy", private=True)
    office.add_task(incident, "diego", hours=1)
    office.wait(minutes=31)
    assert [one.to for one in office.said(KIND)] == [["incident:1"]]


def test_after_a_standstill_it_is_said_once_and_then_daily(office: Office) -> None:
    office.times = 2
    incident = office.declare("P4")
    office.add_task(incident, "diego", hours=1)
    office.stand_still(days=10)
    office.wait(minutes=0)
    assert len(office.said(KIND)) == 1
    office.wait(days=1)
    assert len(office.said(KIND)) == 2


def test_a_task_that_goes_to_another_incident_is_reminded_of_there(office: Office) -> None:
    first, second = office.declare("P4"), office.declare("P4")
    task = office.add_task(first, None, hours=1)
    office.wait(minutes=31)
    office.change_task(second, task, incident_id=second.id)
    office.change_task(first, task)
    office.wait(minutes=31)
    assert [one.to for one in office.said(KIND)] == [["incident:1"], ["incident:2"]]
