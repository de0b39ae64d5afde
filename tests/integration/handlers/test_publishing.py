"""The way of a draft to the public: looked at, reworded, published once by those who may; everybody else is told."""

from __future__ import annotations

import pytest

from bot.sandbox.actor import ActorStuck
from bot.sandbox.actor import wait_for as wait_until
from bot.store.tables import Bulletin
from tests.integration.handlers.rig import WAIT_S, Bot, Human, show

pytestmark = pytest.mark.parametrize("running", ["http"], indirect=True)


def open_incident(bot: Bot) -> tuple[int, str]:
    number = bot.services.desk.declare(actor="amara", severity="P1", title="db-3 is gone", confirmed=True).id
    room = bot.room(number)
    bot.settle()
    return number, room


def newest(bot: Bot, number: int) -> Bulletin:
    return [one for one in bot.services.bulletins.list_all(number) if "users" in one.audiences][-1]


def shown(bot: Bot, room: str) -> str:
    bot.settle()
    return "\n".join(show(one) for one in bot.workspace.state.channels[room].messages.values())


def test_a_draft_is_previewed_reworded_and_published_once(bot: Bot, mei: Human, amara: Human) -> None:
    number, room = open_incident(bot)
    assert "draft waits" in shown(bot, room)
    mei.press(room, "bulletin.preview")
    looked = mei.wait_for_form("title", "text", "impact", "next_steps", "estimated_recovery", "component:database")
    assert "may publish to the public" in show(looked)
    assert bot.policy.audiences["users"].title in show(looked), "whom it reaches"
    with pytest.raises(ActorStuck, match="may publish to the public"):
        mei.submit(looked, text="I may not")
    assert mei.wait_for_form("text")["id"] == looked["id"], "what was typed is still there"

    amara.press(room, "bulletin.preview")
    form = amara.wait_for_form("title")
    assert "may publish to the public" not in show(form)
    wording = {"title": "Scanning is down", "text": "We restore <it> & *more*.", "component:database": "major_outage"}
    amara.submit(form, **wording)
    told = newest(bot, number)
    assert (told.state, told.decided_by) == ("published", "amara")
    assert (told.statement.title, told.statement.text) == ("Scanning is down", "We restore <it> & *more*.")
    assert told.statement.components == {"database": "major_outage"}
    assert "published" in shown(bot, room)
    assert "Preview and publish" not in shown(bot, room)

    mei.close_forms()
    mei.ask("publish", channel=room)
    again = mei.wait_for_form("text")
    assert newest(bot, number).id != told.id, "of how things stand now"
    amara.ask("publish", channel=room)
    other = amara.wait_for_form("text")
    amara.submit(other, text="Half of it is back.")
    with pytest.raises(ActorStuck, match="published already by"):
        mei.submit(again, text="Twice")
    assert newest(bot, number).statement.text == "Half of it is back."


def test_who_may_discards_and_the_others_are_told(bot: Bot, mei: Human, amara: Human) -> None:
    number, room = open_incident(bot)
    mei.press(room, "bulletin.discard")
    told = wait_until("refusal", lambda: mei.told(room) or None, WAIT_S)
    assert "may publish to the public" in told[-1]["text"]
    amara.press(room, "bulletin.discard")
    wait_until("decision", lambda: newest(bot, number).state == "discarded" or None, WAIT_S)
    assert "Not published" in shown(bot, room)
    assert "not published" in shown(bot, room)
