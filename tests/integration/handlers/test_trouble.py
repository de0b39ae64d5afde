"""Slack slow, away, or saying no: nothing is lost, nothing is said twice, and the person is answered."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from bot.incidents.desk import Desk
from bot.incidents.details import Wanted
from bot.sandbox.actor import wait_for as wait_until
from bot.store.tables import Delivery, Incident, SlackUser
from tests.integration.handlers.rig import LOBBY, WAIT_S, Bot, Human, find_channel, show

pytestmark = pytest.mark.parametrize("running", ["socket"], indirect=True)


def declare(bot: Bot, title: str = "Bags are missing") -> Incident:
    return bot.services.desk.declare(actor="amara", severity="P1", title=title, confirmed=True)


def forget_users(bot: Bot) -> None:
    with bot.services.database.write() as session:
        session.execute(sa.delete(SlackUser))


def test_a_command_is_acknowledged_although_slack_is_slow(bot: Bot, mei: Human) -> None:
    """Who the person is must be asked of Slack, which takes longer than Slack waits for the acknowledgement."""
    forget_users(bot)
    bot.workspace.faults.latency_s = 3.5
    acknowledged = mei.ask("declare P3 Slow day")
    assert "takes longer than usual" in acknowledged["text"]
    wait_until("the answer", lambda: "Declared" in mei.told()[-1]["text"] or None, WAIT_S)
    bot.workspace.faults.latency_s = 0.0
    assert [one.title for one in bot.services.desk.list_open()] == ["Slow day"]


def test_what_was_missed_while_slack_was_away_is_said_in_order_and_once(bot: Bot) -> None:
    """As from the terminal: the desk works on, and Slack hears of it when it is back."""
    bot.workspace.set_outage(True)
    desk: Desk = bot.services.desk
    number = declare(bot, "Slack is away").id
    for text in ("first", "second", "third"):
        desk.update(number, actor="mei", text=f"the {text} update")
    desk.resolve(number, actor="mei", text="and it is over")
    wait_until("a failed attempt", lambda: _count_calls(bot) or None, WAIT_S)
    bot.workspace.set_outage(False)
    room = bot.room(number)
    bot.settle()
    said = [text for text in bot.texts(room) if "Update by" in text or "Resolved:" in text]
    assert [text.split(": ", 1)[1] for text in said] == [
        "the first update", "the second update", "the third update", f"#{number} Slack is away",
    ]  # fmt: skip
    assert len([text for text in bot.texts(find_channel(bot.workspace, LOBBY)) if "Slack is away" in text]) == 1
    assert bot.services.engine.troubles() == []


def _count_calls(bot: Bot) -> int:
    with bot.services.database.read() as session:
        incidents = sa.select(sa.func.max(Incident.id))
        number = session.scalar(incidents)
        pending = bot.services.engine._client.list_workflows(workflow_id_prefix=f"room-{number}-1")
    return len(pending)


def test_a_lost_answer_makes_no_second_message(bot: Bot) -> None:
    incident = declare(bot, "Lost answers")
    room = bot.room(incident.id)
    bot.settle()
    bot.workspace.faults.lose_answer["chat.postMessage"] = 1
    bot.services.desk.update(incident.id, actor="mei", text="said once")
    bot.settle()
    assert len([text for text in bot.texts(room) if "said once" in text]) == 1


def test_a_foreign_channel_of_that_name_makes_it_take_another(bot: Bot, mei: Human) -> None:
    with bot.services.database.read() as session:
        number = (session.scalar(sa.select(sa.func.max(Incident.id))) or 0) + 1
    for name in (f"inc-{number}-taken", f"inc-{number}-taken-2"):
        mei._post("channel", name=name)
    incident = declare(bot, "Taken")
    assert incident.id == number
    assert bot.workspace.state.channels[bot.room(number)].name == f"inc-{number}-taken-3"


def test_where_no_channel_may_be_made_the_incidents_channel_serves(bot: Bot) -> None:
    bot.workspace.faults.fail_with["conversations.create"] = "restricted_action"
    number = declare(bot, "No room for us").id
    bot.room(number)
    bot.services.desk.update(number, actor="mei", text="said in the lobby")
    bot.settle()
    lobby = find_channel(bot.workspace, LOBBY)
    assert any("said in the lobby" in text for text in bot.texts(lobby))
    assert any("restricted_action" in entry.text for entry in bot.services.desk.timeline(number))
    assert bot.services.desk.find(number).channel_name is None
    bot.services.desk.resolve(number, actor="mei")
    wait_until("post-mortem", lambda: _has_file(bot, lobby, f"postmortem-incident-{number}-"), WAIT_S)


def _has_file(bot: Bot, channel: str, prefix: str) -> bool | None:
    messages = list(bot.workspace.state.channels[channel].messages.values())
    return any(file["name"].startswith(prefix) for one in messages for file in one.get("files", [])) or None


def test_who_cannot_be_invited_is_named_and_the_others_come(bot: Bot) -> None:
    """A batch of invitations is all or nothing: then each is invited alone."""
    users = bot.workspace.state.users
    gone = users.pop("U0JONAS")
    try:
        forget_users(bot)
        number = declare(bot, "Jonas has left").id
        room = bot.room(number)
        bot.settle()
    finally:
        users["U0JONAS"] = gone
    assert {"U0AMARA", "U0DIEGO", "U0MEI", "U0PRIYA"} <= set(bot.workspace.state.channels[room].members)
    assert "Could not be invited: Jonas Weber" in [entry.text for entry in bot.services.desk.timeline(number)]


def test_invitations_refused_as_a_whole_open_the_room_all_the_same(bot: Bot) -> None:
    bot.workspace.faults.fail_with["conversations.invite"] = "cant_invite"
    number = declare(bot, "Nobody may come").id
    room = bot.room(number)
    bot.settle()
    assert any(entry.text.startswith("Could not be invited: ") for entry in bot.services.desk.timeline(number))
    assert any("Nobody may come" in text for text in bot.texts(room))


def test_many_changes_become_few_updates_and_the_last_is_shown(bot: Bot) -> None:
    number = declare(bot, "Busy").id
    room = bot.room(number)
    bot.settle()
    before = len(bot.workspace.recorder.of("chat.update"))
    for count in range(20):
        status = ("identified", "monitoring")[count % 2]
        bot.services.desk.set_status(number, actor="mei", status=status, reason="to and fro")
    bot.settle()
    updates = len(bot.workspace.recorder.of("chat.update")) - before
    channel = bot.workspace.state.channels[room]
    assert "Monitoring" in show(channel.messages[next(iter(channel.pins))])
    assert updates <= 12, "twenty changes of two messages"


def test_a_message_that_slack_refuses_is_on_the_timeline(bot: Bot) -> None:
    incident = declare(bot, "Refused")
    bot.room(incident.id)
    bot.settle()
    bot.workspace.faults.fail_with["chat.postMessage"] = "is_archived"
    bot.services.desk.update(incident.id, actor="mei", text="nobody hears")
    bot.settle()
    failed = [entry.text for entry in bot.services.desk.timeline(incident.id) if entry.kind == "delivery.failed"]
    assert len([one for one in failed if "incident_update" in one]) == 1, "the draft for the public is refused as well"
    assert all("is_archived" in one for one in failed)
    with bot.services.database.read() as session:
        assert session.scalars(sa.select(Delivery.state).order_by(Delivery.id.desc()).limit(1)).one() == "failed"


def test_whom_slack_does_not_reach_is_named_in_the_room(bot: Bot) -> None:
    incident = declare(bot, "Amara has left")
    room = bot.room(incident.id)
    bot.settle()
    users = bot.workspace.state.users
    gone = users.pop("U0AMARA")
    try:
        forget_users(bot)
        bot.services.desk.tasks.add(incident.id, actor="mei", title="Call the vendor", owner="amara")
        words = "Could not deliver “task_given” to amara: Slack knows nobody by the address of amara"
        wait_until("the words", lambda: any(words in text for text in bot.texts(room)) or None, WAIT_S)
        bot.settle()
    finally:
        users["U0AMARA"] = gone
    assert len([text for text in bot.texts(room) if words in text]) == 1


def test_a_room_that_was_archived_by_hand_is_taken_back(bot: Bot) -> None:
    incident = declare(bot, "Tidied up too early")
    room = bot.room(incident.id)
    bot.settle()
    bot.services.slack.conversations_archive(channel=room)
    bot.services.desk.update(incident.id, actor="mei", text="still under way")
    bot.settle()
    assert not bot.workspace.state.channels[room].is_archived
    assert len([text for text in bot.texts(room) if "still under way" in text]) == 1
    told = [entry.text for entry in bot.services.desk.timeline(incident.id)]
    assert "The channel was archived; it is back" in told
    assert not [text for text in told if text.startswith("Could not deliver")]


def test_where_only_people_can_take_it_back_what_is_said_waits_for_them(bot: Bot) -> None:
    incident = declare(bot, "Tidied up too early")
    room = bot.room(incident.id)
    bot.settle()
    bot.services.slack.conversations_archive(channel=room)
    bot.workspace.faults.fail_with["conversations.unarchive"] = "not_in_channel"
    for text in ("the first", "the second"):
        bot.services.desk.update(incident.id, actor="mei", text=text)
    asked = "Slack lets only people take it back"
    timeline = bot.services.desk.timeline
    wait_until("the request", lambda: [one for one in timeline(incident.id) if asked in one.text] or None, WAIT_S)
    bot.workspace.faults.fail_with.clear()
    bot.services.slack.conversations_unarchive(channel=room)
    bot.settle()
    said = [text.split(": ", 1)[1] for text in bot.texts(room) if "Update by" in text]
    assert said == ["the first", "the second"]
    assert len([one for one in timeline(incident.id) if asked in one.text]) == 1, "said once"


def test_asked_in_a_private_channel_the_answer_is_seen_somewhere(bot: Bot, mei: Human) -> None:
    """The bot is not in it and cannot post there: what everybody should see goes to the incidents channel."""
    made = mei._post("channel", name="secret-room", is_private=True)["channel"]["id"]
    mei.ask("diagnose database", "/dr", channel=made)
    lobby = find_channel(bot.workspace, LOBBY)
    wait_until("the findings", lambda: any("Diagnosis" in one for one in bot.texts(lobby)) or None, WAIT_S)


def test_a_message_that_somebody_deleted_comes_back_when_it_has_something_new(bot: Bot) -> None:
    incident = declare(bot)
    room = bot.room(incident.id)
    bot.settle()
    channel = bot.workspace.state.channels[room]
    (pinned,) = channel.pins
    channel.messages.pop(pinned)
    channel.pins.clear()
    bot.services.desk.update(incident.id, actor="mei", text="half of them are back")
    wait_until("the summary", lambda: channel.pins or None, WAIT_S)
    bot.settle()
    (again,) = channel.pins
    assert again != pinned
    assert "half of them are back" in str(channel.messages[again]["blocks"])


def take_out(bot: Bot, room: str) -> None:
    """Somebody removes the bot from a channel."""
    del bot.workspace.state.channels[room].members[bot.workspace.installed.bot_user_id]


def test_taken_out_of_a_public_room_it_joins_again_before_it_is_needed(bot: Bot) -> None:
    incident = declare(bot, "Who removed the bot")
    room = bot.room(incident.id)
    bot.settle()
    take_out(bot, room)
    bot.services.desk.details.change(incident.id, actor="amara", wanted=Wanted(title="Renamed meanwhile"))
    channel = bot.workspace.state.channels[room]
    wait_until("the name", lambda: channel.name.endswith("renamed-meanwhile") or None, WAIT_S)
    take_out(bot, room)
    bot.services.desk.resolve(incident.id, actor="amara")
    wait_until("post-mortem", lambda: _has_file(bot, room, f"postmortem-incident-{incident.id}-"), WAIT_S)
    bot.settle()
    told = [entry.text for entry in bot.services.desk.timeline(incident.id)]
    assert told.count("Holdfast was taken out of the channel; it has joined it again") == 2
    assert not [text for text in told if "Could not" in text or "keeps its name" in text]


def test_taken_out_of_a_private_room_its_members_are_asked_and_nothing_is_lost(bot: Bot, mei: Human) -> None:
    desk = bot.services.desk
    incident = desk.declare(actor="mei", severity="P1", title="Who removed the bot", confirmed=True, private=True)
    room = bot.room(incident.id)
    bot.settle()
    take_out(bot, room)
    for text in ("the first", "the second"):
        desk.update(incident.id, actor="mei", text=text)
    desk.severities.change(incident.id, actor="mei", severity="P2", reason="one gate only")
    found = wait_until("a question", lambda: find_direct(bot, mei, "/invite @holdfast"), WAIT_S)
    assert len(found) == 1
    assert f"not in #inc-{incident.id} any more and cannot come back by itself" in found[0]
    bot.workspace.state.channels[room].members[bot.workspace.installed.bot_user_id] = None
    bot.settle()
    said = [text.split(": ", 1)[1] for text in bot.texts(room) if "Update by" in text]
    assert said == ["the first", "the second"]
    channel = bot.workspace.state.channels[room]
    wait_until("the topic", lambda: channel.topic.value == "P2 · Who removed the bot" or None, WAIT_S)
    assert bot.services.engine.troubles() == []


def find_direct(bot: Bot, person: Human, words: str) -> list[str] | None:
    """What the bot told a person directly, where these words are in it; None while there is nothing such."""
    found = bot.workspace.state.direct_message(bot.workspace.installed.bot_user_id, person.user_id)
    return [one["text"] for one in list(found.messages.values()) if words in one["text"]] or None if found else None


def test_reopened_after_the_archive_it_waits_for_people_as_at_slack(bot: Bot) -> None:
    """Slack takes an app out of what is archived, and then lets it neither back in nor take it out of the archive."""
    incident = declare(bot, "Over too early")
    room = bot.room(incident.id)
    bot.services.desk.resolve(incident.id, actor="amara")
    bot.settle()
    channel, lobby = bot.workspace.state.channels[room], find_channel(bot.workspace, LOBBY)
    bot.services.slack.conversations_archive(channel=room)
    take_out(bot, room)
    bot.services.desk.reopen(incident.id, actor="amara", reason="they vanish again")
    asked = f"#{channel.name} was archived, and Slack lets only people take it back"
    wait_until("the question", lambda: any(asked in text for text in bot.texts(lobby)) or None, WAIT_S)
    channel.is_archived = False  # somebody does, and does not think of the bot
    bot.settle()
    wait_until("the pin", lambda: channel.pins or None, WAIT_S)
    assert len([text for text in bot.texts(room) if "Reopened: they vanish again" in text]) == 1
    assert len([text for text in bot.texts(lobby) if asked in text]) == 1
    assert bot.services.engine.troubles() == []
