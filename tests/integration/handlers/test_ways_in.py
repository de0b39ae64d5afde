"""Ways in besides slash commands: mentions, shortcuts, the pin reaction."""

from __future__ import annotations

import pytest

from bot.sandbox.actor import wait_for as wait_until
from bot.store.tables import LedgerEntry
from tests.integration.handlers.rig import WAIT_S, Bot, Human, show
from tests.integration.handlers.test_forms_and_buttons import open_incident
from tests.integration.handlers.test_trouble import find_direct

pytestmark = pytest.mark.parametrize("running", ["socket"], indirect=True)
PIN = "pushpin"


def entries(bot: Bot, number: int, kind: str) -> list[LedgerEntry]:
    return [one for one in bot.services.desk.timeline(number) if one.kind == kind]


def wait_for_entries(bot: Bot, number: int, kind: str, count: int = 1) -> list[LedgerEntry]:
    def look() -> list[LedgerEntry] | None:
        found = entries(bot, number, kind)
        return found if len(found) >= count else None

    found = wait_until(f"{count} of {kind}", look, WAIT_S)
    bot.settle()
    assert len(entries(bot, number, kind)) == count
    return found


def test_a_mention_in_a_thread_is_a_command_and_is_answered_there(bot: Bot, amara: Human) -> None:
    number, room = open_incident(bot)
    parent = amara.write(room, "What do we know?")
    told = amara.mention(room, "note The nightly job ran twice", thread_ts=parent)
    assert told["thread_ts"] == parent
    assert [one.text for one in wait_for_entries(bot, number, "incident.note")] == ["The nightly job ran twice"]


@pytest.mark.parametrize("typed", ["incident status identified", "/incident status identified", "status identified"])
def test_the_grammar_is_that_of_the_slash_commands(bot: Bot, amara: Human, typed: str) -> None:
    number, room = open_incident(bot)
    amara.mention(room, typed)
    assert bot.services.desk.find(number).status == "identified"


def test_who_speaks_of_the_bot_and_not_to_it_is_left_alone(bot: Bot, amara: Human) -> None:
    number, room = open_incident(bot)
    before = len(amara.told(room))
    amara.write(room, f"ask <@{bot.workspace.installed.bot_user_id}> to resolve it")
    amara.mention(room, "status")
    assert len(amara.told(room)) == before + 1, "only the second was spoken to it"
    assert bot.services.desk.find(number).is_open


def test_a_mention_by_somebody_outside_the_policy_is_refused(bot: Bot) -> None:
    number, room = open_incident(bot)
    bot.bystander._post("join", channel=room)
    told = bot.bystander.mention(room, "resolve")
    assert "not among the people of the policy" in told["text"].replace("\u2060", "")
    assert bot.services.desk.find(number).is_open


def test_a_mention_that_needs_a_form_offers_a_button_that_opens_it(bot: Bot, amara: Human) -> None:
    _, room = open_incident(bot)
    assert "form" in amara.mention(room, "declare P2")["text"]
    amara.press(room, "mention.form")
    assert amara.wait_for_form("severity", "title")


def test_unknown_words_name_the_nearest(bot: Bot, amara: Human) -> None:
    _, room = open_incident(bot)
    assert "timeline" in amara.mention(room, "timelin")["text"]


def test_the_global_shortcut_opens_the_form(bot: Bot, amara: Human) -> None:
    amara.use_shortcut("declare_incident")
    assert amara.wait_for_form("severity", "title")


def test_the_pin_reaction_adds_a_message_follows_its_edits_and_is_taken_back(
    bot: Bot, amara: Human, mei: Human
) -> None:
    number, room = open_incident(bot)
    ts = mei.write(room, "The disk of db-1 is <full> & read-only")
    amara.react(room, ts, PIN)
    pinned = wait_for_entries(bot, number, "incident.pin")[0]
    assert pinned.text == "Mei Tanaka: The disk of db-1 is <full> & read-only"
    assert pinned.actor == "amara"
    assert pinned.happened_at.timestamp() == pytest.approx(float(ts), abs=0.001)
    assert str(pinned.data["link"]).startswith("http")
    mei.edit(room, ts, "The disk of db-2 is full")
    edited = wait_for_entries(bot, number, "incident.pin_edited")[0]
    assert edited.text == "Edited: Mei Tanaka: The disk of db-2 is full"
    amara.react(room, ts, PIN, add=False)
    taken_back = wait_for_entries(bot, number, "incident.unpinned")[0]
    assert taken_back.text.startswith("Taken back: Mei Tanaka: The disk of db-2")
    amara.react(room, ts, PIN)
    wait_for_entries(bot, number, "incident.pin", 2)


def test_two_reactions_are_one_entry_and_the_last_one_removed_takes_it_back(bot: Bot, amara: Human, mei: Human) -> None:
    number, room = open_incident(bot)
    ts = mei.write(room, "Seen at gate 3")
    for person in (amara, mei):
        person.react(room, ts, PIN)
    amara.react(room, ts, "eyes")
    wait_for_entries(bot, number, "incident.pin")
    amara.react(room, ts, PIN, add=False)
    bot.settle()
    assert entries(bot, number, "incident.unpinned") == []
    mei.react(room, ts, PIN, add=False)
    wait_for_entries(bot, number, "incident.unpinned")


