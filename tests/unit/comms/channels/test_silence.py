"""A channel that stays silent is reported once on another, and once more when it is back; one delivery is not that."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from bot.store.tables import Delivery, LedgerEntry, Notice
from tests.unit.comms.channels.office import Office, make_policy, open_office
from tests.unit.comms.channels.test_vendors import SECRETS, at
from tests.unit.comms.channels.vendors import Reply


def reports(office: Office) -> list[str]:
    query = sa.select(Notice).where(Notice.kind == "channel_silence").order_by(Notice.id)
    with office.database.read() as session:
        return [str(one.data["summary"]) for one in session.scalars(query)]


def test_once_after_some_minutes_and_once_when_it_is_back(tmp_path: Path) -> None:
    with at("webhook", tmp_path) as (office, vendor):
        vendor.replies = [Reply(503, act=False)] * 14
        office.declare()
        office.work()
        office.pass_time(170)
        assert reports(office) == []
        office.pass_time(600)
    assert reports(office)[0].startswith("The webhook has not worked for 3 min")
    assert [text.split(",")[0] for text in reports(office)[1:]] == ["The webhook works again"]
    with office.database.read() as session:
        kinds = list(session.scalars(sa.select(LedgerEntry.kind).where(LedgerEntry.kind.like("channel.%"))))
    assert kinds == ["channel.silent", "channel.back"]


def test_it_is_said_in_the_room_of_the_incident_that_waits(tmp_path: Path) -> None:
    with at("webhook", tmp_path) as (office, vendor):
        vendor.replies = [Reply(503, act=False)] * 99
        number = office.declare().id
        office.work()
        office.pass_time(300)
        query = sa.select(Delivery.recipient).join(Notice, Notice.id == Delivery.notice_id)
        with office.database.read() as session:
            said = list(session.scalars(query.where(Notice.kind == "channel_silence")))
    assert said == [f"incident:{number}"]


def test_what_gets_through_to_others_ends_it(tmp_path: Path) -> None:
    """One recipient who cannot be reached is not a channel that does not work."""
    with at("webhook", tmp_path) as (office, vendor):
        for _ in range(6):
            vendor.replies = [Reply(503, act=False)]
            office.declare(title=f"Number {len(vendor.requests)}")
            office.work()
            office.pass_time(60)
    assert reports(office) == []


def test_a_channel_taken_out_of_the_policy_fails_and_says_so(tmp_path: Path) -> None:
    with at("webhook", tmp_path) as (office, vendor):
        vendor.replies = [Reply(503, act=False)]
        office.declare()
        office.work()
        del office.channels["webhook"]
        office.pass_time(60)
        (told,) = office.told("webhook")
    assert (told.state, told.error) == ("failed", "the channel webhook is not set up any more")


def test_who_relies_on_slack_is_reached_where_there_is_a_way(tmp_path: Path) -> None:
    policy = make_policy({"pagerduty": {"routing_key_env": "KEY"}}, ["slack", "pager"])
    with open_office(tmp_path, policy, {"KEY": SECRETS["pagerduty"]}) as office:
        assert [one.channel for one in office.audiences.relying_on_slack()] == ["pagerduty"]
