"""A policy that its own people cannot satisfy is refused, with the reason."""

import copy
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.policy import Policy, load_policy
from tests.unit.policy.policy_files import list_problems, write_variation

DESTRUCTIVE = "quorum: 2\n    roles: [dr_coordinator, database_admin, devops_engineer, security_officer]"
SHIPPED = load_policy(None).model_dump()
ROLES = ["dr_coordinator", "database_admin", "devops_engineer", "security_officer", "communications_lead"]


@pytest.mark.parametrize(
    ("new", "reason"),
    [
        ("quorum: 2\n    roles: []", "approvals.destructive is refused: a quorum of 2 needs `roles`"),
        (
            "quorum: 5\n    roles: [dr_coordinator, database_admin, devops_engineer, security_officer]",
            "approvals.destructive.quorum needs 5 approvals, but only 4 listed people may approve",
        ),
        (
            "quorum: 2\n    roles: [dr_coordinator, database_admin]",
            "needs 2 approvals, but when Amara Okafor is the requester only 1 of the others may approve",
        ),
    ],
)
def test_a_quorum_out_of_reach_is_refused(tmp_path: Path, new: str, reason: str) -> None:
    (problem,) = list_problems(write_variation(tmp_path, (DESTRUCTIVE, new)))
    assert reason in problem


def test_the_requester_is_not_subtracted_where_the_rule_lets_them_approve(tmp_path: Path) -> None:
    path = write_variation(
        tmp_path,
        (
            f"{DESTRUCTIVE}\n    requester_may_approve: false",
            "quorum: 2\n    roles: [dr_coordinator, database_admin]\n    requester_may_approve: true",
        ),
    )
    assert list_problems(path) == []


def test_only_those_who_may_request_are_subtracted(tmp_path: Path) -> None:
    path = write_variation(
        tmp_path,
        ("requesters: [dr_coordinator, database_admin, devops_engineer, security_officer, communications_lead]",
         "requesters: [communications_lead]"),
        (DESTRUCTIVE, "quorum: 2\n    roles: [dr_coordinator, database_admin]"),
    )  # fmt: skip
    assert list_problems(path) == []


def test_a_role_that_nobody_holds_is_refused(tmp_path: Path) -> None:
    path = write_variation(tmp_path, ("roles: [security_officer], os_user", "roles: [], os_user"))
    problems = list_problems(path)
    assert [problem.split(": ")[1].split()[0] for problem in problems] == [
        "requesters.3",
        "approvals.high.roles.3",
        "approvals.destructive.roles.3",
    ]
    assert all('nobody in `people` holds the role "security_officer"' in problem for problem in problems)


def test_a_risk_without_a_rule_is_refused(tmp_path: Path) -> None:
    low = (
        "  low:\n    quorum: 0\n    roles: []\n    requester_may_approve: true\n    expires_after: 1 hour\n"
        "    typed_confirmation: false\n"
    )
    (problem,) = list_problems(write_variation(tmp_path, (low, "")))
    assert "approvals.low is required" in problem


@settings(max_examples=80, deadline=None)
@given(
    holders=st.lists(st.lists(st.sampled_from(ROLES), unique=True), min_size=5, max_size=5),
    requesters=st.lists(st.sampled_from(ROLES), min_size=1, unique=True),
    approvers=st.lists(st.sampled_from(ROLES), min_size=1, unique=True),
    quorum=st.integers(0, 6),
    requester_may_approve=st.booleans(),
)
def test_a_policy_that_loads_can_always_be_satisfied(
    holders: list[list[str]],
    requesters: list[str],
    approvers: list[str],
    quorum: int,
    requester_may_approve: bool,
) -> None:
    """The loader's verdict is compared with a plain search over all requesters."""
    raw = copy.deepcopy(SHIPPED)
    for person, roles in zip(raw["people"], holders, strict=True):
        person["roles"] = roles
    raw["requesters"] = requesters
    rule = raw["approvals"]["destructive"]
    rule.update(quorum=quorum, roles=approvers, requester_may_approve=requester_may_approve)
    raw["approvals"] = dict.fromkeys(raw["approvals"], rule)
    raw["break_glass"]["roles"] = approvers

    eligible = {person["key"] for person in raw["people"] if set(person["roles"]) & set(approvers)}
    asking = [person["key"] for person in raw["people"] if set(person["roles"]) & set(requesters)]
    everyone_held = {role for roles in holders for role in roles} >= {*requesters, *approvers}
    counted = [eligible if requester_may_approve else eligible - {key} for key in asking]
    satisfiable = everyone_held and all(len(people) >= quorum for people in counted)

    try:
        Policy.model_validate(raw)
    except ValidationError:
        assert not satisfiable
    else:
        assert satisfiable


