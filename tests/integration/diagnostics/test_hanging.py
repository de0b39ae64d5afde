"""Systems that take connections and never answer: the others are told, and the rest is not waited for."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from bot.clock import utc_now
from bot.diagnostics.asking import Asking
from bot.diagnostics.check import Surroundings, all_checks, choose_checks
from bot.diagnostics.sweeps import ASSESSED_WITHIN_S
from bot.policy import Host, Policy, load_policy
from bot.store.documents import Finding
from tests.integration.hosts.ssh_server import make_key

WITHIN_S = 4.0


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a listener whose backlog takes connections; nobody ever reads from them."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as server:
        yield server.getsockname()[1]


def hang_everything(port: int) -> tuple[Policy, dict[str, str]]:
    """A policy and an environment in which database, application, host and AWS are that listener."""
    policy = load_policy(None)
    address = f"http://127.0.0.1:{port}"
    application = policy.applications["traitortrack"].model_copy(update={"url": address})
    host = Host(
        title="app 1", application="traitortrack", reach="ssh", address="127.0.0.1", port=port, user="holdfast",
        host_key=f"ssh-ed25519 {make_key()[0].get_base64()}", private_key_env="HOLDFAST_SSH_KEY",
    )  # fmt: skip
    policy = policy.model_copy(update={"applications": {"traitortrack": application}, "hosts": {"app_1": host}})
    url = f"postgresql://traitortrack:x@127.0.0.1:{port}/traitortrack"
    return policy, {"PRODUCTION_DATABASE_URL": url, "HOLDFAST_SSH_KEY": make_key()[1]}


def test_what_hangs_is_not_waited_for(silent: int, monkeypatch: pytest.MonkeyPatch) -> None:
    policy, environment = hang_everything(silent)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    checks = choose_checks("all")
    place = Surroundings(policy, environment, utc_now, "traitortrack")
    batches: list[list[Finding]] = list(Asking(checks, [place], WITHIN_S).batches())
    found = {one.check: one for batch in batches for one in batch}
    assert set(found) == {check.name for check in checks}
    assert len(batches) > 1, "the first answers do not wait for the last"
    assert "ok" not in {one.state for one in found.values() if one.check.startswith(("database", "system"))}
    assert found["infrastructure_rds_instance"].signs == ["hangs"]


def test_no_check_of_the_initial_assessment_may_take_a_minute() -> None:
    slow = [one.name for one in all_checks().values() if not one.on_demand and one.timeout_s > ASSESSED_WITHIN_S]
    assert slow == []
    assert ASSESSED_WITHIN_S < 60
