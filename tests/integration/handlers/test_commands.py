"""The slash commands of the incident desk, from a person's keyboard to what everybody sees."""

from __future__ import annotations

import pytest

from bot.recovery.registry import all_actions
from bot.sandbox.actor import wait_for as wait_until
from handlers.commands.listener import COMMANDS
from handlers.commands.subcommand import find_subcommands
from tests.integration.handlers.rig import WAIT_S, Bot, Human, show

pytestmark = pytest.mark.parametrize("running", ["socket"], indirect=True)


def declare(bot: Bot, person: Human, title: str = "Bags are missing") -> tuple[int, str]:
    """Declare by typing; number and room."""
    person.ask(f"declare P1 {title}")
    number = bot.services.desk.list_open()[0].id
    return number, bot.room(number)


def test_declaring_opens_a_room_and_tells_everybody(bot: Bot, mei: Human) -> None:
    answer = mei.ask("declare p2 Database connection failure")
    incident = bot.services.desk.list_open()[0]
    room = bot.room(incident.id)
    bot.settle()
    assert f"#{incident.id}" in answer["text"]
    assert (incident.severity, incident.title) == ("P2", "Database connection failure")
    channel = bot.workspace.state.channels[room]
    assert channel.name == f"inc-{incident.id}-database-connection-failure"
    assert {f"U0{person.key.upper()}" for person in bot.policy.people} <= set(channel.members)
    assert channel.topic.value == "P2 · Database connection failure"
    assert len(channel.pins) == 1
    summary = next(iter(channel.pins))
    assert "Investigating" in show(channel.messages[summary])
    announced = [text for text in bot.texts(mei.lobby) if f"#{incident.id} " in text]
    assert announced == [f"P2 · #{incident.id} Database connection failure"]


def test_update_status_note_and_resolve_are_shown_and_recorded(bot: Bot, mei: Human) -> None:
    number, room = declare(bot, mei)
    assert "going out" in mei.ask("update The restore is running", channel=room)["text"]
    assert "*identified*" in mei.ask("status identified", channel=room)["text"]
    assert "timeline" in mei.ask("note Started by the nightly job", channel=room)["text"]
    assert "*identified*" in mei.ask("status", channel=room)["text"]
    assert "resolved" in mei.ask("resolve All bags are back", channel=room)["text"]
    bot.settle()
    told = [entry.text for entry in bot.services.desk.timeline(number)]
    for text in (
        "Declared P1: Bags are missing", "The restore is running", "Status: investigating → identified",
        "Started by the nightly job", "Resolved: All bags are back", "Post-mortem draft written",
    ):  # fmt: skip
        assert told.count(text) == 1
    channel = bot.workspace.state.channels[room]
    summary = show(channel.messages[next(iter(channel.pins))])
    assert "All bags are back" in summary
    assert "Resolved" in summary
    said = bot.texts(room)
    assert any("The restore is running" in text for text in said)
    assert any(text.startswith(f"Resolved: #{number}") for text in said)
    assert [file["name"] for one in channel.messages.values() for file in one.get("files", [])] == [
        f"postmortem-incident-{number}-draft-{bot.services.drafts.latest(number).id}.md"  # type: ignore[union-attr]
    ]


def test_timeline_and_list_show_what_happened_in_the_readers_zone(bot: Bot, mei: Human) -> None:
    number, room = declare(bot, mei)
    timeline = mei.ask("timeline", channel=room)
    assert "Declared P1: Bags are missing" in show(timeline)
    assert '"type": "date"' in str(timeline["blocks"]).replace("'", '"')
    listed = show(mei.ask("list"))
    assert f"#{number}" in listed
    assert "Bags are missing" in listed
    mei.ask("resolve", channel=room)
    assert "No incident is open" in show(mei.ask("list"))
    assert f"#{number}" in show(mei.ask("list all"))


def test_a_role_is_taken_and_shown_in_the_summary(bot: Bot, mei: Human) -> None:
    number, room = declare(bot, mei)
    assert "*DevOps Engineer*" in mei.ask("role devops engineer", channel=room)["text"]
    bot.settle()
    channel = bot.workspace.state.channels[room]
    assert "Mei Tanaka" in show(channel.messages[next(iter(channel.pins))])
    assert "Mei Tanaka is DevOps Engineer" in [entry.text for entry in bot.services.desk.timeline(number)]
    assert "Did you mean database_admin" in mei.ask("role database admn", channel=room)["text"]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_names_every_subcommand(mei: Human, command: str) -> None:
    for word in ("help", "", "  HELP "):
        text = mei.ask(word, command)["text"]
        for subcommand in find_subcommands(COMMANDS[command]).values():
            assert f"{command} {subcommand.name}" in text
            assert subcommand.purpose in text


