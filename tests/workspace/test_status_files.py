"""The public status page beside the workspace's own: its files and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest
from starlette.applications import Starlette

from bot.sandbox.page.routes import page_routes
from bot.web.server import serve_web


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "secret.txt").write_text("secret")
    folder = tmp_path / "status"
    (folder / "incidents").mkdir(parents=True)
    (folder / "index.html").write_text("all is well")
    (folder / "incidents" / "1.html").write_text("the first")
    (folder / "leads-out").symlink_to(tmp_path / "secret.txt")
    with serve_web(Starlette(routes=page_routes(folder)), "127.0.0.1", 0) as port:
        yield port


def ask(port: int, path: str, method: str = "GET") -> tuple[int, str, str | None]:
    """With the path exactly so: other clients tidy it up first."""
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path)
    answer = connection.getresponse()
    found = answer.status, answer.read().decode(), answer.getheader("Cache-Control")
    connection.close()
    return found


def test_files_are_shown_as_they_are_now(port: int) -> None:
    assert ask(port, "/status/") == (200, "all is well", "no-cache")
    assert ask(port, "/status/index.html")[:2] == (200, "all is well")
    assert ask(port, "/status/incidents/1.html")[:2] == (200, "the first")


@pytest.mark.parametrize(
    "path",
    [
        "../secret.txt", "%2e%2e/secret.txt", "..%2fsecret.txt", "incidents/../../secret.txt", "leads-out",
        "/etc/passwd",
    ],
)  # fmt: skip
def test_nothing_beside_them_is(port: int, path: str) -> None:
    status, content, _ = ask(port, f"/status/{path}")
    assert status == 404
    assert "secret" not in content


def test_nothing_can_be_written(port: int) -> None:
    assert ask(port, "/status/index.html", "PUT")[0] == 405
    assert ask(port, "/status/index.html", "DELETE")[0] == 405
