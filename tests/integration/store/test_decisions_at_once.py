"""Approving, denying, breaking the glass and handing over at the same instant, on both databases."""

from __future__ import annotations

from collections.abc import Callable

from bot.outcome import Refused
from bot.policy import load_policy
from bot.store import ledger
from bot.store.database import Database
from bot.store.tables import Plan, Run
from tests.integration.store.test_desk_at_once import PEOPLE, at_once
from tests.unit.recovery.ballot import Ballot

ROUNDS = 5


def decide_somehow(ballot: Ballot, plan: Plan, number: int) -> object:
    """Eight presses of three people, each of whom may."""
    presses: list[Callable[[], object]] = [
        lambda: ballot.approve(plan, "amara"),
        lambda: ballot.approve(plan, "mei"),
        lambda: ballot.approve(plan, "jonas"),
        lambda: ballot.break_glass(plan, "amara"),
        lambda: ballot.break_glass(plan, "mei"),
        lambda: ballot.approve(plan, "amara"),
        lambda: ballot.hand_over("jonas", "priya"),
        lambda: ballot.approve(plan, "priya"),
    ]
    return presses[number]()


def test_one_run_whoever_was_first(database: Database) -> None:
    ballot = Ballot(database, load_policy(None))
    for _ in range(ROUNDS):
        plan = ballot.ask("diego")
        came = at_once(lambda number, plan=plan: decide_somehow(ballot, plan, number))  # type: ignore[misc]
        assert sum(isinstance(one, Run) for one in came) == 1
        assert len(ballot.runs(plan)) == 1
        assert ballot.state(plan) == "approved"
    with database.snapshot() as session:
        assert ledger.verify(session)[1] == []


def test_denied_or_started_and_never_both(database: Database) -> None:
    ballot = Ballot(database, load_policy(None))
    for _ in range(ROUNDS):
        plan = ballot.ask("diego")
        came = at_once(
            lambda number, plan=plan: (
                ballot.decide(plan, "jonas", "deny")  # type: ignore[misc]
                if number % 2
                else ballot.break_glass(plan, ("amara", "mei", "diego", "jonas")[number // 2])
            )
        )
        assert sum(not isinstance(one, Refused) for one in came) == 1
        assert ballot.state(plan) == ("approved" if ballot.runs(plan) else "denied")


def test_an_approval_is_in_one_persons_hands(database: Database) -> None:
    ballot = Ballot(database, load_policy(None))
    came = at_once(lambda number: ballot.hand_over("diego", ("amara", "mei", "jonas", "priya")[number % 4]))
    assert came == [None] * PEOPLE
    assert len(ballot.handovers.list_active()) == 1
    assert len(ballot.ledger("handover.ended")) == PEOPLE - 1
