"""`holdfast demo`: what cannot be meant is said before anything is started."""

from __future__ import annotations

import socket

import pytest
from click.testing import CliRunner

from bot.sandbox.command import demo


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--port", "65536"], "65535"),
        (["--bags", "-1"], "--bags"),
        (["--json"], "--headless"),
        (["--scenario", "lost-bags"], "--headless"),
        (["--headless", "--scenario", "lost-bag"], "database-corruption"),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments: list[str], words: str) -> None:
    said = CliRunner().invoke(demo, arguments)
    assert (said.exit_code, words in said.output) == (2, True), said.output


def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = CliRunner().invoke(demo, ["--port", str(port)])
    assert said.exit_code == 2
    assert f"port {port}: Address already in use" in said.output
