"""A probe reports outages as a client saw them."""

from __future__ import annotations

import http.server
import threading

import pytest

from bot.sandbox.postgres_cluster import Cluster
from bot.systems.probe import Probe, probe_database, probe_health
from tests.integration.sandbox.waiting import wait_for
from tests.integration.systems.conftest import MakePlace
from tests.integration.systems.exhibits import execute


def test_outage_is_from_the_last_good_answer_to_the_next() -> None:
    broken = threading.Event()

    def attempt() -> None:
        if broken.is_set():
            raise ConnectionError("away")

    with Probe(attempt, expected=ConnectionError, every_s=0.001) as probe:
        assert probe.wait_until_good(5)
        broken.set()
        wait_for(lambda: probe.observe().failures > 3, "failures")
        [lasting] = probe.observe().outages
        broken.clear()
        assert probe.wait_until_good(5)
        seen = probe.observe()

    [outage] = seen.outages
    assert lasting.ended_at is None
    assert outage.reason == "away"
    assert outage.ended_at is not None
    assert 0 < outage.duration_s <= seen.longest_gap_s + 0.01
    assert seen.attempts > seen.failures > 3


def test_no_outage_is_no_outage() -> None:
    with Probe(lambda: None, expected=ConnectionError, every_s=0.001) as probe:
        wait_for(lambda: probe.observe().attempts > 10, "attempts")
        seen = probe.observe()

    assert seen.outages == ()
    assert seen.failures == 0


def test_database_that_refuses_is_an_outage(make_place: MakePlace, cluster: Cluster) -> None:
    place = make_place()
    with probe_database(place.owner_url) as probe:
        assert probe.wait_until_good(10)
        execute(cluster.admin_url, f"ALTER DATABASE {place.name} ALLOW_CONNECTIONS false")
        wait_for(lambda: probe.observe().failures, "a refusal")
        execute(cluster.admin_url, f"ALTER DATABASE {place.name} ALLOW_CONNECTIONS true")
        assert probe.wait_until_good(10)
        [outage] = probe.observe().outages

    assert "not currently accepting connections" in outage.reason


def test_dropped_database_is_an_outage_without_end(cluster: Cluster) -> None:
    cluster.create_database("passing")
    with probe_database(cluster.url("passing")) as probe:
        assert probe.wait_until_good(10)
        cluster.drop_database("passing")
        wait_for(lambda: probe.observe().failures, "a refusal")
        assert not probe.wait_until_good(0.1)
        assert probe.observe().outages[-1].ended_at is None


@pytest.mark.parametrize(("status", "good"), [(200, True), (204, True), (302, False), (404, False), (503, False)])
def test_health_is_good_when_it_says_so(status: int, good: bool) -> None:
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Be silent."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with probe_health(f"http://127.0.0.1:{server.server_port}/health", every_s=0.01) as probe:
            wait_for(lambda: probe.observe().attempts, "an attempt")
            assert (probe.observe().failures == 0) is good
        server.shutdown()
