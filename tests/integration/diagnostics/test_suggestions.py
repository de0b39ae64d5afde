"""What checks of a real database and a real bucket find, and which actions they lead to."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest

from bot.clock import utc_now
from bot.diagnostics.check import Surroundings
from bot.diagnostics.checks.backups_verified import CHECK as BACKUPS
from bot.diagnostics.checks.database_long_queries import CHECK as LONG_QUERIES
from bot.policy import Policy, load_policy
from bot.sandbox.stage import DATABASE
from bot.store.documents import Finding
from tests.integration.recovery.forgery import store_manifest
from tests.integration.recovery.old_backups import store_old
from tests.integration.recovery.sessions import connected, idle_in_transaction, running
from tests.stage_fixtures import SharedStage


def look(shared: SharedStage, *, limit_s: float = 300, end_s: float = 600, days_later: float = 0) -> Surroundings:
    """From some days in the future, with these limits for queries."""
    policy: Policy = load_policy(None)
    limits = {"long_query_after": timedelta(seconds=limit_s), "terminate_query_after": timedelta(seconds=end_s)}
    settings = policy.databases[DATABASE].model_copy(update=limits)
    policy = policy.model_copy(update={"databases": {DATABASE: settings}})
    os.environ.update(shared.stage.cloud.environment())
    return Surroundings(policy, shared.stage.environment(), lambda: utc_now() + timedelta(days=days_later), DATABASE)


def suggested(finding: Finding) -> list[str]:
    return [suggestion.action for suggestion in finding.suggests]


def test_no_long_query(fresh_stage: SharedStage) -> None:
    found = LONG_QUERIES.run(look(fresh_stage))
    assert (found.state, suggested(found)) == ("ok", [])


def test_long_queries_lead_to_ending_exactly_those(fresh_stage: SharedStage) -> None:
    """Reported from the first limit on, to be ended from the second; a dump never is."""
    with running(fresh_stage, "report") as report, running(fresh_stage, "pg_dump") as dump:
        session = report.wait_until_older(0.5).session
        dump.wait_until_older(0.5)
        found = LONG_QUERIES.run(look(fresh_stage, limit_s=0.4))
        assert (found.state, suggested(found)) == ("warning", [])
        assert any(f"pid {report.pid} " in line for line in found.evidence)
        found = LONG_QUERIES.run(look(fresh_stage, limit_s=0.4, end_s=0.4))
        [suggestion] = found.suggests
        assert suggestion.action == "end_queries"
        assert suggestion.parameters == {"database": DATABASE, "sessions": [session]}
        assert "geheim" not in found.model_dump_json()


def test_whoever_holds_others_up_is_found_at_once(fresh_stage: SharedStage) -> None:
    with (
        idle_in_transaction(fresh_stage, "forgotten", "LOCK TABLE bill") as forgotten,
        connected(fresh_stage, "waiting") as waiting,
    ):
        session = forgotten.wait_until_older(0).session
        waiting.ask("SELECT count(*) FROM bill")
        found = LONG_QUERIES.run(look(fresh_stage))
        assert found.state == "critical"
        assert [one.parameters["sessions"] for one in found.suggests] == [[session]]


@pytest.mark.parametrize(("days_later", "state", "leads_to"), [(0, "ok", []), (9, "warning", ["back_up_database"])])
def test_age_of_the_newest_backup(fresh_stage: SharedStage, days_later: float, state: str, leads_to: list[str]) -> None:
    found = BACKUPS.run(look(fresh_stage, days_later=days_later))
    assert (found.state, suggested(found)) == (state, leads_to)


def test_old_backups_lead_to_pruning(fresh_stage: SharedStage) -> None:
    store_old(fresh_stage, 200)
    assert suggested(BACKUPS.run(look(fresh_stage))) == [], "two stay in any case"
    store_old(fresh_stage, 10)
    assert suggested(BACKUPS.run(look(fresh_stage))) == ["prune_backups"]


def test_a_sudden_drop_in_size_is_an_alarm(fresh_stage: SharedStage) -> None:
    store_old(fresh_stage, 200)
    store_old(fresh_stage, 10)
    small = store_old(fresh_stage, -0.001, size=0.4)
    found = BACKUPS.run(look(fresh_stage))
    assert (found.state, suggested(found)) == ("critical", ["back_up_database"])
    assert small.key in found.summary


def test_no_backup_at_all(fresh_stage: SharedStage) -> None:
    fresh_stage.delete_object(fresh_stage.baseline.manifest_key)
    try:
        found = BACKUPS.run(look(fresh_stage))
    finally:
        store_manifest(fresh_stage.bucket, fresh_stage.baseline)
    assert (found.state, suggested(found)) == ("critical", ["back_up_database"])