@pytest.mark.parametrize(
    ("command", "typed", "expected"),
    [
        ("/incident", "declair P1 x", "Did you mean declare?"),
        ("/incident", "frobnicate", "is not part of /incident: "),
        ("/dr", "restor", "Did you mean restore?"),
        ("/incident", "declare P7 Something broke", "is not a severity: P1, P2, P3, P4."),
        ("/incident", "status", "No incident is open."),
        ("/incident", "note", "No incident is open."),
        ("/incident", "resolve", "No incident is open."),
        ("/dr", "run twelve", "is not the number of the run"),
        ("/dr", "run 99999", "There is no run 99999."),
        ("/dr", "run 99999999999999999999", "is not the number of the run"),
        ("/dr", "run ١٢", "is not the number of the run"),
        ("/dr", "cancel", "The number of the run is missing"),
        ("/dr", "cancel 99999", "There is no run 99999."),
        ("/dr", "diagnose databse", "Did you mean database?"),
        ("/dr", "backup nosuch", "is not a database of the policy"),
        ("/dr", "restore nosuch", "is not a database of the policy"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said_with_what_to_do(
    bot: Bot, mei: Human, command: str, typed: str, expected: str
) -> None:
    answer = mei.ask(typed, command)
    assert answer["text"].startswith(":no_entry_sign:")
    assert expected in answer["text"].replace("\u2060", "")
    assert bot.services.desk.list_open() == []


def test_dr_lists_what_there_is(mei: Human) -> None:
    actions = str(mei.ask("actions", "/dr")["blocks"])
    assert all(name in actions for name in all_actions())
    assert "destructive, 2 approvals" in actions
    assert mei.ask("runs", "/dr")["text"]
    assert mei.ask("plans", "/dr")["text"]


def test_a_note_needs_words(bot: Bot, mei: Human) -> None:
    _, room = declare(bot, mei)
    assert "The note is missing." in mei.ask("note", channel=room)["text"]
    assert "is not a status" in mei.ask("status great", channel=room)["text"]
    assert "is investigating already" in mei.ask("status investigating", channel=room)["text"]


def test_a_resolved_incident_takes_notes_only(bot: Bot, mei: Human) -> None:
    _, room = declare(bot, mei)
    mei.ask("resolve", channel=room)
    for text in ("resolve", "update too late", "status monitoring"):
        assert "is resolved; nothing was changed" in mei.ask(text, channel=room)["text"]
    assert "On the timeline" in mei.ask("note after the fact", channel=room)["text"]


def test_a_bystander_is_refused(bot: Bot) -> None:
    for command, text in (("/incident", "declare P1 I want attention"), ("/incident", "list"), ("/dr", "runs")):
        answer = bot.bystander.ask(text, command)
        assert "Sam Lindqvist is not among the people of the policy" in answer["text"]
    assert bot.services.desk.list_open() == []


def test_which_incident_is_meant(bot: Bot, mei: Human) -> None:
    number, room = declare(bot, mei, "One thing")
    assert "One thing" in mei.ask("status")["text"], "elsewhere the only open one is meant"
    other, other_room = declare(bot, mei, "Another thing")
    assert "Several incidents are open" in mei.ask("status")["text"]
    assert f"#{number}" in mei.ask("status", channel=room)["text"]
    assert f"#{other}" in mei.ask("status", channel=other_room)["text"]


def test_a_second_identical_declaration_asks_first(bot: Bot, mei: Human, amara: Human) -> None:
    number, room = declare(bot, mei, "The same thing")
    answer = amara.ask("declare P1 The   same thing")
    assert f"<#{room}>" in answer["text"]
    assert [one.id for one in bot.services.desk.list_open()] == [number]
    amara.press(amara.lobby, "incident.again")
    bot.settle()
    assert len(bot.services.desk.list_open()) == 2
    second = bot.services.desk.list_open()[0]
    assert bot.workspace.state.channels[bot.room(second.id)].name == f"inc-{second.id}-the-same-thing"
    amara.press(amara.lobby, "incident.again")
    told = wait_until("the answer", lambda: amara.told()[-1]["text"].startswith(":no_entry") and amara.told(), WAIT_S)
    assert f"#{second.id} was declared beside #{number} already" in told[-1]["text"]
    assert len(bot.services.desk.list_open()) == 2


@pytest.mark.parametrize("sign", ["é", "🔥", '"', "\\"])
def test_a_second_identical_declaration_asks_first_whatever_its_title(bot: Bot, mei: Human, sign: str) -> None:
    mei.ask(f"declare P4 {sign * 1500}")
    assert "less than a minute ago" in mei.ask(f"declare P4 {sign * 1500}")["text"]


def test_curly_quotes_and_dashes_are_what_was_typed(bot: Bot, mei: Human) -> None:
    mei.ask("declare P3 “Bags” aren’t found — again")
    assert bot.services.desk.list_open()[0].title == '"Bags" aren\'t found -- again'


def test_words_may_be_parted_by_any_space(bot: Bot, mei: Human) -> None:
    mei.ask("declare   P3\nBags\n\nare missing")
    incident = bot.services.desk.list_open()[0]
    assert (incident.severity, incident.title) == ("P3", "Bags are missing")
    room = bot.room(incident.id)
    mei.ask("note\nfirst line\nsecond line", channel=room)
    assert "first line\nsecond line" in [one.text for one in bot.services.desk.timeline(incident.id)]


def test_deliveries_show_what_got_through_and_what_is_not_set_up(bot: Bot, mei: Human) -> None:
    _, room = declare(bot, mei)
    bot.settle()
    shown = show(mei.ask("deliveries", channel=room))
    assert "Deliveries of P1 · #" in shown
    assert "*0* wait" in shown
    assert "the incident's channel" in shown
    assert "*E-mail* is not set up" in shown
