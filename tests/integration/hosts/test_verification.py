"""Verification against the real warehouse: all good, one thing broken at a time, and never a test bag left behind."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from pydantic import ValidationError

from bot.clock import utc_now
from bot.diagnostics.check import Surroundings, choose_checks
from bot.diagnostics.checks.verification_log import compare_logs
from bot.policy import Policy, Verification
from bot.sandbox.demo_policy import write_demo_policy
from bot.sandbox.stage import DATABASE
from bot.store.documents import Finding
from bot.systems.hosts.command import Output
from bot.systems.redaction import Redactor
from bot.systems.user_journey import Stage, walk
from tests.stage_fixtures import SharedStage

NOTHING_SECRET = Redactor({}, [])


@pytest.fixture
def policy(fresh_stage: SharedStage, tmp_path: Path) -> Policy:
    stage = fresh_stage.stage
    return write_demo_policy(
        tmp_path, stage.warehouse_url, supervisor=stage.supervisor_path, log_path=stage.warehouse_log_path
    )[1]


def verify(policy: Policy, shared: SharedStage, **environment: str) -> dict[str, Finding]:
    given = {**shared.stage.environment(), **environment}
    place = Surroundings(policy, given, utc_now, DATABASE)
    return {check.name: check.run(place) for check in choose_checks("verification")}


def count_test_bags(shared: SharedStage) -> int:
    with psycopg.connect(shared.stage.cluster.url(DATABASE)) as connection:
        row = connection.execute("SELECT count(*) FROM bag WHERE tag LIKE 'VERIFY-%'").fetchone()
    assert row
    return int(row[0])


def journey(policy: Policy, shared: SharedStage, **changed: object) -> list[Stage]:
    """The shipped steps, the one named by its title changed."""
    verification = policy.applications["traitortrack"].verification
    assert verification
    title = changed.pop("title")
    steps = [step.model_copy(update=changed) if step.title == title else step for step in verification.steps]
    return list(
        walk(shared.stage.warehouse_url, verification.model_copy(update={"steps": steps}), "testuser", "testpass")
    )


def test_all_good(policy: Policy, fresh_stage: SharedStage) -> None:
    found = verify(policy, fresh_stage)
    assert {name: one.state for name, one in found.items()} == {"verification_journey": "ok", "verification_log": "ok"}
    assert len(found["verification_journey"].evidence) == 6
    assert count_test_bags(fresh_stage) == 0


def test_a_wrong_password_is_seen_and_the_password_is_not(policy: Policy, fresh_stage: SharedStage) -> None:
    found = verify(policy, fresh_stage, TRAITORTRACK_TEST_PASSWORD="geheim-geheim")["verification_journey"]
    assert found.state == "critical"
    assert "Login: 401" in found.summary
    assert "geheim" not in str(found)


def test_without_a_test_user_it_is_unknown(policy: Policy, fresh_stage: SharedStage) -> None:
    found = verify(policy, fresh_stage, TRAITORTRACK_TEST_USER="")["verification_journey"]
    assert (found.state, "TRAITORTRACK_TEST_USER" in found.summary) == ("unknown", True)


def test_what_was_made_is_taken_away_although_a_step_fails(policy: Policy, fresh_stage: SharedStage) -> None:
    stages = journey(policy, fresh_stage, title="Search for it", contains="never there")
    assert [one.good for one in stages] == [True, True, True, True, False, True]
    stages = journey(policy, fresh_stage, title="Create a test bag", status=299)
    assert [(one.good, one.skipped) for one in stages[3:]] == [(False, False), (False, True), (True, False)]
    assert count_test_bags(fresh_stage) == 0


def test_nothing_is_taken_away_that_was_not_made(policy: Policy, fresh_stage: SharedStage) -> None:
    stages = journey(policy, fresh_stage, title="Login", status=299)
    assert [one.skipped for one in stages] == [False, False, True, True, True, True]


def test_an_application_that_is_down(policy: Policy, fresh_stage: SharedStage) -> None:
    fresh_stage.stage.warehouse.kill()
    found = verify(policy, fresh_stage)["verification_journey"]
    assert (found.state, "no answer" in found.summary) == ("critical", True)


def test_braces_that_nothing_fills_are_refused() -> None:
    with pytest.raises(ValidationError, match="is not known by then"):
        Verification.model_validate({"quiet_for": "1 minute", "steps": [{"title": "x", "path": "/api/bags/{bag}"}]})


@pytest.mark.parametrize(
    ("before", "after", "state"),
    [
        ("a\nERROR old\nb", "a\nERROR old\nb\nc", "ok"),
        ("a\nb", "a\nb\nc\nERROR new", "critical"),
        ("a\nb", "x\nERROR all is new", "critical"),
        ("ERROR x\nERROR x", "ERROR x\nERROR x\nERROR x", "critical"),
        ("", "", "ok"),
    ],
)
def test_only_new_errors_count(before: str, after: str, state: str) -> None:
    looks = Output(0, before, ""), Output(0, after, "")
    assert compare_logs("app 1", *looks, timedelta(seconds=3), NOTHING_SECRET).state == state
