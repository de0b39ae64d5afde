"""The ways in which Slack says no."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.sandbox.workspace.vendor import Json


class SlackError(Exception):
    """A refusal as Slack answers it: `{"ok": false, "error": code, …}`.

    `messages` become `response_metadata.messages`; `extra` is merged into the envelope
    (for example `needed` and `provided` with missing_scope).
    """

    def __init__(self, code: str, messages: Sequence[str] = (), **extra: Any) -> None:
        super().__init__(code)
        self.code = code
        self.messages = list(messages)
        self.extra = extra

    def envelope(self) -> Json:
        """The body of Slack's answer."""
        body: Json = {"ok": False, "error": self.code, **self.extra}
        if self.messages:
            body["response_metadata"] = {"messages": self.messages}
        return body


class RateLimited(SlackError):
    """HTTP 429; `retry_after_s` is what the Retry-After header says, whole seconds."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__("ratelimited")
        self.retry_after_s = retry_after_s
