"""The Statuspage channel against a strict stand-in that fails in every way: told once, in the right words."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.comms.channels.statuspage import StatuspageChannel
from bot.comms.deliveries import ChannelDown, ChannelRefused
from bot.store.tables import Bulletin
from bot.systems.pace import Pace
from bot.systems.statuspage import Statuspage
from tests.unit.comms.newsroom import Newsroom
from tests.unit.comms.statuspage_stand_in import KEY, Fault, StandIn, serve_stand_in

DOWN: list[Fault] = [420, 429, 500, 503, "no answer", "lost answer", "hang after acting", "not json", "no incident"]


@pytest.fixture
def page() -> Iterator[StandIn]:
    with serve_stand_in() as stand_in:
        yield stand_in


@pytest.fixture
def key() -> list[str]:
    return [KEY]


@pytest.fixture
def channel(newsroom: Newsroom, page: StandIn, key: list[str]) -> StatuspageChannel:
    settings = newsroom.policy.channels.statuspage
    assert settings is not None
    client = Statuspage(page.url, settings.page_id, lambda: key[0], Pace(0.0), timeout_s=(5.0, 1.0))
    return StatuspageChannel(settings, client, newsroom.database)


def send(newsroom: Newsroom, channel: StatuspageChannel, bulletin: Bulletin) -> None:
    """One attempt, and its receipt kept, as deliveries do."""
    parcel = newsroom.parcel(bulletin.id, "statuspage")
    newsroom.keep_receipt(parcel, channel.send(parcel))


def test_one_public_incident_follows_ours_to_its_end(
    newsroom: Newsroom, page: StandIn, channel: StatuspageChannel
) -> None:
    number = newsroom.declare()
    first = newsroom.publish(
        number, title="Scanning is down", impact="Nobody can scan.", next_steps="We restore.",
        components={"database": "major_outage", "email": "partial_outage"},
    )  # fmt: skip
    send(newsroom, channel, first)
    (shown,) = page.incidents
    assert (shown["name"], shown["status"], shown["impact_override"]) == (
        "Scanning is down",
        "investigating",
        "critical",
    )
    body = "We are looking into it.\n\nImpact: Nobody can scan.\n\nNext steps: We restore."
    assert shown["incident_updates"] == [{"body": body, "status": "investigating"}]
    assert shown["metadata"] == {"holdfast": {"incident": number, "bulletin": first.id}}
    assert page.states == {"cdatabase": "major_outage", "capplication": "operational", "cother": "operational"}
    page.states["cother"] = "partial_outage"  # somebody else's affair
    newsroom.desk.resolve(number, actor="mei", text="Scanning works.")
    send(newsroom, channel, newsroom.publish(number))
    (shown,) = page.incidents
    assert [one["status"] for one in shown["incident_updates"]] == ["resolved", "investigating"]
    assert page.states == {"cdatabase": "operational", "capplication": "operational", "cother": "partial_outage"}
    assert [method for method, _ in page.asked] == ["POST", "PATCH"], "no look is needed where nothing was lost"


@pytest.mark.parametrize("fault", DOWN, ids=map(str, DOWN))
@pytest.mark.parametrize("update", [False, True], ids=["create", "update"])
def test_whatever_happens_to_an_attempt_it_is_told_once(
    newsroom: Newsroom, page: StandIn, channel: StatuspageChannel, fault: Fault, update: bool
) -> None:
    number = newsroom.declare()
    if update:
        send(newsroom, channel, newsroom.publish(number))
    told = newsroom.publish(number, text="The disk is full.")
    page.faults = [fault, "no answer", 503]
    for _ in range(3):
        with pytest.raises(ChannelDown):
            send(newsroom, channel, told)
    send(newsroom, channel, told)
    send(newsroom, channel, told)
    (shown,) = page.incidents
    assert len([one for one in shown["incident_updates"] if one["body"] == "The disk is full."]) == 1
    assert len(shown["incident_updates"]) == 1 + update


def test_an_attempt_that_was_given_up_is_found_by_the_next_bulletin(
    newsroom: Newsroom, page: StandIn, channel: StatuspageChannel
) -> None:
    number = newsroom.declare()
    first = newsroom.publish(number)
    page.faults = ["lost answer"]
    with pytest.raises(ChannelDown):
        send(newsroom, channel, first)
    send(newsroom, channel, newsroom.publish(number, text="More is known."))
    (shown,) = page.incidents
    assert [one["body"] for one in shown["incident_updates"]] == ["More is known.", "We are looking into it."]


def test_a_resolved_one_whose_creation_was_lost_is_found_among_the_recent(
    newsroom: Newsroom, page: StandIn, channel: StatuspageChannel
) -> None:
    number = newsroom.declare()
    newsroom.desk.resolve(number, actor="mei", text="It was nothing.")
    told = newsroom.publish(number)
    page.faults = ["lost answer"]
    with pytest.raises(ChannelDown):
        send(newsroom, channel, told)
    send(newsroom, channel, told)
    assert len(page.incidents) == 1


@pytest.mark.parametrize("status", [420, 429])
def test_it_comes_back_when_statuspage_says_so(
    newsroom: Newsroom, page: StandIn, channel: StatuspageChannel, status: int
) -> None:
    told = newsroom.publish(newsroom.declare())
    page.faults, page.retry_after = [status], "60"
    with pytest.raises(ChannelDown) as down:
        send(newsroom, channel, told)
    assert down.value.retry_after_s == 60
    page.faults, page.retry_after = [status], "Wed, 21 Oct 2026 07:28:00 GMT"
    with pytest.raises(ChannelDown) as down:
        send(newsroom, channel, told)
    assert down.value.retry_after_s is None, "a date is not understood; the usual back-off then"


def test_a_wrong_key_is_refused_in_words_and_never_shown(
    newsroom: Newsroom, page: StandIn, channel: StatuspageChannel, key: list[str]
) -> None:
    told = newsroom.publish(newsroom.declare())
    key[0] = "sp-key-expired"
    with pytest.raises(ChannelRefused, match="does not take the API key") as refusal:
        send(newsroom, channel, told)
    assert "sp-key" not in str(refusal.value)
    key[0] = KEY
    send(newsroom, channel, told)
    assert len(page.incidents) == 1, "a renewed key needs no restart"


def test_what_it_does_not_take_is_refused_with_its_reason(
    newsroom: Newsroom, page: StandIn, channel: StatuspageChannel
) -> None:
    channel.settings.components["database"] = "cunknown"
    try:
        told = newsroom.publish(newsroom.declare(), components={"database": "major_outage"})
        with pytest.raises(ChannelRefused, match="component_ids, components is invalid"):
            send(newsroom, channel, told)
    finally:
        channel.settings.components["database"] = "cdatabase"
    assert page.incidents == []


def test_a_refused_update_of_an_open_one_makes_no_second_one(
    newsroom: Newsroom, page: StandIn, channel: StatuspageChannel
) -> None:
    number = newsroom.declare()
    send(newsroom, channel, newsroom.publish(number))
    page.faults = [422]
    with pytest.raises(ChannelRefused):
        send(newsroom, channel, newsroom.publish(number, text="More."))
    assert len(page.incidents) == 1


@pytest.mark.parametrize("closed_for_good", [False, True])
def test_a_reopened_incident_goes_on_where_it_can(
    newsroom: Newsroom, page: StandIn, channel: StatuspageChannel, closed_for_good: bool
) -> None:
    page.closed_for_good = closed_for_good
    number = newsroom.declare()
    send(newsroom, channel, newsroom.publish(number))
    newsroom.desk.resolve(number, actor="mei", text="Over.")
    send(newsroom, channel, newsroom.publish(number))
    newsroom.change(number, status="investigating", resolved_at=None)
    again = newsroom.publish(number, text="It is back.")
    send(newsroom, channel, again)
    assert len(page.incidents) == 1 + closed_for_good
    assert page.incidents[-1]["incident_updates"][0] == {"body": "It is back.", "status": "investigating"}
    page.faults = ["lost answer"]
    last = newsroom.publish(number, text="Nearly done.")
    with pytest.raises(ChannelDown):
        send(newsroom, channel, last)
    send(newsroom, channel, last)
    assert len(page.incidents) == 1 + closed_for_good
    assert len(page.incidents[-1]["incident_updates"]) == (2 if closed_for_good else 4)


def test_one_that_somebody_deleted_is_made_anew(newsroom: Newsroom, page: StandIn, channel: StatuspageChannel) -> None:
    number = newsroom.declare()
    send(newsroom, channel, newsroom.publish(number))
    page.incidents.clear()
    send(newsroom, channel, newsroom.publish(number, text="Still going on."))
    assert [one["incident_updates"][0]["body"] for one in page.incidents] == ["Still going on."]


def test_a_component_that_another_incident_impairs_does_not_recover(
    newsroom: Newsroom, page: StandIn, channel: StatuspageChannel
) -> None:
    mild, severe = newsroom.declare(), newsroom.declare("The database is gone")
    send(newsroom, channel, newsroom.publish(severe, components={"database": "major_outage"}))
    send(newsroom, channel, newsroom.publish(mild, components={"database": "degraded_performance"}))
    assert page.states["cdatabase"] == "major_outage"
    newsroom.desk.resolve(mild, actor="mei", text="Over.")
    send(newsroom, channel, newsroom.publish(mild))
    assert page.states["cdatabase"] == "major_outage"
    newsroom.desk.resolve(severe, actor="mei", text="Over.")
    send(newsroom, channel, newsroom.publish(severe))
    assert page.states["cdatabase"] == "operational"


def test_what_became_private_meanwhile_does_not_go_out(
    newsroom: Newsroom, page: StandIn, channel: StatuspageChannel
) -> None:
    number = newsroom.declare()
    told = newsroom.publish(number)
    newsroom.change(number, private=True)
    with pytest.raises(ChannelRefused, match="not told"):
        send(newsroom, channel, told)
    assert page.asked == []


def test_long_words_fit(newsroom: Newsroom, page: StandIn, channel: StatuspageChannel) -> None:
    number = newsroom.declare()
    long = dict.fromkeys(("text", "impact", "next_steps"), "y" * 10000)
    send(newsroom, channel, newsroom.publish(number, title="x" * 400, **long))
    (shown,) = page.incidents
    assert "cut" in shown["incident_updates"][0]["body"]


def test_requests_are_a_second_apart() -> None:
    now, slept = [0.0], list[float]()

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    pace = Pace(1.0, lambda: now[0], sleep)
    for _ in range(3):
        pace.wait()
        now[0] += 0.25
    assert slept == [0.0, 0.75, 0.75]
