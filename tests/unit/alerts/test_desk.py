"""Alerts come in, become one card and at most one incident, and go out again."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bot.alerts.desk import LONGEST_MUTE
from bot.incidents.desk import Desk
from bot.outcome import Refused
from bot.store.tables import Incident, IncidentMember, LedgerEntry
from tests.unit.alerts.conftest import Monitoring, Start, make_policy

CARD_ONLY: dict[str, Any] = {"name": "all", "severity": "P2", "category": "database", "group_by": ["service"]}
DECLARES: dict[str, Any] = {
    "name": "all", "severity": "P1", "category": "application", "declare": True, "group_by": ["service"],
    "components": ["application"], "components_from": ["component"],
}  # fmt: skip


@pytest.fixture
def here(start: Start) -> Monitoring:
    """Alerts that declare an incident for each service."""
    return start(make_policy(DECLARES))


@pytest.fixture
def cards(start: Start) -> Monitoring:
    """Alerts of which people decide what comes of them."""
    return start(make_policy(CARD_ONLY))


def test_many_alerts_are_one_card_and_one_incident(here: Monitoring) -> None:
    here.send(*(f"disk-{number}" for number in range(50)))
    here.settle()
    assert [len(here.kept()), len(here.groups()), len(here.incidents())] == [50, 1, 1]
    assert len(here.notices("alert_card")) == 1
    assert here.timeline() == ["50 alerts: disk-0 is wrong, disk-1 is wrong, disk-2 is wrong and 47 more"]


def test_the_incident_is_what_the_rule_says_of_the_alerts(here: Monitoring) -> None:
    began = here.clock() - timedelta(minutes=3)
    here.send("login", at=began, labels={"component": "Session-Storage"})
    here.settle()
    made = here.incidents()[0]
    assert (made.title, made.severity, made.category) == ("login is wrong", "P1", "application")
    assert (made.declared_by, made.detected_at) == ("holdfast", began)
    assert made.components == ["application", "session_storage"]


def test_the_same_again_changes_nothing(here: Monitoring) -> None:
    at = here.clock()
    for _ in range(5):
        here.send("disk", at=at)
        here.settle()
    assert [len(here.kept()), len(here.incidents()), len(here.timeline()), here.card_version()] == [1, 1, 1, 1]
    assert here.kept()[0].received == 5


def test_a_storm_costs_few_turns(here: Monitoring) -> None:
    for number in range(100):
        here.send(f"disk-{number}")
        here.pass_time(0.05, 0.05)
    here.settle()
    assert len(here.kept()) == 100
    assert here.queue.count("tend-alerts") < 20
    assert sum(entry.startswith(("Alert: ", "1")) or " alerts: " in entry for entry in here.timeline()) < 20


def test_what_comes_later_than_the_window_is_another_group(cards: Monitoring) -> None:
    for minutes in (0, 20, 40, 75):
        cards.send(f"disk-{minutes}")
        cards.clock.turn(minutes=20 if minutes < 40 else 35)
    assert [one.group_id for one in cards.kept()] == [1, 1, 1, 2]


def test_labels_keep_groups_apart(cards: Monitoring) -> None:
    cards.send("one", labels={"service": "scanner"})
    cards.send("two", labels={"service": "billing"})
    cards.send("three", labels={"service": "scanner"})
    assert [one.group_id for one in cards.kept()] == [1, 2, 1]


def test_an_open_incident_takes_what_follows_however_late(here: Monitoring) -> None:
    here.send("disk")
    here.settle()
    here.clock.turn(hours=8)
    here.send("network")
    here.settle()
    assert [len(here.groups()), len(here.incidents())] == [1, 1]
    assert here.timeline() == ["Alert: disk is wrong", "Alert: network is wrong"]


def test_after_the_incident_is_over_a_new_alert_is_a_new_one(here: Monitoring) -> None:
    here.send("disk")
    here.settle()
    here.desk.resolve(1, actor="mei")
    here.send("network")
    here.settle()
    assert [one.incident_id for one in here.groups()] == [1, 2]


def test_resolved_alerts_are_told_and_resolving_is_left_to_people(here: Monitoring) -> None:
    here.send("disk", "network")
    here.settle()
    here.send("disk", state="resolved")
    here.settle()
    assert here.notices("alerts_resolved") == []
    here.send("network", state="resolved")
    here.send("network", state="resolved")
    here.settle()
    assert here.timeline()[1:] == [
        "Alert resolved: disk is wrong",
        "All 2 alerts of “disk is wrong” are resolved (received 5 times)",
    ]
    assert len(here.notices("alerts_resolved")) == 1
    assert here.incidents()[0].is_open


def test_an_incident_of_two_groups_waits_for_both(cards: Monitoring) -> None:
    made = cards.desk.declare(actor="mei", severity="P1", title="Both")
    mei = cards.policy.people[0]
    for service in ("scanner", "billing"):
        cards.send(service, labels={"service": service})
    for group in cards.groups():
        cards.alerts.attach(group.id, made.id, mei)
    cards.send("scanner", state="resolved", labels={"service": "scanner"})
    cards.settle()
    assert cards.notices("alerts_resolved") == []
    cards.send("billing", state="resolved", labels={"service": "billing"})
    cards.settle()
    assert len(cards.notices("alerts_resolved")) == 1


def test_a_flapping_alert_is_told_now_and_then(here: Monitoring) -> None:
    for _ in range(15):
        here.send("disk")
        here.pass_time(10, 5)
        here.send("disk", state="resolved")
        here.pass_time(10, 5)
    assert 2 <= len(here.timeline()) <= 4
    here.pass_time(400, 10)
    assert here.kept()[0].told == "resolved"
    assert here.timeline()[-1].startswith("Alert resolved: disk is wrong (received ")


def test_deliveries_that_overtake_one_another(cards: Monitoring) -> None:
    began, ended = cards.clock() - timedelta(minutes=5), cards.clock()
    cards.send("disk", state="resolved", at=ended)
    cards.send("disk", at=began)
    cards.settle()
    assert [one.state for one in cards.kept()] == ["resolved"]
    assert cards.card_version() == 0
    cards.send("disk", at=ended + timedelta(seconds=1))
    assert [one.state for one in cards.kept()] == ["firing"]
    cards.send("disk", state="resolved", at=ended)
    assert [one.state for one in cards.kept()] == ["firing"]


def test_alerts_end_alike_in_whatever_order_they_arrive(start: Start) -> None:
    here = start(make_policy(CARD_ONLY))
    times = [here.clock() + timedelta(minutes=minute) for minute in range(6)]
    here.clock.turn(minutes=10)
    for seed in range(8):
        sent = [(time, "firing" if index % 2 == 0 else "resolved") for index, time in enumerate(times)] * 2
        random.Random(seed).shuffle(sent)
        for time, state in sent:
            here.alerts.receive([here.make(f"disk-{seed}", "firing" if state == "firing" else "resolved", time)])
    assert {one.state for one in here.kept()} == {"resolved"}


def test_alerts_that_no_rule_fits_are_cards(start: Start) -> None:
    here = start(make_policy({"name": "one", "equals": {"service": "none"}}))
    here.send("disk")
    here.send("network")
    here.settle()
    assert [one.title for one in here.groups()] == ["disk is wrong", "network is wrong"]
    assert len(here.notices("alert_card")) == 2


def test_muted_rules_keep_alerts_and_tell_nobody(start: Start) -> None:
    here = start(make_policy({"name": "all", "mute": True}))
    here.send("heartbeat")
    here.settle()
    assert len(here.kept()) == 1
    assert (here.notices("alert_card"), here.queue.keys) == ([], {})


def test_a_storm_of_many_kinds_is_held_by_the_ceiling(start: Start) -> None:
    here = start(make_policy(DECLARES, ceiling={"at_most": 2, "within": "1 hour"}))
    for number in range(20):
        here.send(f"alert-{number}", labels={"service": f"service-{number}"})
        here.settle()
    assert len(here.incidents()) == 2
    assert [one.incident_id for one in here.groups()] == [1] + [2] * 19
    assert "alerts declare no more incidents than 2 within 1 hour" in here.timeline(2)[1]
    here.clock.turn(hours=2)
    here.send("later", labels={"service": "later"})
    here.settle()
    assert len(here.incidents()) == 3


def test_beyond_the_ceiling_with_nothing_open_alerts_stay_cards(start: Start) -> None:
    here = start(make_policy(DECLARES, ceiling={"at_most": 1, "within": "1 hour"}))
    here.send("one", labels={"service": "one"})
    here.settle()
    here.desk.resolve(1, actor="mei")
    here.send("two", labels={"service": "two"})
    here.settle()
    assert [one.incident_id for one in here.groups()] == [1, None]
    assert len(here.notices("alert_card")) == 2


class Killed(Exception):
    """The process ends here."""


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_while_declaring_there_is_still_one_incident(
    here: Monitoring, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    real = Desk.declare

    def die(self: Desk, **facts: Any) -> Incident:
        if when == "after":
            real(self, **facts)
        raise Killed

    here.send("disk")
    with monkeypatch.context() as patch:
        patch.setattr(Desk, "declare", die)
        with pytest.raises(Killed):
            here.queue.work()
    for _ in range(2):  # the engine runs it again, and once more
        here.alerts.tend(1)
    here.settle()
    assert [one.incident_id for one in here.groups()] == [1]
    assert len(here.incidents()) == 1
    assert here.timeline() == ["Alert: disk is wrong"]


def test_what_was_sent_while_the_bot_was_down_is_told_when_it_is_back(start: Start) -> None:
    here = start(make_policy(DECLARES))
    here.send("disk")
    here = start(make_policy(DECLARES))
    here.settle()
    assert len(here.incidents()) == 1


def test_a_turn_that_never_came_is_asked_for_again(here: Monitoring) -> None:
    here.send("disk")
    here.queue.waiting.clear()  # it ended in an error, say
    here.send("network")
    here.settle()
    assert here.incidents() == []
    here.clock.turn(minutes=2)
    here.send("memory")
    here.settle()
    assert here.timeline() == ["3 alerts: disk is wrong, network is wrong, memory is wrong"]


def test_a_person_declares_what_the_card_is_about_once(cards: Monitoring) -> None:
    cards.send("disk")
    cards.settle()

    def declare() -> Incident:
        return cards.desk.declare(
            actor="mei", severity="P2", title="Disk", confirmed=True, claim=cards.alerts.claim(1, ["database"])
        )

    made = declare()
    with pytest.raises(Refused, match="already"):
        declare()
    cards.settle()
    assert [one.id for one in cards.incidents()] == [made.id]
    assert cards.incidents()[0].components == ["database"]
    assert cards.timeline() == ["Alert: disk is wrong"]
    assert cards.card_version() == 2


def test_the_card_follows_its_incident(cards: Monitoring) -> None:
    cards.send("disk")
    cards.settle()
    cards.desk.declare(actor="mei", severity="P2", title="Disk", claim=cards.alerts.claim(1))
    cards.settle()
    before = cards.card_version()
    cards.desk.resolve(1, actor="mei")
    assert cards.card_version() == before + 1


def test_attaching_puts_what_there_is_on_the_timeline(cards: Monitoring) -> None:
    cards.send("disk", "network")
    cards.settle()
    made = cards.desk.declare(actor="mei", severity="P2", title="Something")
    cards.alerts.attach(1, made.id, cards.policy.people[0])
    cards.settle()
    assert cards.timeline() == [
        "Attached the alerts “disk is wrong”",
        "2 alerts: disk is wrong, network is wrong",
    ]
    with pytest.raises(Refused, match="already"):
        cards.alerts.attach(1, made.id, cards.policy.people[0])


def test_attaching_to_what_is_not_open_is_refused(cards: Monitoring) -> None:
    cards.send("disk")
    cards.desk.declare(actor="mei", severity="P2", title="Something")
    cards.desk.resolve(1, actor="mei")
    for number in (1, 99):
        with pytest.raises(Refused, match="no open incident"):
            cards.alerts.attach(1, number, cards.policy.people[0])


def test_a_private_incident_is_there_for_its_members_only(cards: Monitoring) -> None:
    cards.send("disk")
    mei, amara = (cards.policy.person(key) for key in ("mei", "amara"))
    assert mei
    assert amara
    cards.desk.declare(actor="mei", severity="P2", title="Hush")
    with cards.database.write() as session:
        session.get_one(Incident, 1).private = True
        session.add(IncidentMember(incident_id=1, person="mei", added_by="mei", since=cards.clock()))
    assert cards.alerts.list_open_incidents("amara") == []
    with pytest.raises(Refused, match="no open incident"):
        cards.alerts.attach(1, 1, amara)
    cards.alerts.attach(1, 1, mei)
    assert [one.incident_id for one in cards.alerts.describe_groups("mei")] == [1]
    hidden = cards.alerts.describe_groups("amara")[0]
    assert (hidden.incident_id, hidden.became) == (None, "")


def test_muting_keeps_the_card_still_and_says_who(start: Start) -> None:
    here = start(make_policy(CARD_ONLY))
    here.send("disk")
    here.settle()
    muted = here.alerts.mute(1, here.policy.people[0], timedelta(hours=1))
    assert (muted.muted_by, muted.muted_until) == (here.policy.people[0].key, here.clock() + timedelta(hours=1))
    still = here.card_version()
    here.pass_time(3000, 60)
    here.send("network")
    here.pass_time(120, 1)
    assert here.card_version() == still
    here.pass_time(600, 1)
    assert here.card_version() == still + 1
    with here.database.read() as session:
        kinds = list(session.scalars(sa.select(LedgerEntry.kind).order_by(LedgerEntry.seq)))
    assert kinds == ["alerts.muted"]


def test_muted_alerts_declare_nothing_until_they_are_heard_again(start: Start) -> None:
    quiet, loud = make_policy(CARD_ONLY), make_policy(DECLARES)
    here = start(quiet)
    here.send("disk")
    here.settle()
    here.alerts.mute(1, here.policy.people[0], timedelta(hours=4))
    here = start(loud)
    here.send("network")
    here.settle()
    assert here.incidents() == []
    here.alerts.unmute(1, here.policy.people[0])
    here.settle()
    assert len(here.incidents()) == 1
    with pytest.raises(Refused, match="not muted"):
        here.alerts.unmute(1, here.policy.people[0])


@pytest.mark.parametrize("how_long", [timedelta(0), LONGEST_MUTE + timedelta(seconds=1)])
def test_mutes_have_bounds(cards: Monitoring, how_long: timedelta) -> None:
    cards.send("disk")
    with pytest.raises(Refused, match="muted for up to 7 days"):
        cards.alerts.mute(1, cards.policy.people[0], how_long)


def test_alerts_follow_an_incident_that_is_merged(cards: Monitoring) -> None:
    cards.send("disk")
    for title in ("One", "Other"):
        cards.desk.declare(actor="mei", severity="P2", title=title)
    cards.alerts.attach(1, 1, cards.policy.people[0])
    with cards.database.write() as session:
        merged = session.get_one(Incident, 1)
        merged.merged_into_id = 2
        cards.alerts.incident_changed(session, merged, "merged")
    assert cards.groups()[0].incident_id == 2


def test_a_group_that_is_not_there(cards: Monitoring) -> None:
    for number in (1, 0, -1, 2**40):
        with pytest.raises(Refused, match="no group of alerts"):
            cards.alerts.find(number)
