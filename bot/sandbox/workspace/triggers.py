"""Trigger ids: what an interaction gives an app so that it may open a modal, once, within three seconds."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from bot.sandbox.workspace.errors import SlackError
from bot.sandbox.workspace.identifiers import Clock

_FORGET_AFTER_S = 600.0


@dataclass
class Trigger:
    """One trigger, given for what `user` did at `issued_at`."""

    user: str
    issued_at: float
    used: bool = False


class Triggers:
    """Issues and exchanges trigger ids; `lifetime_s` seconds by `clock`."""

    def __init__(self, clock: Clock, lifetime_s: float) -> None:
        self._clock = clock
        self._lifetime_s = lifetime_s
        self._issued: dict[str, Trigger] = {}

    def issue(self, user: str) -> str:
        """A fresh trigger id for what this user just did."""
        now = self._clock()
        while self._issued:
            oldest = next(iter(self._issued))
            if now - self._issued[oldest].issued_at < _FORGET_AFTER_S:
                break
            del self._issued[oldest]
        trigger_id = f"{secrets.randbelow(10**13)}.{secrets.randbelow(10**12)}.{secrets.token_hex(16)}"
        self._issued[trigger_id] = Trigger(user, now)
        return trigger_id

    def exchange(self, trigger_id: str) -> Trigger:
        """Use a trigger up; invalid_trigger_id, exchanged_trigger_id or expired_trigger_id."""
        trigger = self._issued.get(trigger_id)
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        if trigger.used:
            raise SlackError("exchanged_trigger_id")
        if self._clock() - trigger.issued_at > self._lifetime_s:
            raise SlackError("expired_trigger_id")
        trigger.used = True
        return trigger
