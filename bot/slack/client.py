"""Calling Slack: retries that Slack asks for, and its failures turned into our types once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from urllib.error import URLError

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler

T = TypeVar("T")

TIMEOUT_S = 10
PASSING = {
    "internal_error",
    "fatal_error",
    "service_unavailable",
    "request_timeout",
    "ratelimited",
    "accesslimited",
}


class SlackRefusal(Exception):
    """Slack answered and said no; trying the same again would not help."""

    def __init__(self, method: str, code: str, detail: str = "") -> None:
        super().__init__(f"Slack refused {method}: {code}{' (' + detail + ')' if detail else ''}")
        self.method = method
        self.code = code


class SlackUnavailable(Exception):
    """Slack did not answer, or asked to be asked later; the call may or may not have been carried out."""

    def __init__(self, method: str, detail: str, retry_after_s: float | None = None) -> None:
        super().__init__(f"Slack did not answer {method}: {detail}")
        self.retry_after_s = retry_after_s


def build_client(token: str, base_url: str) -> WebClient:
    """A client that waits when Slack says so (429). `base_url` ends with a slash.

    A call whose answer was lost is not sent again here: it may have been carried out.
    """
    client = WebClient(token=token, base_url=base_url, timeout=TIMEOUT_S)
    client.retry_handlers = [RateLimitErrorRetryHandler(max_retry_count=2)]
    return client


def call(method: Callable[..., T], **arguments: Any) -> T:
    """Call one Web API method. Raises `SlackRefusal` or `SlackUnavailable`, nothing else for Slack's part."""
    name = getattr(method, "__name__", str(method)).replace("_", ".")
    try:
        return method(**arguments)
    except SlackApiError as error:
        raise _translate(name, error) from error
    except (SlackClientError, URLError, OSError) as error:
        raise SlackUnavailable(name, type(error).__name__) from error


def _translate(name: str, error: SlackApiError) -> Exception:
    response = error.response
    code = str(response.get("error", "unknown")) if hasattr(response, "get") else "unknown"
    status = getattr(response, "status_code", 0)
    if code in PASSING or status >= 500 or status == 429:
        after = (getattr(response, "headers", None) or {}).get("Retry-After")
        return SlackUnavailable(name, code, float(after) if after else None)
    messages = (response.get("response_metadata") or {}).get("messages") or []
    return SlackRefusal(name, code, "; ".join(map(str, messages))[:300])
