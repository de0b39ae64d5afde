"""Approving in Slack: starting alone, handing over, reminders; what everybody sees of it on a phone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.recovery.rules import NUDGE
from bot.sandbox.actor import ActorStuck
from bot.sandbox.actor import wait_for as wait_until
from bot.slack.text import unescape
from bot.store.tables import Plan
from tests.integration.handlers.rig import WAIT_S, Bot, Human, find_channel, show
from tests.unit.recovery.ballot import REASON, TARGET, make_document

pytestmark = pytest.mark.parametrize("running", ["http"], indirect=True)
LOBBY = "traitortrack-incidents"


def propose(bot: Bot, requester: str = "diego") -> Plan:
    """A plan that waits in the incidents channel, with nothing behind it."""
    person = bot.policy.person(requester)
    assert person is not None
    with bot.services.database.write() as session:
        plan = bot.services.plans.propose(session, person, make_document(), place=f"channel:{LOBBY}", incident_id=None)
    bot.settle()
    return plan


def message_of(bot: Bot, plan: Plan) -> str:
    """The plan's message in the incidents channel, as it is read now."""
    messages = bot.workspace.state.channels[find_channel(bot.workspace, LOBBY)].messages.values()
    return unescape(show(next(one for one in messages if str(one["text"]).startswith(f"Plan {plan.id},"))))


def direct(bot: Bot, key: str) -> list[str]:
    """What the bot told this person alone, oldest first."""
    user, app = f"U0{key.upper()}", bot.workspace.installed.bot_user_id
    rooms = [one for one in bot.workspace.state.channels.values() if one.is_im and {user, app} <= set(one.members)]
    return [show(message) for room in rooms for message in room.messages.values()]


def end(bot: Bot, plan: Plan) -> None:
    """Nothing of this plan is left for the next test."""
    if bot.services.plans.find(plan.id).state == "pending":
        bot.services.plans.expire(plan.id)
    bot.settle()


def test_starting_alone(bot: Bot, mei: Human) -> None:
    plan = propose(bot)
    mei.press(mei.lobby, "plan.break_glass")
    form = mei.wait_for_form("reason", "typed")
    with pytest.raises(ActorStuck, match="too short"):
        mei.submit(form, reason="because", typed=TARGET)
    with pytest.raises(ActorStuck, match="not the name of the target"):
        mei.submit(form, reason=REASON, typed="other")
    assert bot.services.plans.find(plan.id).state == "pending"
    mei.submit(form, reason=REASON, typed=TARGET)
    assert bot.services.plans.find(plan.id).state == "approved"
    bot.settle()
    assert f"started alone* by Mei Tanaka: “{REASON}”" in message_of(bot, plan)
    (told,) = [text for text in bot.texts(mei.lobby) if "broke the glass" in text]
    assert f"Mei Tanaka broke the glass: plan {plan.id}, Restore, was started" in told
    for key in ("amara", "diego", "jonas", "priya"):
        assert REASON in "\n".join(direct(bot, key)), key
    assert not [text for text in direct(bot, "mei") if "broke the glass" in text]


def test_who_may_not_start_alone_is_told_before_typing(bot: Bot) -> None:
    plan, priya = propose(bot), bot.human("priya")
    priya.press(priya.lobby, "plan.break_glass")
    wait_until("the reason", lambda: "may not start plans alone" in str(priya.told()[-1:]) or None, WAIT_S)
    end(bot, plan)


def test_handing_over_by_command(bot: Bot, mei: Human) -> None:
    plan, priya = propose(bot), bot.human("priya")
    assert "Priya Nair may approve for you until" in show(mei.ask("handover @priya 4h lunch", "/dr"))
    bot.settle()
    assert "Mei Tanaka (or Priya Nair for them until" in message_of(bot, plan)
    assert any("may approve plans for Mei Tanaka" in text and "lunch" in text for text in direct(bot, "priya"))
    priya.press(priya.lobby, "plan.approve")
    priya.submit(priya.wait_for_form("typed"), typed=TARGET)
    bot.settle()
    assert "approved by Priya Nair for Mei Tanaka" in message_of(bot, plan)
    shown = show(mei.ask("approvals", "/dr"))
    assert f"{plan.id}" in shown
    assert "1 of 2 approvals" in shown
    assert "may approve for Mei Tanaka until" in shown
    assert "nothing is handed over" in show(mei.ask("handover @priya off", "/dr"))
    assert "nothing is handed over now" in show(mei.ask("handover <@U0PRIYA> off", "/dr"))
    end(bot, plan)


def test_handing_over_by_form(bot: Bot, mei: Human) -> None:
    assert mei.ask("handover", "/dr") == {}
    form = mei.wait_for_form("holder", "lasting", "reason")
    mei.submit(form, holder="priya", lasting="2 hours", reason="")
    (handover,) = bot.services.handovers.list_active()
    assert (handover.giver, handover.holder, handover.until - handover.since) == ("mei", "priya", timedelta(hours=2))
    mei.ask("handover priya off", "/dr")


@pytest.mark.parametrize(("text", "why"), [
    ("handover @nobody 4h", "is nobody in the policy"), ("handover @priya", "for how long"),
    ("handover @priya 3 weeks", "for 1 day at most"), ("handover @mei 4h", "in your own hands already"),
])  # fmt: skip
def test_what_cannot_be_handed_over(bot: Bot, mei: Human, text: str, why: str) -> None:
    assert why in show(mei.ask(text, "/dr"))
    assert bot.services.handovers.list_active() == []


def test_a_reminder_reaches_those_who_can_approve_with_the_buttons(bot: Bot) -> None:
    plan, jonas = propose(bot), bot.human("jonas")
    with bot.services.database.write() as session:
        bot.services.engine.enqueue(session, NUDGE, plan.id, 1, key=f"test-nudge-{plan.id}")
    wait_until("the reminder", lambda: direct(bot, "jonas") or None, WAIT_S)
    bot.settle()
    assert f"Plan {plan.id}, Restore, waits for you" in direct(bot, "jonas")[-1]
    assert not [text for text in direct(bot, "diego") if f"Plan {plan.id}," in text], "who asked is not reminded"
    room = next(one.id for one in bot.workspace.state.channels.values() if one.is_im and jonas.user_id in one.members)
    jonas.press(room, "plan.deny")
    wait_until("the denial", lambda: bot.services.plans.find(plan.id).state == "denied" or None, WAIT_S)
