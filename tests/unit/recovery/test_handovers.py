"""One's approval in other hands: counted once, for a time, and never around the requester."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.outcome import Refused
from bot.policy import load_policy
from bot.recovery.handovers import read_length, require_person
from tests.unit.recovery.ballot import Ballot


def test_a_holder_approves_for_the_giver(ballot: Ballot) -> None:
    plan = ballot.ask("amara")
    assert "may not decide" in ballot.refused(ballot.approve, plan, "priya")
    ballot.hand_over("diego", "priya")
    assert ballot.approve(plan, "priya") is None
    assert ballot.ledger("approval.approved") == ["Priya Nair approved plan 1 for Diego Alvarez"]
    assert ballot.approve(plan, "jonas") is not None


def test_giver_and_holder_have_the_seat_once(ballot: Ballot) -> None:
    plan = ballot.ask("amara")
    ballot.hand_over("diego", "priya")
    ballot.approve(plan, "priya")
    assert "given for you already" in ballot.refused(ballot.approve, plan, "diego")
    other = ballot.ask("amara")
    ballot.approve(other, "diego")
    assert "given for you already" in ballot.refused(ballot.approve, other, "priya")
    assert ballot.state(other) == "pending"


def test_who_may_by_themselves_uses_their_own_seat(ballot: Ballot) -> None:
    """Two people who both may are two approvals, whatever one handed to the other; one person is never two."""
    plan = ballot.ask("amara")
    ballot.hand_over("diego", "mei")
    assert ballot.approve(plan, "mei") is None
    assert "decided about this plan already" in ballot.refused(ballot.approve, plan, "mei")
    assert ballot.approve(plan, "diego") is not None


@pytest.mark.parametrize(("giver", "holder", "why"), [
    ("diego", "priya", "handed their approval to you; it does not count here"),
    ("mei", "diego", "somebody else must approve it"),
])  # fmt: skip
def test_the_requester_does_not_get_around_the_rule(ballot: Ballot, giver: str, holder: str, why: str) -> None:
    plan = ballot.ask("diego")
    ballot.hand_over(giver, holder)
    assert why in ballot.refused(ballot.approve, plan, holder)
    assert ballot.state(plan) == "pending"


def test_no_chains(ballot: Ballot) -> None:
    ballot.hand_over("diego", "priya")
    assert "nothing to hand over" in ballot.refused(ballot.hand_over, "priya", "amara")


def test_it_ends_by_time_and_by_hand(ballot: Ballot) -> None:
    plan = ballot.ask("amara")
    ballot.hand_over("diego", "priya", minutes=10)
    ballot.clock.turn(minutes=10)
    assert "may not decide" in ballot.refused(ballot.approve, plan, "priya")
    ballot.hand_over("diego", "priya", hours=1)
    ballot.take_back("diego", "priya")
    assert "may not decide" in ballot.refused(ballot.approve, plan, "priya")
    assert "nothing is handed over" in ballot.refused(ballot.take_back, "diego", "priya")


def test_the_holder_can_give_it_back(ballot: Ballot) -> None:
    ballot.hand_over("diego", "priya")
    ballot.take_back("priya", "diego")
    assert ballot.handovers.list_active() == []


def test_a_new_one_takes_the_place_of_the_one_before(ballot: Ballot) -> None:
    ballot.hand_over("diego", "priya")
    ballot.hand_over("diego", "amara")
    assert [(one.giver, one.holder) for one in ballot.handovers.list_active()] == [("diego", "amara")]


@pytest.mark.parametrize("lasting", [{"hours": 24, "seconds": 1}, {"hours": 0}, {"hours": -1}])
def test_how_long_is_bounded_by_the_policy(ballot: Ballot, lasting: dict[str, float]) -> None:
    assert "for 1 day at most" in ballot.refused(ballot.hand_over, "diego", "priya", **lasting)


def test_not_to_oneself(ballot: Ballot) -> None:
    assert "in your own hands already" in ballot.refused(ballot.hand_over, "diego", "diego")


def test_everybody_is_told_and_waiting_plans_are_refreshed(ballot: Ballot) -> None:
    ballot.ask("amara")
    ballot.queue.jobs.clear()
    ballot.hand_over("diego", "priya")
    assert ballot.told("handover") == {"handover:1:given": ["channel:traitortrack-incidents", "person:priya"]}
    assert len(ballot.queue.take("deliver")) == 3, "the channel, the holder, and the plan's message"
    assert ballot.ledger("handover.given") == ["Diego Alvarez handed their approval to Priya Nair for 4 hours"]


@pytest.mark.parametrize(("text", "hours", "reason"), [
    ("4h", 4.0, ""), ("90 min lunch at 2", 1.5, "lunch at 2"), ("1 hour 30 minutes", 1.5, ""),
    ("4h 2 days off", 4.0, "2 days off"),
])  # fmt: skip
def test_lengths_as_people_type_them(text: str, hours: float, reason: str) -> None:
    assert read_length(text) == (timedelta(hours=hours), reason)


@pytest.mark.parametrize("text", ["", "soon", "four hours"])
def test_what_is_no_length(text: str) -> None:
    with pytest.raises(Refused, match="for how long"):
        read_length(text)


@pytest.mark.parametrize("name", ["@mei", "Mei", "mei.tanaka", "mei.tanaka@example.com", "Mei Tanaka"])
def test_people_as_people_name_them(name: str) -> None:
    assert require_person(load_policy(None), name).key == "mei"


def test_nobody_by_that_name() -> None:
    with pytest.raises(Refused, match="nobody in the policy"):
        require_person(load_policy(None), "@U0STRANGER")
