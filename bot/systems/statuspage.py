"""Atlassian Statuspage's REST API, version 1: incidents of one page.

Source: https://developer.statuspage.io (authentication, rate limits, incidents). The limit is 60 requests a minute;
beyond it the answer is 420 or 429 with a Retry-After. `name` takes 255 characters, `body` 25,000.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import requests
from pydantic import JsonValue

from bot.systems.pace import Pace
from bot.words import cut

NAME_LIMIT, BODY_LIMIT = 255, 25_000
SPACING_S = 1.0
TIMEOUT_S = (5.0, 20.0)
"""To connect, and to answer."""
LIMITED = (420, 429)
WRONG_KEY = (401, 403)
MARK = "holdfast"
"""Under this name in an incident's metadata stand our incident's and our newest bulletin's number."""
RECENT = 100
SHOWN = 300


class StatuspageRefused(Exception):
    """Statuspage said no; the same again would not help. `status` is the HTTP status."""

    def __init__(self, words: str, status: int) -> None:
        super().__init__(words)
        self.status = status


class StatuspageDown(Exception):
    """No answer, or none that says anything: it may or may not have acted."""

    def __init__(self, words: str, retry_after_s: float | None = None) -> None:
        super().__init__(words)
        self.retry_after_s = retry_after_s


@dataclass(frozen=True)
class PublicIncident:
    """An incident as it is on the page. `incident` and `bulletin` are our numbers, where we made it."""

    id: str
    status: str
    link: str
    incident: int | None
    bulletin: int | None


class Statuspage:
    """One page. `read_key` is asked at each request, so a renewed key needs no restart."""

    def __init__(
        self, api_url: str, page_id: str, read_key: Callable[[], str], pace: Pace,
        timeout_s: tuple[float, float] = TIMEOUT_S,
    ) -> None:  # fmt: skip
        self._base = f"{api_url.rstrip('/')}/v1/pages/{page_id}/incidents"
        self._read_key, self._pace, self._timeout_s = read_key, pace, timeout_s

    def create(self, incident: Mapping[str, JsonValue]) -> PublicIncident:
        """Raises `StatuspageRefused` or `StatuspageDown`."""
        return _read_incident(self._ask("POST", "", incident))

    def update(self, public_id: str, incident: Mapping[str, JsonValue]) -> PublicIncident:
        """Add an update. Raises `StatuspageRefused` or `StatuspageDown`."""
        return _read_incident(self._ask("PATCH", f"/{public_id}", incident))

    def read(self, public_id: str) -> PublicIncident:
        """Raises `StatuspageRefused` (404 where somebody deleted it) or `StatuspageDown`."""
        return _read_incident(self._ask("GET", f"/{public_id}"))

    def find(self, incident: int) -> PublicIncident | None:
        """The one that we made for our incident: among the unresolved, then the most recent; the newest of several."""
        for path in ("/unresolved", f"?limit={RECENT}"):
            listed = self._ask("GET", path)
            if not isinstance(listed, list):
                raise StatuspageDown("Statuspage answered something that is no list of incidents")
            ours = [one for one in map(_read_incident, listed) if one.incident == incident]
            if ours:
                return max(ours, key=lambda one: one.bulletin or 0)
        return None

    def _ask(self, method: str, path: str, incident: Mapping[str, JsonValue] | None = None) -> Any:
        self._pace.wait()
        headers = {"Authorization": f"OAuth {self._read_key().strip()}"}
        body = None if incident is None else {"incident": dict(incident)}
        try:
            answer = requests.request(
                method, self._base + path, json=body, headers=headers, timeout=self._timeout_s, allow_redirects=False
            )
            _raise_for(answer)
            return answer.json()
        except requests.exceptions.JSONDecodeError as error:
            raise StatuspageDown("Statuspage answered something that is not JSON") from error
        except requests.RequestException as error:
            raise StatuspageDown(f"Statuspage did not answer: {type(error).__name__}") from error


def _raise_for(answer: requests.Response) -> None:
    status = answer.status_code
    if answer.ok and not answer.is_redirect:
        return
    if status in LIMITED or status >= 500:
        raise StatuspageDown(f"Statuspage answered {status}", _read_delay_s(answer.headers.get("Retry-After")))
    if status in WRONG_KEY:
        raise StatuspageRefused(
            f"Statuspage does not take the API key for this page ({status}). Renew it in the bot's environment", status
        )
    if status == 404:
        raise StatuspageRefused("Statuspage knows no such page or incident (404). Check `page_id` in the policy", 404)
    raise StatuspageRefused(f"Statuspage refused it ({status}): {_read_reason(answer)}", status)


def _read_reason(answer: requests.Response) -> str:
    """`{"error": ["…"]}` or `{"error": "…"}`, else whatever it says."""
    try:
        body = answer.json()
    except requests.exceptions.JSONDecodeError:
        return cut(answer.text, SHOWN)
    reason = body.get("error", body) if isinstance(body, dict) else body
    return cut("; ".join(map(str, reason)) if isinstance(reason, list) else str(reason), SHOWN)


def _read_delay_s(text: str | None) -> float | None:
    return float(text) if text and text.isascii() and text.isdigit() else None


def _read_incident(shape: Any) -> PublicIncident:
    if not isinstance(shape, dict) or not shape.get("id"):
        raise StatuspageDown("Statuspage answered something that is no incident")
    metadata = shape.get("metadata")
    marks = metadata.get(MARK) if isinstance(metadata, dict) else None
    marks = marks if isinstance(marks, dict) else {}
    return PublicIncident(
        id=str(shape["id"]),
        status=str(shape.get("status") or ""),
        link=str(shape.get("shortlink") or ""),
        incident=_read_number(marks.get("incident")),
        bulletin=_read_number(marks.get("bulletin")),
    )


def _read_number(value: object) -> int | None:
    """Numbers may come back as text: metadata is kept as it was given, or in quotes."""
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() else None