def test_a_pinned_message_that_is_deleted_stays_on_the_timeline_with_a_word_about_it(bot: Bot, mei: Human) -> None:
    number, room = open_incident(bot)
    ts = mei.write(room, "I dropped the table")
    mei.react(room, ts, PIN)
    wait_for_entries(bot, number, "incident.pin")
    mei.delete(room, ts)
    assert (
        wait_for_entries(bot, number, "incident.unpinned")[0].text
        == "Deleted in Slack: Mei Tanaka: I dropped the table"
    )


def test_the_reaction_of_a_bystander_pins_nothing(bot: Bot, mei: Human) -> None:
    number, room = open_incident(bot)
    bot.bystander._post("join", channel=room)
    ts = mei.write(room, "Only for the team to judge")
    bot.bystander.react(room, ts, PIN)
    mei.react(room, ts, "eyes")
    mei.mention(room, "status")
    bot.settle()
    assert entries(bot, number, "incident.pin") == []


def test_the_message_shortcut_pins_here_and_asks_elsewhere(bot: Bot, amara: Human, mei: Human) -> None:
    first, room = open_incident(bot)
    second, _ = open_incident(bot, "Another one")
    amara.use_shortcut("add_to_timeline", room, mei.write(room, "Said in the room"))
    wait_for_entries(bot, first, "incident.pin")
    ts = mei.write(mei.lobby, "Said in the lobby")
    amara.use_shortcut("add_to_timeline", mei.lobby, ts)
    amara.submit(amara.wait_for_form("incident"), incident=str(second))
    assert wait_for_entries(bot, second, "incident.pin")[0].text == "Mei Tanaka: Said in the lobby"


def test_a_message_from_a_channel_without_the_bot_is_fetched_or_its_asker_told(bot: Bot, mei: Human) -> None:
    number, _ = open_incident(bot)
    support = mei._post("channel", name=f"support-{number}")["channel"]["id"]
    mei.use_shortcut("add_to_timeline", support, mei.write(support, "Said to support"))
    assert wait_for_entries(bot, number, "incident.pin")[0].text == "Mei Tanaka: Said to support"
    assert "goes on the timeline" in mei.told(support)[-1]["text"]
    secret = mei._post("channel", name=f"secret-{number}", is_private=True)["channel"]["id"]
    mei.use_shortcut("add_to_timeline", secret, mei.write(secret, "Said in secret"))
    assert wait_until("the refusal", lambda: find_direct(bot, mei, f"Not on the timeline of P1 · #{number}"), WAIT_S)
    assert len(entries(bot, number, "incident.pin")) == 1


def test_what_monitoring_says_in_an_attachment_is_pinned_too(bot: Bot, mei: Human) -> None:
    number, room = open_incident(bot)
    said = {"title": "Disk full", "text": "db-1 has 0 bytes left", "fallback": "Disk full"}
    ts = str(bot.services.slack.chat_postMessage(channel=room, attachments=[said])["ts"])
    mei.react(room, ts, PIN)
    assert "Disk full\ndb-1 has 0 bytes left" in wait_for_entries(bot, number, "incident.pin")[0].text


def test_an_incident_is_declared_from_a_message_that_goes_on_its_timeline(bot: Bot, amara: Human, mei: Human) -> None:
    ts = mei.write(mei.lobby, "Scanners at gate 3 are <dead> & gone\nSince about ten")
    amara.use_shortcut("declare_from_message", mei.lobby, ts)
    form = amara.wait_for_form("title", "impact")
    typed = {one["block_id"]: one["element"].get("initial_value") for one in form["blocks"] if "element" in one}
    assert typed["title"] == "Scanners at gate 3 are <dead> & gone"
    assert "Since about ten" in str(typed["impact"])
    amara.submit(form, severity="P2", title=str(typed["title"]), category="infrastructure", impact="Gate 3")
    incident = bot.services.desk.list_open()[0]
    assert (incident.title, incident.severity, incident.impact) == (typed["title"], "P2", "Gate 3")
    assert "Since about ten" in wait_for_entries(bot, incident.id, "incident.pin")[0].text


def test_while_slack_is_down_a_pin_waits(bot: Bot, mei: Human) -> None:
    number, room = open_incident(bot)
    ts = mei.write(room, "Kept for later")
    bot.workspace.faults.fail_with["conversations.replies"] = "internal_error"
    mei.react(room, ts, PIN)
    mei.mention(room, "status")
    assert entries(bot, number, "incident.pin") == []
    bot.workspace.faults.fail_with.clear()
    wait_for_entries(bot, number, "incident.pin")


def test_home_shows_what_waits_for_whoever_looks(bot: Bot, mei: Human) -> None:
    open_incident(bot, "Seen from home")
    mei._get("home")

    def look() -> str | None:
        view = bot.workspace.state.views.get(bot.workspace.state.homes.get(mei.user_id, ""))
        shown = show(view.payload) if view else ""
        return shown if "Seen from home" in shown else None

    shown = wait_until("the home tab", look, WAIT_S)
    for heading in ("Waits for your approval", "Your tasks", "Readiness"):
        assert heading in shown
