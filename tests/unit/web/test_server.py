"""Where the web server listens."""

from __future__ import annotations

import socket

import pytest
from starlette.applications import Starlette

from bot.outcome import Failed
from bot.web.server import serve_web


@pytest.mark.parametrize(
    ("host", "reason"), [("127.0.0.1", "Address already in use"), ("no-such-host.invalid", "not known|resolution")]
)
def test_where_nothing_can_listen_is_named(host: str, reason: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(Failed, match=f"^Nothing can listen on {host}, port {port}: [^(]*({reason})[^(]*$"),
            serve_web(Starlette(), host, port),
        ):
            pass
