"""Certificates of real servers, and names asked of the system's resolver."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.clock import utc_now
from bot.diagnostics.addresses import Address, ask_each, list_addresses
from bot.diagnostics.check import Surroundings
from bot.diagnostics.checks.network_certificate import CHECK as CERTIFICATES
from bot.diagnostics.checks.network_certificate import judge_certificate
from bot.diagnostics.checks.network_dns import CHECK as DNS
from bot.diagnostics.checks.network_dns import look_up
from bot.diagnostics.points import Point
from bot.outcome import Failed
from bot.policy import Policy, load_policy
from bot.systems.certificates import Certificate, read_certificate
from tests.unit.diagnostics.tls_server import serve_tls

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SHOP = Address("Shop", "https://shop.acme.com")


def certificate(
    days: float, *, names: tuple[str, ...] = ("shop.acme.com",), since_days: float = 30, distrust: str | None = None
) -> Certificate:
    return Certificate(NOW - timedelta(days=since_days), NOW + timedelta(days=days), names, "CN=Test", distrust)


def surroundings(url: str, backup: str = "https://backup.traitortrack.example.com") -> Surroundings:
    """With one application there, which is the primary of the DNS failover as well."""
    policy: Policy = load_policy(None)
    application = policy.applications["traitortrack"].model_copy(update={"url": url})
    dns = policy.infrastructure.dns.model_copy(update={"primary": url, "backup": backup})
    places = policy.infrastructure.model_copy(update={"dns": dns})
    policy = policy.model_copy(update={"applications": {"traitortrack": application}, "infrastructure": places})
    return Surroundings(policy, {}, utc_now, "traitortrack")


@pytest.mark.parametrize(
    ("days", "state", "words"),
    [(90, "ok", "runs out in 90 d"), (21, "ok", "21 d"), (20.9, "warning", "20 d"), (7, "warning", "7 d"),
     (6.9, "critical", "runs out in 6 d"), (0, "critical", "ran out"), (-3, "critical", "ran out 3 d ago")],
)  # fmt: skip
def test_a_certificate_is_judged_by_the_days_it_has_left(days: float, state: str, words: str) -> None:
    point = judge_certificate(SHOP, certificate(days), NOW)
    assert (point.state, words in point.words) == (state, True), point


def test_other_faults_of_a_certificate() -> None:
    assert judge_certificate(SHOP, certificate(90, since_days=-1), NOW).state == "critical"
    other = judge_certificate(SHOP, certificate(90, names=("www.acme.com",)), NOW)
    assert (other.state, "www.acme.com" in other.words) == ("critical", True)
    assert judge_certificate(SHOP, certificate(90, names=()), NOW).state == "critical"
    untrusted = judge_certificate(SHOP, certificate(90, distrust="self-signed certificate"), NOW)
    assert (untrusted.state, "self-signed" in untrusted.words) == ("warning", True)


@pytest.mark.parametrize(
    ("name", "host", "fits"),
    [("a.acme.com", "A.acme.com", True), ("*.acme.com", "a.acme.com", True), ("*.acme.com", "acme.com", False),
     ("*.acme.com", "a.b.acme.com", False), ("*.com", "acme.com", False), ("*", "acme", False),
     ("10.0.0.1", "10.0.0.1", True), ("*.0.0.1", "10.0.0.1", False), ("a.acme.com", "a.acme.com.", True),
     ("xn--bcher-kva.example", "bücher.example", True), ("acme.com", "acme.com.evil.org", False)],
)  # fmt: skip
def test_names_that_a_certificate_is_for(name: str, host: str, fits: bool) -> None:
    assert certificate(1, names=(name,)).fits(host) is fits


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_name_is_judged(name: str, host: str) -> None:
    assert certificate(1, names=(name,)).fits(host) in (True, False)


@pytest.mark.parametrize(
    ("days", "since_days", "names", "state"),
    [(-2, 30, ["localhost"], "critical"), (3, 30, ["localhost"], "critical"), (9, 30, ["localhost"], "warning"),
     (90, 30, ["localhost"], "ok"), (90, 30, ["other.acme.com"], "critical"), (90, -1, ["localhost"], "critical")],
)  # fmt: skip
def test_certificates_of_a_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: float, since_days: float, names: list[str], state: str
) -> None:
    """Each can be read, also where no browser would let anybody in; its issuer is trusted here."""
    with serve_tls(tmp_path, names, days=days, since_days=since_days) as server:
        monkeypatch.setenv("SSL_CERT_FILE", str(server.file))
        found = CERTIFICATES.run(surroundings(f"https://localhost:{server.port}", f"https://localhost:{server.port}"))
        assert (found.state, found.evidence) == (state, []), found
        assert set(server.asked_for) == {"localhost"}


def test_an_issuer_that_nobody_trusts_is_a_warning(tmp_path: Path) -> None:
    with serve_tls(tmp_path) as server:
        found = CERTIFICATES.run(surroundings(f"https://localhost:{server.port}"))
    assert "does not trust its issuer: " in found.evidence[0]
    assert found.evidence[1].startswith("DNS backup: backup.traitortrack.example.com is a name for examples")


def test_no_https_and_no_server_are_no_alarm() -> None:
    plain = CERTIFICATES.run(surroundings("http://127.0.0.1:9", "http://127.0.0.1:8"))
    assert (plain.state, "not https" in plain.summary) == ("ok", True)
    assert CERTIFICATES.run(surroundings("https://127.0.0.1:9")).state == "unknown"


def test_a_server_that_speaks_no_tls_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            listener.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        with pytest.raises(Failed, match="shows no certificate"):
            read_certificate("127.0.0.1", listener.getsockname()[1])
        thread.join()


class Page(BaseHTTPRequestHandler):
    """Answers with the status that its path names."""

    def do_GET(self) -> None:
        self.send_response(int(self.path.strip("/") or 200))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"localhost:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("path", "state"), [("/200", "ok"), ("/301", "ok"), ("/404", "ok"), ("/503", "warning")])
def test_a_name_that_resolves_and_answers(site: str, path: str, state: str) -> None:
    [point] = look_up(Address("Shop", f"http://{site}{path}"))
    assert point.state == state
    assert "localhost is " in point.words
    assert "127.0.0.1" in point.words


@pytest.mark.parametrize(("vital", "state"), [(True, "critical"), (False, "warning")])
def test_a_name_that_does_not_resolve(vital: bool, state: str) -> None:
    [point] = look_up(Address("Shop", f"http://{'a' * 64}.acme.invalid", vital))
    assert (point.state, "does not resolve" in point.words) == (state, True)


def test_nothing_at_the_address() -> None:
    [point] = look_up(Address("Shop", "http://127.0.0.1:9"))
    assert (point.state, "does not answer" in point.words) == ("critical", True)


def test_a_certificate_that_is_refused_is_told_from_silence(tmp_path: Path) -> None:
    with serve_tls(tmp_path) as server:
        [point] = look_up(Address("Shop", f"https://localhost:{server.port}"))
    assert "its certificate is refused" in point.words


def test_the_whole_check_with_a_backup_for_examples(site: str) -> None:
    found = DNS.run(surroundings(f"http://{site}"))
    assert found.state == "unknown"
    assert "put yours into the policy" in found.summary
    assert any(f"http://{site} answers with 200" in line for line in found.evidence)


def test_each_address_is_looked_at_once_and_the_shipped_ones_are_examples() -> None:
    found = list_addresses(load_policy(None))
    assert [one.purpose for one in found] == ["TraitorTrack", "DNS backup"]
    assert all(one.is_placeholder and one.secure and one.port == 443 for one in found)


def test_an_address_that_hangs_holds_no_other_up() -> None:
    release = threading.Event()

    def judge(one: Address) -> list[Point]:
        if one.purpose == "hangs":
            release.wait(30)
        return [Point("ok", one.purpose)]

    addresses = [Address("hangs", "http://127.0.0.1:1"), Address("fine", "http://127.0.0.2:1")]
    try:
        found = list(ask_each(addresses, judge, 0.1))
    finally:
        release.set()
    assert [one.state for one in found] == ["ok", "unknown"]
