"""A machine reached in each of the three ways, all of them this one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.systems.hosts.command import Machine
from bot.systems.hosts.local import LocalMachine
from bot.systems.hosts.ssh import SshMachine
from bot.systems.hosts.ssm import SsmMachine
from tests.integration.hosts.ssh_server import SshServer, make_key, serve_ssh
from tests.integration.hosts.ssm_service import Ssm, serve_ssm


def reach(server: SshServer, private_key: str, host_key: str = "") -> SshMachine:
    return SshMachine("app 1", "127.0.0.1", server.port, "holdfast", host_key or server.known_as, private_key)


@pytest.fixture
def ssh() -> Iterator[tuple[SshServer, str]]:
    """The server, and the private key that it lets in."""
    user_key, private_key = make_key()
    with serve_ssh(SshServer(make_key()[0], user_key)) as server:
        yield server, private_key


@pytest.fixture
def ssm(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ssm]:
    with serve_ssm(Ssm()) as service:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", service.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        yield service


@pytest.fixture(params=["local", "ssh", "ssm"])
def machine(request: pytest.FixtureRequest) -> Machine:
    if request.param == "local":
        return LocalMachine("app 1")
    if request.param == "ssh":
        return reach(*request.getfixturevalue("ssh"))
    request.getfixturevalue("ssm")
    return SsmMachine("app 1", "i-0123456789abcdef0", "us-east-1", sleep=lambda seconds: None)
