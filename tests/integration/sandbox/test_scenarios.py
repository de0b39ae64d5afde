"""Each scenario breaks what it says, for real, and reset brings everything back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import requests

from bot.sandbox.children import Child, http_answers
from bot.sandbox.scenarios import ScenarioFailed, load_scenarios
from bot.sandbox.stage import Stage

from .conftest import BAGS
from .waiting import wait_for


@pytest.fixture
def reset_afterwards(stage: Stage) -> Iterator[None]:
    """Make the stage anew after the test."""
    yield
    stage.reset()


def light(stage: Stage, name: str) -> dict[str, str]:
    return next(entry for entry in stage.lights() if entry["name"] == name)


def test_every_scenario_is_complete_and_named_after_its_file() -> None:
    scenarios = load_scenarios()
    assert list(scenarios)[:3] == ["lost-bags", "dropped-table", "app-down"]
    for name, scenario in scenarios.items():
        assert scenario.pull.__module__.endswith(name.replace("-", "_"))
        assert scenario.title
        assert scenario.description.endswith(".")
    assert len({scenario.position for scenario in scenarios.values()}) == len(scenarios)


@pytest.mark.usefixtures("reset_afterwards")
def test_lost_bags_are_really_lost_with_their_scans(stage: Stage) -> None:
    said = stage.pull("lost-bags")
    with psycopg.connect(stage.application_url) as connection:
        row = connection.execute("SELECT (SELECT count(*) FROM bag), (SELECT count(*) FROM bag_scan)").fetchone()
    assert row is not None
    assert BAGS // 20 < row[0] < BAGS // 5
    assert row[1] < BAGS
    assert "deleted 900 of" in said
    assert "3,600 scans" in said
    assert light(stage, "Warehouse")["state"] == "warning"
    assert requests.get(f"{stage.warehouse_url}/health", timeout=5).ok


@pytest.mark.usefixtures("reset_afterwards")
def test_a_bad_release_is_healthy_and_its_figures_fail(stage: Stage) -> None:
    stage.pull("bad-release")
    assert http_answers(f"{stage.warehouse_url}/health")
    assert requests.get(f"{stage.warehouse_url}/api/stats", timeout=5).status_code == 500
    stage.disk.maintenance_file.touch()
    stage.reset()
    assert http_answers(f"{stage.warehouse_url}/api/stats")


@pytest.mark.usefixtures("reset_afterwards")
def test_a_dropped_table_makes_the_warehouse_unhealthy(stage: Stage) -> None:
    stage.pull("dropped-table")
    answer = requests.get(f"{stage.warehouse_url}/health", timeout=5)
    assert answer.status_code == 503
    assert 'relation "bag" does not exist' in answer.json()["reason"]
    assert light(stage, "Warehouse")["state"] == "down"
    with pytest.raises(ScenarioFailed, match="already gone"):
        stage.pull("dropped-table")


def test_the_application_stays_down_until_it_is_started(stage: Stage) -> None:
    stage.pull("app-down")
    assert not http_answers(f"{stage.warehouse_url}/health")
    assert light(stage, "Warehouse") == {
        "name": "Warehouse",
        "state": "down",
        "detail": "the application does not run",
    }
    with pytest.raises(ScenarioFailed, match="down already"):
        stage.pull("app-down")
    assert "was started" in stage.pull("app-up")
    assert http_answers(f"{stage.warehouse_url}/health")
    assert "runs already" in stage.pull("app-up")


@pytest.mark.usefixtures("reset_afterwards")
def test_a_runaway_query_blocks_writers_and_not_readers(stage: Stage) -> None:
    stage.pull("runaway-query")
    wait_for(lambda: light(stage, "Database")["state"] == "warning", "a session waiting for the lock")
    assert http_answers(f"{stage.warehouse_url}/api/stats")
    with psycopg.connect(stage.cluster.url("postgres", role="holdfast")) as connection:
        found = connection.execute(
            "SELECT pid, state, query FROM pg_stat_activity WHERE application_name = 'month_end_report.py'"
        ).fetchone()
        assert found is not None
        assert found[1] == "active"
        assert "CROSS JOIN bill" in found[2]
        connection.execute("SELECT pg_terminate_backend(%s, 5000)", (found[0],))
    wait_for(lambda: light(stage, "Database")["state"] == "ok", "writers going on")


def test_a_killed_bot_comes_back(stage: Stage, tmp_path: Path) -> None:
    with pytest.raises(ScenarioFailed, match="does not run"):
        stage.pull("bot-killed")
    bot = stage.bot = Child("bot", ["sleep", "600"], log_path=tmp_path / "bot.log", restart=True)
    bot.start()
    assert light(stage, "Bot") == {"name": "Bot", "state": "ok", "detail": "running"}
    first = bot.pid
    stage.pull("bot-killed")
    wait_for(lambda: bot.running and bot.pid != first, "the bot's second life")
    assert "started again once" in light(stage, "Bot")["detail"]
    bot.stop()
    assert light(stage, "Bot")["state"] == "down"
    stage.bot = None


@pytest.mark.usefixtures("reset_afterwards")
def test_reset_starts_over_even_from_nothing(stage: Stage) -> None:
    stage.pull("app-down")
    stage.cluster.create_database("kept_by_a_swap")
    stage.cluster.drop_database("traitortrack")
    assert light(stage, "Database")["state"] == "down"
    stage.cluster.kill()
    assert light(stage, "Database")["detail"] == "PostgreSQL does not answer"
    with pytest.raises(ScenarioFailed, match="the database refused"):
        stage.pull("lost-bags")
    stage.pull("reset")
    with psycopg.connect(stage.cluster.admin_url) as connection:
        rows = connection.execute("SELECT datname FROM pg_database WHERE NOT datistemplate ORDER BY 1").fetchall()
    assert rows == [("postgres",), ("traitortrack",)]
    assert light(stage, "Warehouse")["state"] == "ok"


def test_an_unknown_scenario_is_refused_by_name(stage: Stage) -> None:
    with pytest.raises(LookupError, match=r"no scenario 'lost-bag'; there are lost-bags"):
        stage.pull("lost-bag")
