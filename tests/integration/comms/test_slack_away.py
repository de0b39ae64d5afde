"""Slack is away for minutes in mid-incident: all else goes on, and afterwards Slack has everything, in order, once."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from bot.comms.channels.slack import SlackChannel
from bot.comms.messages.subject import Subject
from bot.comms.prose import Prose
from bot.comms.room_door import RoomDoor
from bot.sandbox.workspace import Workspace, serve
from bot.settings import templates_dir
from bot.slack.client import build_client
from bot.store.tables import ChannelSilence, Incident
from tests.integration.handlers.rig import make_workspace, show
from tests.unit.comms.channels.mail_server import MailServer, open_mail_server
from tests.unit.comms.channels.office import Office, make_policy, open_office
from tests.unit.comms.channels.vendors import PagerDutyStandIn, open_vendor


def test_nothing_is_lost_doubled_or_out_of_order(tmp_path: Path) -> None:
    pager = PagerDutyStandIn()
    with open_vendor(pager), open_mail_server("none") as mails:
        channels = {
            "email": {
                "transport": "smtp", "sender": "incidents@example.com", "host": "127.0.0.1", "port": mails.port,
                "security": "none",
            },
            "pagerduty": {"routing_key_env": "KEY", "api_url": pager.url},
        }  # fmt: skip
        policy = make_policy(channels, ["slack", "email", "pager"])
        with open_office(tmp_path, policy, {"KEY": pager.key}) as office:
            workspace = make_workspace(policy)
            with serve(workspace):
                _live_through_it(office, workspace, mails, pager)
    assert pager.problems == []


def _live_through_it(office: Office, workspace: Workspace, mails: MailServer, pager: PagerDutyStandIn) -> None:
    client = build_client(workspace.environment["SLACK_BOT_TOKEN"], workspace.environment["SLACK_API_URL"])
    prose = Prose(templates_dir())
    door = RoomDoor(office.database, office.policy, office.notices, client)
    office.channels["slack"] = SlackChannel(client, Subject(office.database, office.policy, prose, office.clock), door)
    number = office.declare().id
    room = client.conversations_create(name="inc-1")["channel"]["id"]
    with office.database.write() as session:
        incident = session.get_one(Incident, number)
        incident.channel_id, incident.channel_name = room, "inc-1"
        office.notices.open_room(session, incident)
    office.desk.update(number, actor="mei", text="Before")
    office.work()
    assert len(mails.messages) == 2

    workspace.faults.outage = True
    for minute in range(8):
        office.desk.update(number, actor="mei", text=f"Minute {minute}")
        office.work()
        assert len(mails.messages) >= 3 + minute, "mail goes on at once"
        office.pass_time(60)
    warnings = [one for one in mails.messages if "Slack has not worked" in one["Subject"]]
    assert [one["Subject"] for one in warnings] == ["[ATTENTION] TraitorTrack - Slack has not worked for 3 min."]
    assert [what for what, _ in pager.effects] == ["triggered", "triggered"], "the incident, and Slack"

    workspace.faults.outage = False
    office.desk.update(number, actor="mei", text="After")
    office.work()
    office.pass_time(180)
    said = [show(one) for one in workspace.state.channels[room].messages.values()]
    updates = [one for one in said if "Minute" in one or "Before" in one or "After" in one]
    in_order = ["Before", *(f"Minute {n}" for n in range(8)), "After"]
    assert [next(w for w in in_order if w in one) for one in updates if "Status" not in one] == in_order
    late = [one for one in updates if "delivered late because Slack, or this channel, could not be reached" in one]
    assert [f"Minute {n}" in one for n, one in enumerate(late[:6])] == [True] * 6
    assert not any("delivered late" in one for one in updates if "After" in one or "Before" in one)
    assert sum("Slack works again" in one["Subject"] for one in mails.messages) == 1
    assert [what for what, _ in pager.effects] == ["triggered", "triggered", "resolved"], "Slack's is over"
    assert {one.state for channel in ("slack", "email", "pagerduty") for one in office.told(channel)} == {"sent"}
    with office.database.read() as session:
        (silence,) = session.scalars(sa.select(ChannelSilence)).all()
    assert silence.ended_at is not None
