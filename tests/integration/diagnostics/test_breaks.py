"""The sandbox broken in many ways: each time a finding names what it is, and no other leads astray."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bot.clock import utc_now
from bot.diagnostics.asking import ask_all
from bot.diagnostics.causes import guess_cause
from bot.diagnostics.check import Surroundings, all_checks
from bot.diagnostics.usual import Normal
from bot.policy import Policy
from bot.sandbox.demo_policy import write_demo_policy
from bot.sandbox.stage import DATABASE
from bot.store.documents import Finding
from tests.integration.diagnostics.breaks import BREAKS, Break, find
from tests.stage_fixtures import SharedStage

LEFT_OUT = ("database_activity", "database_log_archive", "backups_second_region")
"""Those that watch for a while, or look at an archive or a region that this stage does not have."""
SLOW = {"application slow", "database slow"}
"""What a machine that is busy with other tests is."""
SCOPES = ("database", "application", "backups")


@pytest.fixture
def policy(fresh_stage: SharedStage, tmp_path: Path) -> Policy:
    stage = fresh_stage.stage
    stage.warehouse_log_path.write_text("INFO web: at work\n")  # without what earlier tests broke
    return write_demo_policy(
        tmp_path, stage.warehouse_url, supervisor=stage.supervisor_path, log_path=stage.warehouse_log_path
    )[1]


def diagnose(policy: Policy, shared: SharedStage) -> dict[str, Finding]:
    os.environ.update(shared.stage.cloud.environment())
    checks = [
        check
        for check in all_checks().values()
        if check.scope in SCOPES and not check.on_demand and check.name not in LEFT_OUT
    ]
    place = Surroundings(policy, shared.stage.environment(), utc_now, DATABASE)
    return {finding.check: Normal([]).tell(finding) for finding in ask_all(checks, [place])}


def test_a_healthy_stage_is_healthy(policy: Policy, fresh_stage: SharedStage) -> None:
    found = diagnose(policy, fresh_stage)
    bad = {name: one.summary for name, one in found.items() if one.state != "ok" and not set(one.signs) & SLOW}
    assert bad == {}


@pytest.mark.parametrize("broken", BREAKS, ids=[one.name for one in BREAKS])
def test_what_is_broken_is_named(broken: Break, policy: Policy, fresh_stage: SharedStage) -> None:
    with broken.do(fresh_stage):
        found = diagnose(policy, fresh_stage)
    finding = found[broken.check]
    assert (finding.state, find(broken.words, finding.summary)) == (broken.state, True), finding.summary
    assert finding.normal or not finding.signs
    if broken.leads_to:
        assert broken.leads_to in [one.action for one in finding.suggests]
    bad = {
        name: one.summary
        for name, one in found.items()
        if one.state in ("critical", "warning") and not set(one.signs) & SLOW
    }
    guess = guess_cause(list(found.values()))
    assert guess
    assert broken.cause in guess.words, guess.words
    assert set(bad) - {broken.check, *broken.also} == set(), bad
