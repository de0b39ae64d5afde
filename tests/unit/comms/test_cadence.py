"""Whoever must be told is told on time, and nobody has to remember: the document's tables, minute by minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from bot.comms.outgoing import OutgoingBulletin, read_outgoing
from bot.comms.update_clocks import show_next_update
from bot.incidents.desk import Change
from bot.outcome import Refused
from bot.store.tables import Bulletin, Incident, Notice
from tests.unit.comms.on_time import Office, Said

PUBLIC = {"users", "customers"}
WITHIN = {"management", "dr_team"}
ROOM = "incident:1"


def when(office: Office, incident: Incident) -> list[tuple[float, int, set[str], list[str]]]:
    """What was said: minutes after the declaration, step, about whom, to whom."""
    return [(minutes(incident, one), one.step, one.audiences, one.to) for one in office.said()]


def minutes(incident: Incident, said: Said) -> float:
    return (said.at - incident.declared_at) / timedelta(minutes=1)


def test_the_first_update_of_a_p1(office: Office) -> None:
    """Those within have heard by the declaration itself; the public hears when somebody publishes the draft."""
    incident = office.declare("P1")
    office.wait(minutes=24)
    assert when(office, incident) == [
        (10, 0, PUBLIC, ["person:priya"]),
        (15, 1, PUBLIC, [ROOM]),
        (20, 2, PUBLIC, ["person:amara"]),
    ]


def test_all_that_are_due_together_are_one_reminder(office: Office) -> None:
    incident = office.declare("P1")
    assert office.publish(incident)
    office.wait(minutes=31)
    assert when(office, incident) == [(25, 0, PUBLIC | WITHIN, ["person:priya"]), (30, 1, PUBLIC | WITHIN, [ROOM])]


def test_an_update_winds_on_and_what_was_said_loses_its_buttons(office: Office) -> None:
    incident = office.declare("P3")
    office.publish(incident)
    office.wait(minutes=116)
    office.desk.update(incident.id, actor="mei", text="Restoring.")
    office.wait(minutes=100)
    said = office.said()
    assert [(minutes(incident, one), one.audiences) for one in said] == [
        (115, {"users", *WITHIN}),
        (120, {"users"}),  # their draft waits
        (125, {"users"}),
    ]
    assert [bool(one.data.get("over")) for one in said] == [False] * 3
    assert office.publish(incident)
    assert [bool(one.data.get("over")) for one in office.said()] == [True] * 3
    office.wait(minutes=14)
    assert [(minutes(incident, one), one.audiences) for one in office.said()[3:]] == []
    office.wait(minutes=2)
    assert [(minutes(incident, one), one.audiences) for one in office.said()[3:]] == [(231, WITHIN)]


def test_the_document_s_table(office: Office) -> None:
    for severity, first in (("P1", 15), ("P2", 30), ("P3", 60), ("P4", 240)):
        incident = office.declare(severity)
        began = len(office.said())
        office.wait(minutes=first)
        mine = [one for one in office.said()[began:] if one.key.split(":")[1] == str(incident.id) and one.step == 1]
        assert [minutes(incident, one) for one in mine if "users" in one.audiences] == [first]
        office.change(incident, "closed", closed_at=office.clock(), resolved_at=office.clock())


def test_who_holds_the_role_is_reminded_and_the_others_are_the_line(office: Office) -> None:
    incident = office.declare("P1")
    office.hold(incident, "communications_lead", "jonas")
    office.hold(incident, "dr_coordinator", "diego")
    office.wait(minutes=21)
    assert [one.to for one in office.said()] == [["person:jonas"], [ROOM], ["person:diego"]]


def test_the_first_role_that_is_held_is_responsible(office: Office) -> None:
    incident = office.declare("P2")
    office.hold(incident, "dr_coordinator", "diego")
    office.wait(minutes=36)
    assert [one.to for one in office.said()] == [["person:diego"], [ROOM], ["person:priya"]]


def test_it_goes_on_as_often_as_an_update_is_due(office: Office) -> None:
    incident = office.declare("P1")
    office.publish(incident)
    office.wait(minutes=130)
    assert [(at, to) for at, _, _, to in when(office, incident)] == [
        (25, ["person:priya"]),
        (30, [ROOM]),
        (35, ["person:amara"]),
        (65, [ROOM, "person:priya"]),
        (95, [ROOM, "person:priya"]),
        (125, [ROOM, "person:priya"]),
    ]


@pytest.mark.parametrize(("severity", "pages"), [("P1", 1), ("P2", 1), ("P3", 0)])
def test_the_gravest_wake_people_once_and_let_them_sleep_again(office: Office, severity: str, pages: int) -> None:
    incident = office.declare(severity)
    office.publish(incident)
    office.wait(minutes=70)
    called = [one for one in office.said("page") if one.data["alias"] == "incident-1-update"]
    assert len(called) == pages
    assert all(one.to == ["pagerduty"] and "overdue" in one.data["summary"] for one in called)
    office.desk.update(incident.id, actor="mei", text="Restoring.")
    office.publish(incident)
    called = [one for one in office.said("page") if one.data["alias"] == "incident-1-update"]
    assert [bool(one.data.get("resolved")) for one in called] == [False, True][: 2 * pages]


def test_raising_it_makes_it_due_now_and_concerns_more_people(office: Office) -> None:
    incident = office.declare("P3")
    office.wait(minutes=40)
    office.change(incident, "severity", severity="P1")
    office.wait(minutes=16)
    assert when(office, incident) == [
        (40, 0, {"users"}, ["person:priya"]),
        (40, 1, {"users"}, [ROOM]),
        (45, 2, {"users"}, ["person:amara"]),
        (50, 0, {"customers"}, ["person:priya"]),  # whom it concerns only now, within 15 minutes of now
        (55, 1, {"customers"}, [ROOM]),
    ]


def test_lowering_it_gives_more_time_and_leaves_some_alone(office: Office) -> None:
    incident = office.declare("P1")
    office.publish(incident)
    office.wait(minutes=10)
    office.change(incident, "severity", severity="P3")
    office.wait(minutes=120)
    # Users heard at 0, those within at 10, when the severity changed.
    assert sorted(when(office, incident), key=lambda one: (one[0], one[1])) == [
        (115, 0, {"users"}, ["person:priya"]),
        (120, 1, {"users"}, [ROOM]),
        (125, 0, WITHIN, ["person:priya"]),
        (125, 2, {"users"}, ["person:amara"]),
        (130, 1, WITHIN, [ROOM]),
    ]


def test_a_letter_promises_nothing_that_some_of_its_readers_do_not_get(office: Office) -> None:
    """Customers hear that P1 has become P3, and nothing more before the end."""
    incident = office.declare("P1")
    office.publish(incident)
    assert newest_promise(office, "customers") is not None
    office.desk.severities.change(incident.id, actor="mei", severity="P3", reason="one gate only")
    office.publish(incident)
    assert newest_promise(office, "customers") is None
    assert newest_promise(office, "management") is not None


def newest_promise(office: Office, audience: str) -> datetime | None:
    """By when the last letter to an audience says that it hears again."""
    with office.database.read() as session:
        notices = session.scalars(sa.select(Notice).where(Notice.kind == "bulletin").order_by(Notice.id.desc()))
        said = [read_outgoing(session, notice) for notice in notices]
        bulletins = [one for one in said if isinstance(one, OutgoingBulletin)]
        return next(
            one.next_update_at for one in bulletins if audience in session.get_one(Bulletin, one.bulletin_id).audiences
        )


def test_no_change_is_one_press_and_two_are_still_one(office: Office) -> None:
    incident = office.declare("P3")
    office.publish(incident)
    office.wait(minutes=115)
    with office.database.read() as session:
        reminder = session.connection().exec_driver_sql("SELECT id FROM notices WHERE kind = 'update_reminder'")
        number = int(reminder.scalar_one())
    text = office.updates.say_no_change(incident.id, office.person("priya"), number)
    assert text == "No change since it was declared, Sun 01 Mar, 12:00 (UTC)."
    with pytest.raises(Refused, match="seen to already"):
        office.updates.say_no_change(incident.id, office.person("amara"), number)
    assert office.ledger("incident.update") == [text]
    office.publish(incident)
    office.wait(minutes=114)
    assert len(office.said()) == 1


def test_no_change_is_seen_to_and_posted_or_neither(office: Office) -> None:
    """Killed between the two it would say that it was seen to, and nothing would go out."""

    def die(_session: object, _incident: object, change: str) -> None:
        if change == "updated":
            raise RuntimeError("killed")

    incident = office.declare("P3")
    office.publish(incident)
    office.wait(minutes=115)
    with office.database.read() as session:
        reminder = session.connection().exec_driver_sql("SELECT id FROM notices WHERE kind = 'update_reminder'")
        number = int(reminder.scalar_one())
    office.desk.listeners.append(die)
    with pytest.raises(RuntimeError):
        office.updates.say_no_change(incident.id, office.person("priya"), number)
    office.desk.listeners.remove(die)
    assert not office.said()[0].data.get("over")
    office.updates.say_no_change(incident.id, office.person("priya"), number)
    assert len(office.ledger("incident.update")) == 1


def test_snoozing_puts_it_off_with_a_name_and_a_reason(office: Office) -> None:
    incident = office.declare("P1")
    office.publish(incident)
    office.wait(minutes=26)
    office.updates.snooze(incident.id, office.person("priya"), timedelta(minutes=30), "waiting for the vendor")
    assert office.said()[0].data["over"]
    office.wait(minutes=31)
    assert [(at, step) for at, step, _, _ in when(office, incident)] == [(25, 0), (51, 0), (56, 1)]
    (entry,) = office.ledger("incident.snoozed")
    assert entry == "Priya Nair put the update off until Sun 01 Mar, 12:56 (UTC): waiting for the vendor"
    with office.database.read() as session:
        ((label, shown),) = show_next_update(session, incident, office.policy, office.clock())
    assert (label, "put off by Priya Nair" in shown, "overdue" in shown) == ("Next update due", True, True)


def test_whoever_snoozes_for_a_moment_is_not_reminded_at_once(office: Office) -> None:
    incident = office.declare("P1")
    office.publish(incident)
    office.wait(minutes=29)
    office.updates.snooze(incident.id, office.person("priya"), timedelta(minutes=4), "typing it")
    office.wait(minutes=4)
    assert [(at, step) for at, step, _, _ in when(office, incident)] == [(25, 0), (33, 1)]


def test_snoozing_again_and_again_ends_where_the_policy_says(office: Office) -> None:
    incident = office.declare("P1")
    office.publish(incident)
    office.wait(minutes=20)
    for _ in range(2):
        office.updates.snooze(incident.id, office.person("priya"), timedelta(hours=2), "the vendor")
        office.wait(hours=2)
    with pytest.raises(Refused, match=r"by 4 hours, here until Sun 01 Mar, 16:30"):
        office.updates.snooze(incident.id, office.person("priya"), timedelta(minutes=30), "the vendor")
    office.updates.snooze(incident.id, office.person("priya"), timedelta(minutes=10), "the vendor")
    with pytest.raises(Refused, match="is due before"):
        office.updates.snooze(incident.id, office.person("priya"), timedelta(minutes=5), "the vendor")


def test_a_resolution_is_told_to_the_public_too(office: Office) -> None:
    incident = office.declare("P2")
    office.publish(incident)
    office.wait(minutes=30)
    office.desk.resolve(incident.id, actor="mei", text="Bags are back.")
    office.wait(hours=5)
    assert when(office, incident) == [
        (145, 0, PUBLIC, ["person:priya"]),
        (150, 1, PUBLIC, [ROOM]),
        (155, 2, PUBLIC, ["person:amara"]),
    ], "and not again and again: it is over"
    assert office.publish(incident)
    with office.database.read() as session:
        assert show_next_update(session, incident, office.policy, office.clock()) == []


def test_the_resolution_of_a_p4_is_told_on_the_next_business_day(office: Office) -> None:
    office.clock.now = datetime(2026, 7, 2, 20, 0, tzinfo=UTC)  # a Thursday; the Friday is a holiday
    incident = office.declare("P4")
    office.publish(incident)
    office.desk.resolve(incident.id, actor="mei")
    office.wait(until=datetime(2026, 7, 7, 0, 0, tzinfo=UTC))
    monday = datetime(2026, 7, 6, 9, 0, tzinfo=UTC)
    assert [(one.at, one.step) for one in office.said()][:2] == [(monday - timedelta(minutes=5), 0), (monday, 1)]


def test_what_is_closed_or_merged_reminds_of_nothing(office: Office) -> None:
    changes: list[Change] = ["closed", "merged"]
    for change in changes:
        incident = office.declare("P1")
        office.wait(minutes=3)
        office.change(incident, change, resolved_at=office.clock())
    office.wait(hours=30)
    assert office.said() == []


def test_reopening_begins_anew(office: Office) -> None:
    incident = office.declare("P1")
    office.publish(incident)
    office.desk.resolve(incident.id, actor="mei")
    office.publish(incident)
    office.wait(minutes=60)
    office.change(incident, "reopened", resolved_at=None, status="investigating")
    office.wait(minutes=11)
    assert when(office, incident) == [(70, 0, PUBLIC, ["person:priya"])], "those within hear of the reopening itself"


def test_a_private_incident_stays_with_its_members(office: Office) -> None:
    incident = office.declare("P1")
    office.publish(incident)
    office.admit(incident, "mei", "amara")
    office.change(incident, "privacy", private=True)
    office.wait(minutes=90)
    assert {one for said in office.said() for one in said.to} == {"person:amara", ROOM}
    assert {key for one in office.said() for key in one.audiences} == {"dr_team"}
    assert office.said("page") == []
    office.desk.update(incident.id, actor="mei", text="Looking.")
    began = len(office.said())
    office.wait(minutes=24)
    assert len(office.said()) == began, "an update in the channel is what its room hears"
    office.desk.resolve(incident.id, actor="mei")
    office.wait(hours=9)
    assert len(office.said()) == began
    with pytest.raises(Refused, match="no incident #1"):
        office.updates.snooze(incident.id, office.person("diego"), timedelta(minutes=5), "why")


def test_the_public_is_not_waited_for_in_a_drill(office: Office) -> None:
    incident = office.declare("P1", drill=True)
    office.wait(minutes=36)
    assert [one.audiences for one in office.said()] == [WITHIN] * 3
    (page,) = office.said("page")[:1]
    assert page.data["summary"].startswith("DRILL: ")
    assert incident.drill


def test_after_a_standstill_everybody_hears_once(office: Office) -> None:
    incident = office.declare("P1")
    office.publish(incident)
    office.stand_still(hours=5)
    office.wait(minutes=0)
    assert [(step, to) for _, step, _, to in when(office, incident)] == [
        (0, ["person:priya"]),
        (1, [ROOM]),
        (2, ["person:amara"]),
    ]
    office.wait(minutes=60)
    assert len(office.said()) == 5, "and then as often as before"


def test_what_is_due_within_a_minute_is_reminded_of_together(office: Office) -> None:
    incident = office.declare("P1")
    office.wait(seconds=50)
    office.publish(incident)
    office.wait(minutes=31)
    assert [(minutes(incident, one), one.step, one.audiences) for one in office.said()] == [
        (25, 0, PUBLIC | WITHIN),
        (30, 1, PUBLIC | WITHIN),
    ]


def test_where_no_member_is_responsible_the_channel_hears(office: Office) -> None:
    incident = office.declare("P1")
    office.admit(incident, "jonas")
    office.change(incident, "privacy", private=True)
    office.wait(minutes=90)
    assert {to for said in office.said() for to in said.to} == {ROOM}
    assert {said.data["responsible"] for said in office.said()} == {"nobody"}
