"""A plan that waits reminds those who can still approve it, and nobody else, until it is decided."""

from __future__ import annotations

from bot.store.tables import Plan
from tests.unit.recovery.ballot import Ballot


def nudge(ballot: Ballot, plan: Plan) -> list[float]:
    """Do the reminders that are due next; after how long they were."""
    due = ballot.queue.take("nudge-approvers")
    for given, delay_s in due:
        ballot.clock.turn(seconds=delay_s)
        ballot.nudges.nudge(*given)
    assert all(given[0] == plan.id for given, _ in due)
    return [delay_s for _, delay_s in due]


def test_first_soon_then_again_until_it_lapses(ballot: Ballot) -> None:
    plan = ballot.ask("diego")
    waits = [nudge(ballot, plan) for _ in range(4)]
    assert waits == [[120.0], [600.0], [600.0], [600.0]]
    assert list(ballot.told("approval_nudge")) == ["nudge:1:1", "nudge:1:2", "nudge:1:3"], "30 minutes in all"
    ballot.plans.expire(plan.id)
    ballot.queue.take("deliver")
    assert (nudge(ballot, plan), nudge(ballot, plan)) == ([600.0], [])
    assert len(ballot.queue.take("deliver")) == 9, "all three, for three people, say now what became of it"


def test_only_those_whose_press_would_count(ballot: Ballot) -> None:
    plan = ballot.ask("diego")
    ballot.approve(plan, "amara")
    ballot.hand_over("jonas", "priya")
    nudge(ballot, plan)
    assert ballot.told("approval_nudge")["nudge:1:1"] == ["person:mei", "person:jonas", "person:priya"]


def test_nothing_once_it_is_decided(ballot: Ballot) -> None:
    plan = ballot.ask("diego")
    ballot.decide(plan, "mei", "deny")
    assert nudge(ballot, plan) == [120.0]
    assert ballot.told("approval_nudge") == {}
    assert nudge(ballot, plan) == []


def test_once_however_often_the_workflow_is_run(ballot: Ballot) -> None:
    plan = ballot.ask("diego")
    for _ in range(2):
        ballot.nudges.nudge(plan.id, 1)
    assert len(ballot.told("approval_nudge")) == 1
    assert len(ballot.queue.take("nudge-approvers")) == 2, "the first, and the second only once"
