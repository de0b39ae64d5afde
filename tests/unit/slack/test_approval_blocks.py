"""Approvals as they are shown: whatever people write, Slack takes it, and the buttons are there to be pressed."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from bot.policy import Person, load_policy
from bot.slack.blocks.parts import pack
from bot.slack.blocks.plan import Seats, show_broken_glass, show_plan
from bot.slack.text import literal
from bot.slack.views.approvals import LENGTHS, break_glass_form, handover_form
from bot.store.documents import PlanDocument
from bot.store.tables import Plan
from tests.unit.slack import rows, shapes
from tests.unit.slack.test_blocks import THOROUGH, check, check_form, readable

PEOPLE = load_policy(None).people


def names() -> st.SearchStrategy[list[str]]:
    return st.lists(shapes.lines().map(literal), max_size=20)


@given(rows.plans(), names(), names(), names(), shapes.lines(), st.booleans())
@THOROUGH
def test_a_plan_with_all_that_can_be_said_about_it(
    plan: Plan, approved: list[str], waiting: list[str], others: list[str], blackout: str, glass: bool
) -> None:
    seats = Seats(
        quorum=2, approved=approved, denied=others, may_approve=waiting, lapsed=others, alone=others,
        blackout=literal(blackout), may_break_glass=glass,
    )  # fmt: skip
    blocks = pack(show_plan(plan, seats, "Mei"))
    check(blocks)
    buttons = set(re.findall(r"plan\.\w+", str(blocks)))
    assert ("plan.break_glass" in buttons) == (glass and plan.state == "pending")


@given(shapes.documents())
@THOROUGH
def test_what_stops_a_press_is_seen(document: PlanDocument) -> None:
    short = document.model_copy(update={"notes": [], "steps": [], "way_back": "x"})
    plan = rows.make_plan(short, state="pending")
    seats = Seats(quorum=2, approved=["Mei for Diego"], denied=[], may_approve=[], blackout="Sorting, until 10:00")
    shown = readable(pack(show_plan(plan, seats, "Mei")))
    assert "approved by Mei for Diego" in shown
    assert "1 more approval needed* of nobody who is left" in shown
    assert "No run may start now*: Sorting, until 10:00" in shown


@given(rows.plans(), shapes.texts(), st.none() | st.integers(1, 10**9))
@THOROUGH
def test_a_broken_glass(plan: Plan, reason: str, run_id: int | None) -> None:
    blocks = pack(show_broken_glass(plan, "Mei", reason, run_id))
    check(blocks)


@given(rows.plans(), shapes.documents(), st.integers(1, 500))
@THOROUGH
def test_the_form_of_starting_alone(plan: Plan, document: PlanDocument, shortest: int) -> None:
    check_form(break_glass_form(plan, document, shortest))


@given(st.lists(shapes.lines(200), min_size=1, max_size=120))
@THOROUGH
def test_the_form_of_handing_over(people: list[str]) -> None:
    crowd: list[Person] = [PEOPLE[0].model_copy(update={"key": f"p{n}", "name": name}) for n, name in enumerate(people)]
    check_form(handover_form(crowd, list(LENGTHS)))