LONELY = "so a single person who is left could do nothing: switch on `break_glass`"
GLASS = "  enabled: true\n  roles: [dr_coordinator, database_admin, devops_engineer, security_officer]\n"
NO_EXCEPTION = "approval_exceptions: []"


@pytest.mark.parametrize(
    ("exception", "reason"),
    [
        ("{actions: [restore_database], quorum: 5}", "approval_exceptions.0.quorum for low plans needs 5 approvals"),
        ("{risks: [high], quorum: 5}", "approval_exceptions.0.quorum for high plans needs 5 approvals, but only 4"),
        (
            "{risks: [high], people: [amara]}",
            "for high plans needs 1 approvals, but when Amara Okafor is the requester",
        ),
        ("{risks: [high], people: [amra, mei]}", '"amra" is not in `people`; did you mean "amara"?'),
        ("{risks: [high], groups: ['@dba']}", '"@dba" is not a Slack user group'),
        ("{risks: [high], groups: [dba], roles: [], quorum: 6}", "needs 6 approvals, but only 5 listed people"),
        ("{risks: [high], groups: [dba], roles: [], quorum: 5}", "only 4 of the others may approve"),
        ("{environments: [developmnt], quorum: 0}", '"developmnt" is not in `environments`'),
        ("{quorum: 1}", "says for which `risks`, `actions` or `environments` it holds"),
        ("{risks: [high]}", "states at least one key of the rule"),
        ("{risks: [high], quorrum: 1}", "approval_exceptions.0.quorrum is unknown"),
    ],
)
def test_an_exception_that_cannot_be_satisfied_is_refused(tmp_path: Path, exception: str, reason: str) -> None:
    problems = list_problems(write_variation(tmp_path, (NO_EXCEPTION, f"approval_exceptions:\n  - {exception}")))
    assert any(reason in problem for problem in problems), problems
    assert all(problem.startswith(":") for problem in problems), "each names its line"


@pytest.mark.parametrize(
    "exception",
    [
        "{risks: [high], people: [amara, priya]}",
        "{risks: [high], groups: [dba], roles: []}",
        "{actions: [restore_database], quorum: 3, risks: [destructive]}",
        "{environments: [production], typed_confirmation: true}",
    ],
)
def test_an_exception_that_can_be_satisfied_is_taken(tmp_path: Path, exception: str) -> None:
    assert list_problems(write_variation(tmp_path, (NO_EXCEPTION, f"approval_exceptions:\n  - {exception}"))) == []


def test_a_policy_under_which_a_lone_person_can_do_nothing_is_refused(tmp_path: Path) -> None:
    problems = list_problems(write_variation(tmp_path, (GLASS, GLASS.replace("true", "false"))))
    assert [problem.split()[1] for problem in problems] == ["approvals.high.quorum", "approvals.destructive.quorum"]
    assert all(LONELY in problem for problem in problems)


def test_a_risk_that_the_glass_does_not_cover_must_let_one_person_act(tmp_path: Path) -> None:
    risks = ("risks: [high, destructive]", "risks: [high]")
    (problem,) = list_problems(write_variation(tmp_path, risks))
    assert "approvals.destructive.quorum needs 2 approvals" in problem
    assert LONELY in problem
    alone = ("quorum: 2", "quorum: 1"), ("requester_may_approve: false\n    expires_after: 30", "requester_may_approve: true\n    expires_after: 30")  # fmt: skip # noqa: E501
    assert list_problems(write_variation(tmp_path, risks, *alone)) == []


def test_the_glass_must_be_in_somebodys_reach(tmp_path: Path) -> None:
    nobody = ("roles: [communications_lead]", "roles: []"), (GLASS, "  enabled: true\n  roles: [communications_lead]\n")
    problems = list_problems(write_variation(tmp_path, *nobody))
    assert any("break_glass.roles is enabled, but nobody" in problem for problem in problems)
