"""Slack over HTTP: several at once, and nothing that is too long or unreadable."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import pytest
import requests
from slack_bolt import Ack, App
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.signature import SignatureVerifier
from starlette.applications import Starlette

from bot.web.body import BODY_LIMIT_BYTES
from bot.web.server import serve_web
from bot.web.slack_events import slack_routes

SECRET = "f" * 32
WAIT_S = 30
HERE = AuthorizeResult(enterprise_id=None, team_id="T1", bot_token="xoxb-here")


@pytest.fixture
def url() -> Iterator[str]:
    """Where a bolt app listens whose one command is answered once two have come."""
    app = App(signing_secret=SECRET, token_verification_enabled=False, authorize=lambda: HERE)
    both = threading.Barrier(2)

    @app.command("/meet")
    def meet(ack: Ack) -> None:
        both.wait(WAIT_S)
        ack("Both are here")

    with serve_web(Starlette(routes=slack_routes(app)), "127.0.0.1", 0) as port:
        yield f"http://127.0.0.1:{port}/slack/events"


def post(url: str, body: bytes, kind: str = "application/x-www-form-urlencoded") -> requests.Response:
    timestamp = str(int(time.time()))
    headers = {
        "Content-Type": kind,
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": str(SignatureVerifier(SECRET).generate_signature(timestamp=timestamp, body=body)),
    }
    return requests.post(url, data=body, headers=headers, timeout=WAIT_S)


def test_one_that_waits_holds_up_nobody(url: str) -> None:
    body = urlencode({"command": "/meet", "user_id": "U1", "team_id": "T1"}).encode()
    with ThreadPoolExecutor(2) as people:
        answers = list(people.map(lambda _: post(url, body), range(2)))
    assert [answer.status_code for answer in answers] == [200, 200]


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"x" * (BODY_LIMIT_BYTES + 1), 413), (b"\xff", 400), (b"{", 400), (b"[]", 400), (b"null", 400), (b"{}", 401)],
)
def test_what_is_too_long_or_unreadable_is_refused_before_it_is_looked_at(url: str, body: bytes, status: int) -> None:
    answer = requests.post(url, data=body, headers={"Content-Type": "application/json"}, timeout=WAIT_S)
    assert answer.status_code == status


def test_slack_is_told_that_the_address_is_ours(url: str) -> None:
    body = b'{"type": "url_verification", "challenge": "abc", "token": "old"}'
    assert post(url, body, "application/json").json() == {"challenge": "abc"}
