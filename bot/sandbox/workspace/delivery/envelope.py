"""What is handed over, and how that may fail."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol

from bot.sandbox.workspace.vendor import Json

Kind = Literal["slash_commands", "interactive", "events_api"]


@dataclass(frozen=True)
class Envelope:
    """One payload on its way to the app. `retry_attempt` counts from 0; `retry_reason` is Slack's word."""

    kind: Kind
    payload: Json = field(repr=False)
    retry_attempt: int = 0
    retry_reason: str = ""


class DeliveryFailed(Exception):
    """The app did not acknowledge. `reason` is one of timeout, no_connection, http_error;
    `may_retry` is False when the app asked for no repeats."""

    def __init__(self, reason: str, *, may_retry: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.may_retry = may_retry


class Delivery(Protocol):
    """A way to the app."""

    async def deliver(self, envelope: Envelope, ack_s: float) -> Json:
        """Hand over and wait at most `ack_s` seconds; the acknowledgement's payload ({} when it had none).

        Raises DeliveryFailed.
        """
        ...
