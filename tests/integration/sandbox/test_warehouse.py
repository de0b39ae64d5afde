"""The warehouse application, through its HTTP interface, on a real PostgreSQL that goes away and comes back."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import LiteralString

import psycopg
import pytest
import requests

from bot.sandbox.children import PACKAGE_ROOT, module_environment
from bot.sandbox.postgres_cluster import Cluster
from bot.sandbox.stage import Stage
from bot.sandbox.warehouse.seed import seed

from .conftest import BAGS
from .waiting import wait_for


@pytest.fixture(autouse=True)
def _healthy(stage: Stage) -> None:
    stage.cluster.start()
    stage.start_application()


@pytest.fixture
def client(stage: Stage) -> Iterator[requests.Session]:
    with requests.Session() as session:
        form = {"username": "testuser", "password": "testpass"}
        assert session.post(f"{stage.warehouse_url}/login", data=form).status_code == 200
        yield session


def get(stage: Stage, path: str) -> requests.Response:
    return requests.get(stage.warehouse_url + path, timeout=10)


def count(stage: Stage, query: LiteralString) -> int:
    with psycopg.connect(stage.application_url) as connection:
        row = connection.execute(query).fetchone()
        assert row is not None
        return int(row[0])


def test_health_is_exactly_what_the_procedure_expects(stage: Stage) -> None:
    answer = get(stage, "/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_statistics_are_the_tables_counts(stage: Stage) -> None:
    stats = get(stage, "/api/stats").json()
    assert stats["total_bags"] >= BAGS
    assert stats["total_bills"] == BAGS // 25 + 1
    assert stats["total_users"] == 40
    assert datetime.fromisoformat(stats["last_bag"]["created_at"]).tzinfo is not None


def test_new_bags_keep_coming(stage: Stage) -> None:
    before = get(stage, "/api/stats").json()["total_bags"]
    wait_for(lambda: get(stage, "/api/stats").json()["total_bags"] >= before + 3, "three new bags")
    writer = get(stage, "/api/system_health").json()["writer"]
    assert writer["written"] >= 3
    assert writer["last_written_at"]


def test_only_the_right_password_logs_in(stage: Stage) -> None:
    for form in ({"username": "testuser", "password": "x"}, {"username": "worker2", "password": "!"}, {}):
        answer = requests.post(f"{stage.warehouse_url}/login", data=form, timeout=10)
        assert answer.status_code == 401
        assert not answer.cookies


def test_create_search_and_delete_a_bag(stage: Stage, client: requests.Session) -> None:
    url = f"{stage.warehouse_url}/api/bags"
    made = client.post(url, json={"tag": "TEST-Ünï", "destination": "Łódź", "weight_grams": 1200})
    assert made.status_code == 201
    assert client.post(url, json={"tag": "TEST-Ünï"}).status_code == 409
    found = client.get(url, params={"search": "test-ünï"}).json()["bags"]
    assert [bag["id"] for bag in found] == [made.json()["id"]]
    assert client.delete(f"{url}/{made.json()['id']}").status_code == 204
    assert client.delete(f"{url}/{made.json()['id']}").status_code == 404


@pytest.mark.parametrize("body", ['{"weight_grams": -1}', '{"weight_grams": "heavy"}', "[]", "not JSON", ""])
def test_a_senseless_bag_is_refused(stage: Stage, client: requests.Session, body: str) -> None:
    answer = client.post(f"{stage.warehouse_url}/api/bags", data=body)
    assert answer.status_code == 422
    assert answer.json()["error"]


def test_changes_need_a_login(stage: Stage) -> None:
    assert requests.post(f"{stage.warehouse_url}/api/bags", json={}, timeout=10).status_code == 401
    assert requests.delete(f"{stage.warehouse_url}/api/bags/1", timeout=10).status_code == 401


def test_terminated_connections_are_replaced_unnoticed(stage: Stage) -> None:
    for _ in range(5):
        with psycopg.connect(stage.cluster.admin_url) as connection:
            ended = connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = 'traitortrack'"
            ).fetchall()
        assert ended
        assert get(stage, "/health").json() == {"status": "ok"}
        assert get(stage, "/api/stats").status_code == 200
    assert get(stage, "/pool_dashboard").json()["replaced"] >= 5


def test_an_outage_is_told_logged_and_outlived(stage: Stage) -> None:
    stage.cluster.kill()
    answer = get(stage, "/health")
    assert answer.status_code == 503
    assert "Connection refused" in answer.json()["reason"]
    assert get(stage, "/api/stats").status_code == 503
    wait_for(lambda: "ERROR traitortrack.writer" in stage.warehouse_log_path.read_text(), "the writer's error")
    stage.cluster.start()
    assert get(stage, "/health").json() == {"status": "ok"}
    written = get(stage, "/api/system_health").json()["writer"]["written"]
    wait_for(lambda: get(stage, "/api/system_health").json()["writer"]["written"] > written, "a new bag")


def test_a_database_swapped_underneath_is_used_at_once(stage: Stage) -> None:
    stage.cluster.create_database("side")
    seed(stage.cluster.url("side"), 10)
    with psycopg.connect(stage.cluster.admin_url, autocommit=True) as connection:
        connection.execute("ALTER DATABASE traitortrack ALLOW_CONNECTIONS false")
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = 'traitortrack'"
        )
        assert get(stage, "/health").status_code == 503
        connection.execute("ALTER DATABASE traitortrack RENAME TO kept")
        connection.execute("ALTER DATABASE side RENAME TO traitortrack")
    assert get(stage, "/health").json() == {"status": "ok"}
    assert get(stage, "/api/stats").json()["total_bags"] < BAGS
    stage.reset()


def test_the_seed_is_consistent(stage: Stage) -> None:
    stage.reset()
    assert count(stage, "SELECT count(*) FROM bag WHERE id <= 1000") == BAGS
    assert count(stage, "SELECT count(*) FROM bag_scan WHERE bag_id <= 1000") == 4 * BAGS
    assert (
        count(stage, "SELECT count(*) FROM bag WHERE created_at > now() OR created_at < now() - interval '91 days'")
        == 0
    )
    assert count(stage, "SELECT count(*) FROM bag_overview WHERE bill IS NULL") == 0
    assert count(stage, "SELECT billed_weight_grams(1)::int") > 0
    assert count(stage, "SELECT count(*) FROM bag WHERE note LIKE '%✂'") == BAGS // 50
    assert count(stage, "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND convalidated") == 4


def test_seeding_the_same_twice_gives_the_same_weights() -> None:
    with Cluster() as cluster:
        sums = set()
        for name in ("one", "two"):
            cluster.create_database(name)
            seed(cluster.url(name), 500)
            with psycopg.connect(cluster.url(name)) as connection:
                sums.add(connection.execute("SELECT sum(weight_grams), count(*) FROM bag").fetchone())
        assert len(sums) == 1


def test_a_warehouse_without_bags_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one bag"):
        seed("postgresql://nowhere", 0)


def test_it_knows_nothing_of_the_bot() -> None:
    probe = "import sys, bot.sandbox.warehouse.__main__; print(*(m for m in sys.modules if m.startswith('bot.')))"
    done = subprocess.run([sys.executable, "-c", probe], cwd=PACKAGE_ROOT, capture_output=True, text=True, check=True)
    strangers = [name for name in done.stdout.split() if not name.startswith("bot.sandbox.warehouse")]
    assert strangers == ["bot.sandbox"]


def test_without_a_database_url_it_says_what_is_missing() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bot.sandbox.warehouse"],
        env=module_environment({}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "PRODUCTION_DATABASE_URL is not set" in done.stderr
