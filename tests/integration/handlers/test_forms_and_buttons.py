"""Modals, buttons and the home tab: nothing typed is lost, nobody presses what is not theirs."""

from __future__ import annotations

from typing import Any

import pytest

from bot.incidents.desk import SameAgain
from bot.sandbox.actor import ActorStuck
from bot.sandbox.actor import wait_for as wait_until
from tests.integration.handlers.rig import WAIT_S, Bot, Human, show

pytestmark = pytest.mark.parametrize("running", ["http"], indirect=True)


def open_incident(bot: Bot, title: str = "Bags are missing") -> tuple[int, str]:
    number = bot.services.desk.declare(actor="amara", severity="P1", title=title, confirmed=True).id
    room = bot.room(number)
    bot.settle()
    return number, room


def options(view: dict[str, Any], block_id: str) -> list[str]:
    block = next(one for one in view["blocks"] if one.get("block_id") == block_id)
    return [option["value"] for option in block["element"]["options"]]


@pytest.mark.parametrize("typed", ["declare", "declare P2", "declare p2", "declare nonsense"])
def test_missing_words_open_the_form(bot: Bot, mei: Human, typed: str) -> None:
    assert mei.ask(typed) == {}
    form = mei.wait_for_form("severity", "title", "category", "impact")
    assert options(form, "severity") == ["P1", "P2", "P3", "P4"]
    assert options(form, "category") == list(bot.policy.categories)
    chosen = next(one for one in form["blocks"] if one.get("block_id") == "severity")["element"].get("initial_option")
    assert (chosen or {}).get("value") == ("P2" if "2" in typed else None)


def test_a_title_without_a_severity_is_kept_for_the_form(bot: Bot, mei: Human) -> None:
    """Who is in a hurry types what is broken, and must not type it twice."""
    assert mei.ask("declare private Database is down") == {}
    form = mei.wait_for_form("severity", "title", "private")
    typed = {one["block_id"]: one["element"] for one in form["blocks"] if "element" in one}
    assert typed["title"]["initial_value"] == "Database is down"
    assert typed["private"]["initial_options"]
    mei.close_forms()
    assert "Declared" in mei.ask("declare p2: Gate 3 is slow")["text"]
    incident = bot.services.desk.list_open()[0]
    assert (incident.severity, incident.title) == ("P2", "Gate 3 is slow")


def test_the_form_declares_with_everything_that_was_typed(bot: Bot, mei: Human) -> None:
    mei.ask("declare")
    form = mei.wait_for_form("title")
    mei.submit(form, severity="P2", title="Scanner <down> & *out*", category="application", impact="Gate 3\nand 4")
    incident = bot.services.desk.list_open()[0]
    facts = (incident.severity, incident.title, incident.category, incident.impact, incident.declared_by)
    assert facts == ("P2", "Scanner <down> & *out*", "application", "Gate 3\nand 4", "mei")


def test_a_wrong_form_stays_open_with_the_error_at_its_field(bot: Bot, mei: Human) -> None:
    open_incident(bot)
    mei.ask("declare P1")
    form = mei.wait_for_form("title")
    with pytest.raises(ActorStuck, match="title"):
        mei.submit(form, severity="P1", title="\u200b \u200d", category="database", impact="typed at length")
    with pytest.raises(ActorStuck, match="less than a minute ago"):
        mei.submit(form, severity="P1", title="Bags are missing", category="database", impact="typed at length")
    assert mei.wait_for_form("title")["id"] == form["id"], "the form is still there, with what was typed"
    assert len(bot.services.desk.list_open()) == 1
    mei.submit(form, severity="P1", title="Bags are missing again", category="database", impact="")
    assert len(bot.services.desk.list_open()) == 2


def test_update_without_words_opens_its_form(bot: Bot, mei: Human) -> None:
    number, room = open_incident(bot)
    assert mei.ask("update", channel=room) == {}
    mei.submit(mei.wait_for_form("text"), text="Half of them are back")
    assert bot.services.desk.find(number).last_update == "Half of them are back"


def test_a_form_for_an_incident_resolved_meanwhile_says_so(bot: Bot, mei: Human) -> None:
    number, room = open_incident(bot)
    mei.ask("update", channel=room)
    form = mei.wait_for_form("text")
    bot.services.desk.resolve(number, actor="amara")
    with pytest.raises(ActorStuck, match="is resolved; nothing was changed"):
        mei.submit(form, text="Too late")


def test_the_buttons_of_the_summary_do_what_they_say(bot: Bot, mei: Human) -> None:
    number, room = open_incident(bot)
    mei.press(room, "incident.update")
    mei.submit(mei.wait_for_form("text"), text="By the button")
    mei.press(room, "incident.resolve")
    wait_until("resolution", lambda: bot.services.desk.find(number).resolved_at, WAIT_S)
    assert bot.services.desk.find(number).last_update == "By the button"
    actors = {entry.actor for entry in bot.services.desk.timeline(number) if entry.kind == "incident.resolved"}
    assert actors == {"mei"}


def test_a_bystander_presses_in_vain_and_is_told(bot: Bot) -> None:
    number, room = open_incident(bot)
    sam = bot.bystander
    sam._post("join", channel=room)
    sam.press(room, "incident.resolve")
    told = wait_until("refusal", lambda: sam.told(room) or None, WAIT_S)
    assert "is not among the people of the policy" in told[-1]["text"]
    assert bot.services.desk.find(number).is_open


def test_a_press_that_comes_too_late_says_so(bot: Bot, mei: Human) -> None:
    number, room = open_incident(bot)
    bot.workspace.faults.outage = True  # the summary cannot follow yet: its buttons stay
    bot.services.desk.resolve(number, actor="amara")
    bot.workspace.faults.outage = False
    mei.press(room, "incident.resolve")
    told = wait_until("refusal", lambda: mei.told(room) or None, WAIT_S)
    assert f"#{number} is resolved; nothing was changed" in told[-1]["text"].replace("\u2060", "")
    entries = [one for one in bot.services.desk.timeline(number) if one.kind == "incident.resolved"]
    assert len(entries) == 1


def test_the_home_tab_shows_what_is_open_and_declares(bot: Bot, mei: Human) -> None:
    number, _ = open_incident(bot, "Seen from home")
    mei._get("home")
    view = wait_until("home tab", lambda: _home(bot, mei, f"#{number}"), WAIT_S)
    assert "Seen from home" in show(view)
    block, button = next(
        (block, one)
        for block in view["blocks"]
        for one in block.get("elements", [])
        if one.get("action_id") == "incident.declare"
    )
    action = {
        "type": "button",
        "block_id": block["block_id"],
        "action_id": "incident.declare",
        "value": button["value"],
    }
    mei._post("action", view_id=view["id"], action=action, state={"values": {}})
    assert mei.wait_for_form("severity", "title")


def _home(bot: Bot, person: Human, text: str) -> dict[str, Any] | None:
    view = bot.workspace.state.views.get(bot.workspace.state.homes.get(person.user_id, ""))
    return view.payload if view and text in show(view.payload) else None


def test_the_twin_can_be_read_by_whoever_is_asked(bot: Bot) -> None:
    number, room = open_incident(bot, "Twice")
    with pytest.raises(SameAgain) as asked:
        bot.services.desk.declare(actor="mei", severity="P1", title="Twice")
    assert (asked.value.incident.id, asked.value.incident.channel_id) == (number, room)
