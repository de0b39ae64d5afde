"""Exceptions, named people and Slack user groups decide who may; what cannot be known counts for nobody."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.outcome import Refused
from bot.policy import PolicyError, load_policy
from bot.recovery.rules import refuse_unknown_actions
from tests.unit.recovery.ballot import Ballot, change_rule, make_document, make_policy, open_ballot

GROUP = {"groups": ["dba-team"], "roles": ["dr_coordinator"]}


def grouped(**changed: Any) -> Any:
    return make_policy(approvals=change_rule("destructive", **{**GROUP, **changed}))


def test_a_member_of_a_group_may(tmp_path: Path) -> None:
    with open_ballot(tmp_path, grouped()) as ballot:
        ballot.groups.members["dba-team"] = {"priya"}
        plan = ballot.ask("mei")
        assert "Amara Okafor, Priya Nair, whoever is in @dba-team" in ballot.refused(ballot.approve, plan, "jonas")
        assert ballot.approve(plan, "priya", "amara") is not None


def test_an_empty_group_gives_nobody(tmp_path: Path) -> None:
    with open_ballot(tmp_path, grouped()) as ballot:
        assert "may not decide" in ballot.refused(ballot.approve, ballot.ask("mei"), "priya")


def test_while_a_group_cannot_be_looked_up_its_members_are_refused_and_others_are_not(tmp_path: Path) -> None:
    with open_ballot(tmp_path, grouped(roles=["dr_coordinator", "security_officer"])) as ballot:
        ballot.groups.members["dba-team"] = {"priya"}
        ballot.groups.down = True
        plan = ballot.ask("mei")
        assert "cannot be looked up" in ballot.refused(ballot.approve, plan, "priya")
        assert ballot.approve(plan, "amara", "jonas") is not None


def test_an_approval_that_cannot_be_checked_starts_nothing(tmp_path: Path) -> None:
    with open_ballot(tmp_path, grouped()) as ballot:
        ballot.groups.members["dba-team"] = {"priya"}
        plan = ballot.ask("mei")
        ballot.approve(plan, "priya")
        ballot.groups.down = True
        assert "cannot be looked up" in ballot.refused(ballot.approve, plan, "amara")
        ballot.groups.down = False
        assert ballot.approve(plan, "amara") is not None


def test_who_left_the_group_before_the_last_approval_does_not_count(tmp_path: Path) -> None:
    with open_ballot(tmp_path, grouped()) as ballot:
        ballot.groups.members["dba-team"] = {"priya", "jonas"}
        plan = ballot.ask("mei")
        ballot.approve(plan, "priya")
        ballot.groups.members["dba-team"] = {"jonas"}
        assert ballot.approve(plan, "amara") is None
        assert ballot.ledger("approval.lapsed") == ["The approval of plan 1 by Priya Nair does not count any more"]
        assert ballot.approve(plan, "jonas") is not None


def test_people_by_name(tmp_path: Path) -> None:
    policy = make_policy(approvals=change_rule("destructive", roles=["dr_coordinator"], people=["priya", "jonas"]))
    with open_ballot(tmp_path, policy) as ballot:
        plan = ballot.ask("diego")
        assert "may not decide" in ballot.refused(ballot.approve, plan, "mei")
        assert ballot.approve(plan, "priya", "jonas") is not None


@pytest.fixture
def excepting(tmp_path: Path) -> Any:
    database = load_policy(None).model_dump()["databases"]["traitortrack"]
    policy = make_policy(
        databases={"traitortrack": database, "staging": {**database, "environment": "development"}},
        approval_exceptions=[
            {"actions": ["restore_database"], "environments": ["development"], "risks": ["destructive"], "quorum": 1},
            {"environments": ["development"], "quorum": 0},
            {"risks": ["high"], "people": ["priya", "mei"]},
        ],
    )
    with open_ballot(tmp_path, policy) as ballot:
        yield ballot


def test_the_first_exception_that_fits_holds(excepting: Ballot) -> None:
    one = excepting.ask(document=make_document(environment="development"))
    assert excepting.approve(one, "amara") is not None
    none = excepting.ask(document=make_document(environment="development", action="prune_backups"))
    assert excepting.state(none) == "approved", "needs nobody"
    two = excepting.ask()
    assert excepting.approve(two, "amara") is None


def test_an_exception_replaces_who_may_as_a_whole(excepting: Ballot) -> None:
    plan = excepting.ask(document=make_document("high"))
    assert "may not decide" in excepting.refused(excepting.approve, plan, "amara")
    assert excepting.approve(plan, "priya") is not None


def test_an_action_that_there_is_not_is_refused_at_start() -> None:
    policy = make_policy(approval_exceptions=[{"actions": ["restore_databse"], "quorum": 2, "risks": ["high"]}])
    with pytest.raises(PolicyError, match='"restore_databse" is not a recovery action'):
        refuse_unknown_actions(policy, Path("policy.yml"), ["restore_database"])
    refuse_unknown_actions(policy, Path("policy.yml"), ["restore_databse"])


def test_a_requester_who_counts_and_has_approved_cannot_decide_twice(tmp_path: Path) -> None:
    with open_ballot(tmp_path, make_policy(approvals=change_rule("destructive", requester_may_approve=True))) as ballot:
        plan = ballot.ask("diego")
        ballot.approve(plan, "diego")
        assert "decided about this plan already" in ballot.refused(ballot.decide, plan, "diego", "deny")


def test_nobody_looks_groups_up_by_default(ballot: Ballot) -> None:
    from bot.recovery.electorate import know_no_group  # noqa: PLC0415

    with pytest.raises(Refused, match="cannot be looked up here"):
        know_no_group("dba-team")
