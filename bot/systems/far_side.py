"""Calls on other people's services over HTTP, and the three ways in which they end: done, refused, unanswered.

The bot speaks to each of them in JSON. A 2xx was accepted, whatever its body looks like. Timeouts, 5xx, 429 and 420
(Statuspage's and others' word for "too many") say nothing for good: the same is tried again later. Every other 4xx is a
no. Addresses and keys are secrets at several vendors, so no text of an exception is ever passed on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import requests
from urllib3.exceptions import HTTPError

from bot.words import cut

CONNECT_S, READ_S = 5.0, 10.0
READ_BYTES = 64 * 1024
TOO_MANY = (HTTPStatus.TOO_MANY_REQUESTS, 420)
SHOWN = 300
LONGEST_WAIT_S = 3600.0
NOT_BEGUN = (requests.exceptions.ConnectTimeout,)
ADVICE = {
    400: "It does not understand what was sent.",
    401: "It does not accept the key: look at {secret}.",
    403: "The key may not do this: look at {secret}.",
    404: "There is nothing at this address: look at the policy's `channels`.",
    410: "What was at this address has been removed: look at the policy's `channels`.",
    413: "What was sent is too long for it.",
    422: "It does not understand what was sent.",
}


class FarSideRefused(Exception):
    """It answered and said no; the same again would not help. The words are for a tired person."""


class FarSideUnanswered(Exception):
    """No answer, or "later". `not_begun`: it has surely done nothing; otherwise it may have acted.

    `recipient_only`: what it said concerns one recipient, others may be reached.
    """

    def __init__(
        self, words: str, retry_after_s: float | None = None, *, not_begun: bool = False, recipient_only: bool = False
    ) -> None:
        super().__init__(words)
        self.retry_after_s = retry_after_s
        self.not_begun = not_begun
        self.recipient_only = recipient_only


@dataclass(frozen=True)
class FarSide:
    """A service by its name for people; `secret`: the environment variable whose value lets us in."""

    name: str
    secret: str


@dataclass(frozen=True)
class Accepted:
    """What a service said when it took what was sent; `body` is empty where that was not a JSON object."""

    status: int
    text: str = ""
    body: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


def post(far_side: FarSide, url: str, content: bytes, headers: Mapping[str, str]) -> Accepted:
    """POST some JSON. Raises `FarSideRefused` or `FarSideUnanswered`; takes some 15 s at the most."""
    with _ask(far_side, "POST", url, {"Content-Type": "application/json", **headers}, content) as answer:
        return _judge(far_side, answer)


def look(far_side: FarSide, url: str, headers: Mapping[str, str]) -> Accepted | None:
    """GET some JSON; None where there is nothing (404). Raises as `post` does."""
    with _ask(far_side, "GET", url, headers) as answer:
        return None if answer.status_code == HTTPStatus.NOT_FOUND else _judge(far_side, answer)


def write_json(document: Mapping[str, Any]) -> bytes:
    """A document as it is sent: the same every time."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def read_retry_after(header: str | None, now: datetime | None = None) -> float | None:
    """Seconds from a Retry-After header: a number, or a date (RFC 9110, 10.2.3); None where it says nothing usable."""
    if not header:
        return None
    try:
        wait_s = float(header)
    except ValueError:
        try:
            moment = parsedate_to_datetime(header)
        except ValueError:
            return None
        wait_s = (moment.replace(tzinfo=moment.tzinfo or UTC) - (now or datetime.now(UTC))).total_seconds()
    if not 0 < wait_s < float("inf"):
        return None
    return min(wait_s, LONGEST_WAIT_S)


def _ask(
    far_side: FarSide, method: str, url: str, headers: Mapping[str, str], content: bytes | None = None
) -> requests.Response:
    try:
        return requests.request(
            method, url, data=content, headers=headers, timeout=(CONNECT_S, READ_S), allow_redirects=False, stream=True
        )
    except requests.RequestException as error:
        raise _unanswered(far_side, error) from None  # its text may hold the address, which may be a secret


def _judge(far_side: FarSide, answer: requests.Response) -> Accepted:
    status, text = answer.status_code, _read(answer)
    if 200 <= status < 300:
        return Accepted(status, text, _parse(text), dict(answer.headers))
    words = f"{far_side.name} answered {status}"
    if status in TOO_MANY:
        wait_s = read_retry_after(answer.headers.get("Retry-After"))
        raise FarSideUnanswered(f"{words}, too many requests", wait_s, not_begun=True)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
        wait_s = read_retry_after(answer.headers.get("Retry-After"))
        raise FarSideUnanswered(words, wait_s)
    raise FarSideRefused(f"{words}. {_advise(far_side, status, text)}".strip())


def _advise(far_side: FarSide, status: int, text: str) -> str:
    if 300 <= status < 400:
        return "The address has moved: look at the policy's `channels`."
    advice = ADVICE.get(status, "").format(secret=far_side.secret)
    said = _explain(_parse(text), text)
    return f"{advice} It says: {cut(said, SHOWN)}" if said else advice


def _explain(body: Mapping[str, Any], text: str) -> str:
    """The reason in the words of PagerDuty (`message`, `errors`), Opsgenie (`message`) and SendGrid (`errors`)."""
    errors = body.get("errors")
    listed = errors if isinstance(errors, list) else []
    parts = [body.get("message"), *(one.get("message") if isinstance(one, dict) else one for one in listed)]
    return "; ".join(str(part) for part in parts if part) or " ".join(text.split())


def _read(answer: requests.Response) -> str:
    """The beginning of the body; whatever is wrong with it, the status says what counts."""
    try:
        found: bytes = answer.raw.read(READ_BYTES, decode_content=True)
    except (HTTPError, OSError):
        return ""
    return found.decode("utf-8", "replace")


def _parse(text: str) -> Mapping[str, Any]:
    try:
        body = json.loads(text)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _unanswered(far_side: FarSide, error: requests.RequestException) -> Exception:
    if isinstance(error, (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema)):
        return FarSideRefused(f"The address of {far_side.name} is not a web address: look at {far_side.secret}.")
    not_begun = isinstance(error, NOT_BEGUN) or "NewConnectionError" in repr(error)
    if isinstance(error, requests.exceptions.SSLError):
        return FarSideUnanswered(f"{far_side.name} could not prove who it is (TLS certificate)", not_begun=True)
    how = "could not be reached" if not_begun else "did not answer"
    return FarSideUnanswered(f"{far_side.name} {how} ({type(error).__name__})", not_begun=not_begun)
