"""One person alone: only where the policy lets them, with a reason, and everybody is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.recovery.ballot import REASON, SHIPPED, TARGET, Ballot, make_document, make_policy, open_ballot


def test_a_lone_requester_starts_it_and_everybody_is_told(ballot: Ballot) -> None:
    plan = ballot.ask("diego")
    run = ballot.break_glass(plan, "diego")
    assert run is not None
    assert (ballot.state(plan), run.plan_id) == ("approved", plan.id)
    assert ballot.ledger("approval.break_glass") == [
        f"Diego Alvarez broke the glass and started plan 1 alone: {REASON}"
    ]
    others = ["person:amara", "person:mei", "person:jonas", "person:priya"]
    assert ballot.told("break_glass") == {"break_glass:1": ["channel:traitortrack-incidents", *others]}


@pytest.mark.parametrize(("person", "reason", "typed", "why"), [
    ("priya", REASON, TARGET, "may not start plans alone"),
    ("amara", "because", TARGET, "too short"),
    ("amara", " \u200b ", TARGET, "reason is missing"),
    ("amara", "b" + " " * 40, TARGET, "too short"),
    ("amara", REASON, "traitortruck", "not the name of the target"),
    ("amara", REASON, "", "not the name of the target"),
])  # fmt: skip
def test_what_is_refused(ballot: Ballot, person: str, reason: str, typed: str, why: str) -> None:
    plan = ballot.ask()
    assert why in ballot.refused(ballot.break_glass, plan, person, reason, typed)
    assert len(ballot.ledger("approval.refused")) == 1


def test_the_name_is_typed_even_where_approvals_need_not(ballot: Ballot) -> None:
    plan = ballot.ask(document=make_document("high", confirm=None))
    assert "not the name" in ballot.refused(ballot.break_glass, plan, "amara", REASON, "")
    assert ballot.break_glass(plan, "amara") is not None


def test_after_approving_and_waiting_in_vain(ballot: Ballot) -> None:
    plan = ballot.ask()
    assert ballot.approve(plan, "amara") is None
    assert ballot.break_glass(plan, "amara") is not None
    assert "your press changed nothing" in ballot.refused(ballot.break_glass, plan, "amara")
    assert len(ballot.runs(plan)) == 1


def test_not_of_a_plan_that_lapsed_was_denied_or_is_another(ballot: Ballot) -> None:
    plan = ballot.ask()
    plan.hash = "0" * 64
    assert "another version" in ballot.refused(ballot.break_glass, plan, "amara")
    lapsed = ballot.ask()
    ballot.clock.turn(minutes=30)
    assert "has expired" in ballot.refused(ballot.break_glass, lapsed, "amara")
    denied = ballot.ask()
    ballot.decide(denied, "mei", "deny")
    assert "is denied" in ballot.refused(ballot.break_glass, denied, "amara")


@pytest.mark.parametrize("changed", [{"risks": ["high"]}, {"roles": ["communications_lead"]}])
def test_the_policy_decides(tmp_path: Path, changed: dict[str, list[str]]) -> None:
    rule = {**SHIPPED["approvals"]["destructive"], "quorum": 1, "requester_may_approve": True}
    policy = make_policy(
        break_glass={**SHIPPED["break_glass"], **changed}, approvals={**SHIPPED["approvals"], "destructive": rule}
    )
    with open_ballot(tmp_path, policy) as ballot:
        ballot.refused(ballot.break_glass, ballot.ask(), "amara")
