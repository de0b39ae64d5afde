"""A web application as its users meet it: health, figures, login. Reads only."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import requests
from pydantic import JsonValue

from bot.words import cut

TIMEOUT_S = 10
WRONG_LOGIN = (400, 401, 403, 422)
SHOWN = 200


@dataclass(frozen=True)
class Answer:
    """What one question came to, in words, and whether that is good. `took_s`: how long an answer took, if one came."""

    good: bool
    words: str
    took_s: float | None = None


def ask_health(url: str, expected: Mapping[str, str]) -> Answer:
    """GET: 200 and JSON that says what healthy means."""
    return _ask_json(url, lambda body: {key: value for key, value in expected.items() if body.get(key) != value} == {})


def ask_figures(url: str) -> Answer:
    """GET: 200 and a JSON object with at least one figure."""
    return _ask_json(url, lambda body: any(isinstance(value, (int, float)) for value in body.values()))


def tell_no_answer(error: Exception) -> str:
    """Why there was none, for people."""
    if isinstance(error, requests.Timeout):
        return "it takes too long"
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate is refused"
    if isinstance(error, requests.ConnectionError):
        return "there is no connection to it, or it breaks off"
    return type(error).__name__


def try_wrong_login(url: str) -> Answer:
    """POST a login that cannot be right: an application that turns it away has looked for it among its users.

    The bot has no user of its own, so this is as near to a login as it comes.
    """
    form = {"username": "holdfast", "password": secrets.token_urlsafe(16)}
    try:
        answer = requests.post(url, data=form, timeout=TIMEOUT_S, allow_redirects=False)
    except requests.RequestException as error:
        return Answer(False, f"no answer: {tell_no_answer(error)}")
    if answer.status_code in WRONG_LOGIN:
        return Answer(True, f"a wrong password is turned away ({answer.status_code})")
    return Answer(False, f"answered {answer.status_code} to a wrong password")


def _ask_json(url: str, is_good: Callable[[dict[str, JsonValue]], bool]) -> Answer:
    try:
        answer = requests.get(url, timeout=TIMEOUT_S, allow_redirects=False)
        body = answer.json()
    except requests.exceptions.JSONDecodeError:
        return Answer(False, f"answered {answer.status_code}, but not in JSON", answer.elapsed.total_seconds())
    except requests.RequestException as error:
        return Answer(False, f"no answer: {tell_no_answer(error)}")
    good = answer.status_code == requests.codes.ok and isinstance(body, dict) and is_good(body)
    return Answer(good, f"{answer.status_code} {cut(str(body), SHOWN)}", answer.elapsed.total_seconds())
