"""An incident's life in Slack: what people type and press, and what the room, its people and its summary become."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from bot.comms.invitations import Invitations
from bot.comms.notices import Notices
from bot.comms.room_keeping import RoomKeeping
from bot.sandbox.actor import wait_for as wait_until
from bot.store.tables import Incident
from tests.integration.handlers.rig import WAIT_S, Bot, Human, show

pytestmark = pytest.mark.parametrize("running", ["socket"], indirect=True)


def declare(bot: Bot, person: Human, text: str = "P1 Bags are missing") -> tuple[Incident, str]:
    """Declare by typing; the incident and its room."""
    person.ask(f"declare {text}")
    incident = bot.services.desk.list_recent(1)[0]
    room = bot.room(incident.id)
    bot.settle()
    return incident, room


def summary(bot: Bot, room: str) -> str:
    bot.settle()
    channel = bot.workspace.state.channels[room]
    return show(next(one for one in channel.messages.values() if "incident.update" in str(one.get("blocks"))))


def direct(bot: Bot, person: Human) -> str:
    """Everything that the bot told a person directly."""
    bot.settle()
    found = bot.workspace.state.direct_message(bot.workspace.installed.bot_user_id, person.user_id)
    return "\n".join(show(one) for one in found.messages.values()) if found else ""


def test_severity_changes_with_topic_people_and_words(bot: Bot, mei: Human) -> None:
    incident, room = declare(bot, mei, "P4 Scanner is slow")
    channel = bot.workspace.state.channels[room]
    assert "U0DIEGO" not in channel.members, "P4 concerns the coordinator alone"
    answer = mei.ask("severity P2 all gates are affected", channel=room)
    assert "*P2* now" in answer["text"]
    bot.settle()
    wait_until("the invitation", lambda: "U0DIEGO" in channel.members or None, WAIT_S)
    assert channel.topic.value == "P2 · Scanner is slow"
    assert any("Severity: P4 → P2: all gates are affected" in text for text in bot.texts(room))
    assert mei.ask("severity p3", channel=room) == {}
    form = mei.wait_for_form("severity", "reason")
    mei.submit(form, severity="P3", reason="only gate 3")
    assert bot.services.desk.find(incident.id).severity == "P3"


def test_a_renamed_incident_has_a_renamed_channel(bot: Bot, mei: Human) -> None:
    incident, room = declare(bot, mei)
    mei.ask("rename Scanner is broken", channel=room)
    channel = bot.workspace.state.channels[room]
    wait_until("the name", lambda: channel.name == f"inc-{incident.id}-scanner-is-broken" or None, WAIT_S)
    bot.settle()
    assert bot.services.desk.find(incident.id).channel_name == channel.name
    assert channel.topic.value == "P1 · Scanner is broken"
    assert "Scanner is broken" in summary(bot, room)


def test_a_role_comes_with_a_message_that_says_what_it_does(bot: Bot, mei: Human, amara: Human) -> None:
    _, room = declare(bot, mei)
    assert "nobody" in summary(bot, room), "the coordinator's seat is empty"
    assert "direct message" in amara.ask("role dr coordinator", channel=room)["text"]
    assert "Lead the response" in direct(bot, amara)
    assert "Diego Alvarez is" in amara.ask("role database_admin <@U0DIEGO>", channel=room)["text"]
    assert "restore it and check" in direct(bot, bot.human("diego"))
    assert "does not let Mei Tanaka" in mei.ask("role database_admin", channel=room)["text"]
    assert "Nobody is" in amara.ask("role dr_coordinator none", channel=room)["text"]
    shown = summary(bot, room)
    assert "Diego Alvarez" in shown
    assert "nobody" in shown


def test_the_details_form_changes_only_what_was_touched(bot: Bot, mei: Human, amara: Human) -> None:
    incident, room = declare(bot, mei)
    mei.press(room, "incident.details")
    form = mei.wait_for_form("title", "impact", "next_steps", "estimated_recovery", "components", "link")
    amara.ask("next the restore is running", channel=room)
    values: dict[str, Any] = {"title": "Bags are missing", "impact": "Gate 3 stands still", "next_steps": ""}
    mei.submit(form, **values, estimated_recovery="14:30 UTC", link="https://grafana.example.com/d/7")
    found = bot.services.desk.find(incident.id)
    assert (found.impact, found.estimated_recovery) == ("Gate 3 stands still", "14:30 UTC")
    assert found.next_steps == "the restore is running", "what somebody else wrote meanwhile stays"
    assert "What depends on that" in mei.ask("components database", channel=room)["text"]
    shown = summary(bot, room)
    for text in (
        "Gate 3 stands still",
        "14:30 UTC",
        "the restore is running",
        "Database (PostgreSQL)",
        "grafana",
        "RTO",
    ):
        assert text in shown or text in str(bot.workspace.state.channels[room].messages)


def test_tasks_are_typed_listed_and_pressed(bot: Bot, mei: Human) -> None:
    incident, room = declare(bot, mei)
    answer = mei.ask("task Check the backups <@U0DIEGO> in 2h", channel=room)["text"]
    assert "for Diego Alvarez, due" in answer
    assert "your zone" in answer
    mei.ask("task Call the gate", channel=room)
    listed = show(mei.ask("tasks", channel=room))
    assert "Check the backups, Diego Alvarez" in listed
    one, two = bot.services.desk.tasks.list_of(incident.id)
    assert "2 open tasks" in summary(bot, room)
    assert "Done" in mei.ask(f"task {one.id} done", channel=room)["text"]
    assert "Mei Tanaka does it" in mei.ask(f"task {two.id} take", channel=room)["text"]
    assert "Mei Tanaka gave you a task: *Check the backups*, due <!date^" in direct(bot, bot.human("diego"))
    assert "gave you a task" not in direct(bot, mei), "who takes one knows"
    assert "1 open task" in summary(bot, room)
    assert "3 servers must be restarted" in mei.ask("task 3 servers must be restarted", channel=room)["text"]


def test_the_end_and_going_on_after_it(bot: Bot, mei: Human) -> None:
    incident, room = declare(bot, mei)
    assert "is still open" in mei.ask("close", channel=room)["text"]
    mei.ask("resolve all back", channel=room)
    assert "is closed" in mei.ask("close", channel=room)["text"]
    channel = bot.workspace.state.channels[room]
    bot.settle()
    wait_until("the pin", lambda: not channel.pins or None, WAIT_S)
    assert any("Closed" in text for text in bot.texts(room))
    assert "archived 7 days after" in "\n".join(show(one) for one in channel.messages.values())
    bot.services.slack.conversations_archive(channel=room)
    bot.services.desk.reopen(incident.id, actor="mei", reason="they vanish again")
    wait_until("the channel", lambda: not channel.is_archived or None, WAIT_S)
    bot.settle()
    assert len(channel.pins) == 1
    mei.ask("resolve really", channel=room)
    bot.settle()
    ended = [text for text in bot.texts(room) if text.startswith(f"Resolved: #{incident.id}")]
    assert len(ended) == 2, "each end is said"
    drafts = [file["name"] for one in channel.messages.values() for file in one.get("files", [])]
    assert len(drafts) == len(set(drafts)) == 2, "and each has its post-mortem"


def test_the_channel_is_archived_after_some_days_of_silence(bot: Bot, mei: Human) -> None:
    incident, room = declare(bot, mei)
    mei.ask("close false alarm", channel=room)
    closed_at = bot.services.desk.find(incident.id).closed_at
    assert closed_at is not None
    mei._post("message", channel=room, text="One more thing")
    bot.settle()
    channel, after = bot.workspace.state.channels[room], bot.policy.slack.archive_after
    keep_room(bot, closed_at + after).archive(incident.id, closed_at.isoformat(), 0)
    assert not channel.is_archived, "somebody spoke there since"
    keep_room(bot, closed_at + 2 * after).archive(incident.id, "another closing", 0)
    assert not channel.is_archived
    for _ in range(2):
        keep_room(bot, closed_at + 2 * after).archive(incident.id, closed_at.isoformat(), 0)
        assert channel.is_archived
    found = [entry.text for entry in bot.services.desk.timeline(incident.id)]
    assert found.count("The channel was archived") == 1
    bot.services.desk.reopen(incident.id, actor="mei", reason="they vanish again")
    wait_until("the words", lambda: any("Reopened" in text for text in bot.texts(room)) or None, WAIT_S)
    assert not channel.is_archived
    assert bot.services.desk.find(incident.id).archived_at is None


def keep_room(bot: Bot, now: datetime) -> RoomKeeping:
    """The keeper of rooms at another time."""
    services = bot.services
    store = (services.database, services.policy)
    invitations = Invitations(*store, services.slack, services.directory, services.on_call)
    return RoomKeeping(*store, Notices(services.engine, lambda: now), services.slack, invitations)


def test_a_duplicate_leads_to_the_other(bot: Bot, mei: Human) -> None:
    target, target_room = declare(bot, mei, "P1 Bags are missing")
    duplicate, room = declare(bot, mei, "P2 No bags")
    assert "cannot be merged into itself" in mei.ask(f"merge {duplicate.id}", channel=room)["text"]
    assert mei.ask(f"merge #{target.id}", channel=room) == {}
    form = wait_until("the form", lambda: mei._top_view(()), WAIT_S)
    mei.submit(form)
    bot.settle()
    assert bot.services.desk.find(duplicate.id).merged_into_id == target.id
    assert f"<#{target_room}>" in "\n".join(show(one) for one in bot.workspace.state.channels[room].messages.values())
    assert any(f"#{duplicate.id} No bags is the same" in text for text in bot.texts(target_room))
    assert "Declared P2: No bags" in show(mei.ask("timeline", channel=target_room))
    assert f"is part of #{target.id} now" in mei.ask("update x", channel=room)["text"]


def test_search_shows_old_ones(bot: Bot, mei: Human) -> None:
    incident, room = declare(bot, mei, "P3 Quokka in the belt")
    mei.ask("resolve", channel=room)
    assert f"#{incident.id}" in show(mei.ask("search quokka"))
    assert "Nothing was found" in mei.ask("search wombat")["text"]
