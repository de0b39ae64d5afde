"""Playbooks in the policy: what is shipped, and what is refused with its line."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from bot.policy import ConditionName, PolicyError, ReferenceName, load_policy
from bot.recovery.action import Action
from bot.recovery.playbooks.check import check_playbooks, list_playbook_problems
from bot.recovery.playbooks.conditions import CONDITIONS
from bot.recovery.playbooks.references import REFERENCES
from bot.recovery.registry import all_actions
from tests.unit.policy.policy_files import find_line, list_problems, write_variation

POLICY = load_policy(None)


def test_the_documents_disasters_have_playbooks() -> None:
    assert {one.disaster for one in POLICY.playbooks.values()} == {
        "application_crash", "database_corruption", "server_failure", "region_outage",
        "security_breach",
    }  # fmt: skip
    check_playbooks(POLICY, None)


@pytest.mark.parametrize("key", POLICY.playbooks)
def test_a_shipped_playbook_ends_with_a_look(key: str) -> None:
    """By a person, or as a user: an action that touches the application has the user's way in its proof."""
    last = POLICY.playbooks[key].steps[-1]
    if last.action is not None:
        assert type(all_actions()[last.action]).application is not Action.application


def test_corruption_keeps_what_is_there_before_it_restores() -> None:
    steps = POLICY.playbooks["database_corruption"].steps
    actions = [step.action for step in steps]
    assert actions.index("back_up_database") < actions.index("restore_database")
    restore = steps[actions.index("restore_database")]
    assert (restore.references["backup"], restore.skipping) == ("newest_verified_backup", None)


def test_every_condition_and_reference_of_the_policy_can_be_asked() -> None:
    assert set(CONDITIONS) == set(get_args(ConditionName))
    assert set(REFERENCES) == set(get_args(ReferenceName))


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("disaster: server_failure", "disaster: server_failur", "did you mean"),
        ("phase: Database connection", "phase: Lunch", "is not a phase of"),
        ("        action: end_queries\n", "", "needs either `action` or `manual`"),
        ("when: long_queries", "when: rainy", "must be one of"),
        ("references: {instance: rds_read_replica}", "references: {instance: the_other}", "must be one of"),
        ("approval: whole", "approval: nobody", "must be one of"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, old: str, new: str, rule: str) -> None:
    problems = list_problems(write_variation(tmp_path, (old, new)))
    assert [problem for problem in problems if "playbooks" in problem and rule in problem]


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("action: end_queries", "action: end_querys", 'did you mean "end_queries"?'),
        ("{database: database, backup: newest_verified_backup}", "{database: database}", "needs the parameter backup"),
        (
            "{instance: rds_read_replica}",
            "{instanz: rds_read_replica}",
            "is not a parameter of",
        ),
    ],
)
def test_actions_and_parameters_that_do_not_exist(tmp_path: Path, old: str, new: str, rule: str) -> None:
    """Good by itself, yet it could never run: refused at the start of the bot, with the line."""
    path = write_variation(tmp_path, (old, new))
    assert list_problems(path) == []
    with pytest.raises(PolicyError, match="playbooks"):
        check_playbooks(load_policy(path), path)
    problems = list_playbook_problems(path)
    assert any(rule in problem for problem in problems)
    assert all(problem.startswith(f"{path}:") for problem in problems)
    if "querys" in new:
        assert problems[0].startswith(f"{path}:{find_line(path, new)}:")
