"""On-call schedules kept elsewhere: one question by HTTP, with a short wait, and one kind of trouble."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import requests

TIMEOUT_S = 4.0
"""People wait for the answer; the policy's own rota is better than a long silence."""


class ScheduleUnavailable(Exception):
    """The schedule did not say who is on call; the message is for people."""


def ask(vendor: str, url: str, headers: Mapping[str, str], params: Mapping[str, str]) -> dict[str, Any]:
    """GET a JSON object. Raises `ScheduleUnavailable` for everything else."""
    try:
        answer = requests.get(url, headers=dict(headers), params=dict(params), timeout=TIMEOUT_S, allow_redirects=False)
        body = answer.json() if answer.status_code == requests.codes.ok else None
    except requests.exceptions.JSONDecodeError as error:
        raise ScheduleUnavailable(f"{vendor} did not answer in JSON") from error
    except requests.RequestException as error:
        raise ScheduleUnavailable(f"{vendor} does not answer ({type(error).__name__})") from error
    if answer.status_code != requests.codes.ok:
        raise ScheduleUnavailable(f"{vendor} answered {answer.status_code}")
    if not isinstance(body, dict):
        raise ScheduleUnavailable(f"{vendor} answered something unexpected")
    return body
