"""Forms of approvals: starting a plan alone, handing one's approval over."""

from __future__ import annotations

from typing import Any

from bot.policy import Person
from bot.slack.blocks import parts
from bot.slack.blocks.plan import show_figures
from bot.slack.text import literal, strong
from bot.slack.views.forms import choice, modal, text_input
from bot.store.documents import PlanDocument
from bot.store.tables import Plan

BREAK_GLASS, HANDOVER = "approvals.break_glass", "approvals.handover"
LENGTHS = ("1 hour", "2 hours", "4 hours", "8 hours", "12 hours", "24 hours")


def break_glass_form(plan: Plan, document: PlanDocument, shortest_reason: int) -> dict[str, Any]:
    """What a person who is alone signs for."""
    target = document.confirm or document.target
    return modal(
        BREAK_GLASS,
        f"Start plan {plan.id} alone",
        [
            parts.marked(
                f":rotating_light: You start {strong(document.title)} *without anybody's approval*. Everybody on "
                "the team is told now, and the post-mortem will ask why."
            ),
            parts.fields(show_figures(document)),
            parts.marked(f":leftwards_arrow_with_hook: *Way back*  {literal(document.way_back)}"),
            text_input(
                "reason", "Why can nobody else approve?", multiline=True, max_length=500,
                hint=f"At least {shortest_reason} characters; it is kept for good.",
            ),
            text_input("typed", f"Type the name of the target: {target}", max_length=200, hint="Capitals count."),
        ],
        submit="Start it",
        metadata={"plan": plan.id, "hash": plan.hash},
    )  # fmt: skip


def handover_form(people: list[Person], lengths: list[str]) -> dict[str, Any]:
    """Who may approve in one's place, and for how long."""
    return modal(
        HANDOVER,
        "Hand over approval",
        [
            parts.marked(
                "They may approve plans for you until then. You still may, too; together you count once. "
                "`/dr handover @person off` takes it back."
            ),
            choice("holder", "Who?", [(person.key, person.name) for person in people]),
            choice("lasting", "For how long?", [(length, length) for length in lengths], initial=lengths[0]),
            text_input("reason", "Why?", optional=True, max_length=300),
        ],
        submit="Hand over",
    )
