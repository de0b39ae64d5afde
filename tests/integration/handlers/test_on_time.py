"""Reminders in Slack, and what to press: for the one responsible in their own conversation, for all in the channel."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from bot.comms.cadence import WORKFLOW as REMIND
from bot.comms.coordinator_seat import WORKFLOW as NAG
from bot.sandbox.actor import ActorStuck
from bot.sandbox.actor import wait_for as wait_until
from bot.store.tables import Delivery, IncidentRole, Notice, UpdateClock
from tests.integration.handlers.rig import WAIT_S, Bot, Human, show
from tests.integration.handlers.test_forms_and_buttons import open_incident

pytestmark = pytest.mark.parametrize("running", ["http"], indirect=True)


def remind(bot: Bot, number: int, audience: str = "users") -> str:
    """Let the next reminder of an audience be due now; the conversation or channel in which it is said."""
    with bot.services.database.write() as session:
        clock = session.get_one(UpdateClock, (number, audience))
        step, turn = clock.step, clock.turn
        bot.services.engine.enqueue(session, REMIND, number, audience, turn, step, key=f"now-{number}-{turn}-{step}")
    return wait_until(
        "the reminder", lambda: said_in(bot, f"update_reminder:{number}:{audience}:{turn}:{step}"), WAIT_S
    )


def said_in(bot: Bot, key: str) -> str | None:
    with bot.services.database.read() as session:
        found = sa.select(Delivery).join(Notice, Notice.id == Delivery.notice_id).where(Notice.key == key)
        delivery = session.scalar(found.where(Delivery.state == "sent"))
    return str(delivery.receipt["channel"]) if delivery else None


def entries(bot: Bot, number: int, kind: str) -> list[tuple[str, str]]:
    return [(one.actor, one.text) for one in bot.services.desk.timeline(number) if one.kind == kind]


def test_no_change_is_one_press(bot: Bot) -> None:
    number, room = open_incident(bot)
    priya = bot.human("priya")
    talk = remind(bot, number)
    shown = "\n".join(show(message) for message in priya.messages(talk))
    assert "must hear how things stand by" in shown
    assert "Users, Customers" in shown
    assert remind(bot, number) == room, "then the channel"
    priya.press(talk, "update.no_change")
    wait_until("update", lambda: entries(bot, number, "incident.update") or None, WAIT_S)
    bot.settle()
    assert entries(bot, number, "incident.update")[0][1].startswith("No change since it was declared")
    assert any(text.startswith("Update by Priya Nair: No change") for text in bot.texts(room))
    with pytest.raises(ActorStuck):
        priya.press(talk, "update.no_change", timeout_s=0.5)
    assert "Seen to" in "\n".join(show(message) for message in priya.messages(talk))
    with pytest.raises(ActorStuck):
        bot.human("amara").press(room, "update.no_change", timeout_s=0.5)


def test_a_reminder_s_button_opens_the_form_of_an_update(bot: Bot) -> None:
    number, _ = open_incident(bot)
    priya = bot.human("priya")
    priya.press(remind(bot, number), "incident.update")
    priya.submit(priya.wait_for_form("text"), text="Half of them are back")
    assert bot.services.desk.find(number).last_update == "Half of them are back"


def test_snoozing_by_the_button(bot: Bot) -> None:
    number, _ = open_incident(bot)
    priya = bot.human("priya")
    priya.press(remind(bot, number), "update.snooze")
    form = priya.wait_for_form("lasting", "reason")
    with pytest.raises(ActorStuck, match="reason"):
        priya.submit(form, lasting="30 minutes", reason="\u200b")
    priya.submit(form, lasting="30 minutes", reason="waiting for the <vendor>")
    ((actor, text),) = entries(bot, number, "incident.snoozed")
    assert actor == "priya"
    assert text.endswith(": waiting for the <vendor>")


def test_snoozing_by_words(bot: Bot, mei: Human) -> None:
    number, room = open_incident(bot)
    assert "is put off until" in mei.ask("snooze 1 hour waiting for the vendor", channel=room)["text"]
    assert [text.rsplit(": ", 1)[1] for _, text in entries(bot, number, "incident.snoozed")] == [
        "waiting for the vendor"
    ]
    assert "is not how long" in mei.ask("snooze soon", channel=room)["text"]
    assert "reason is missing" in mei.ask("snooze 30m", channel=room)["text"]
    assert "by 4 hours, here until" in mei.ask("snooze 1d the vendor", channel=room)["text"]
    assert mei.ask("snooze", channel=room) == {}
    mei.wait_for_form("lasting", "reason")


def test_who_is_on_call(bot: Bot, mei: Human) -> None:
    told = mei.ask("oncall")["text"]
    assert "*DR Coordinator*: Amara Okafor _(by the policy's rota)_" in told
    assert "*Database Admin*: Diego Alvarez _(the first who holds the role)_" in told


def test_the_empty_seat_is_taken_by_a_press(bot: Bot, amara: Human) -> None:
    number, room = open_incident(bot)
    with bot.services.database.write() as session:
        bot.services.engine.enqueue(session, NAG, number, 0, 1, key=f"nag-now-{number}")
    amara.press(room, "coordinator.take")
    with bot.services.database.read() as session:
        seat = wait_until("the seat", lambda: session.get(IncidentRole, (number, "dr_coordinator")), WAIT_S)
    assert seat.person == "amara"
    bot.settle()
    assert any("Amara Okafor is DR Coordinator" in show(one) for one in amara.messages(room))


def test_the_summary_says_when_the_next_update_is_due(bot: Bot, mei: Human) -> None:
    _, room = open_incident(bot)
    assert any("*Next update due*" in show(one) for one in mei.messages(room))
