"""How often each Web API method may be called (Slack's rate limit tiers). Off unless switched on."""

from __future__ import annotations

import math
from collections import deque
from enum import IntEnum

from bot.sandbox.workspace.errors import RateLimited
from bot.sandbox.workspace.identifiers import Clock

_WINDOW_S = 60.0
_POST_BURST = 3


class Tier(IntEnum):
    """Calls a minute for each method; POSTING is chat.postMessage's one a second and channel, with a burst."""

    UNLIMITED = 0
    ONE = 1
    TWO = 20
    THREE = 50
    FOUR = 100
    POSTING = -1


class RateLimits:
    """Counts calls in a sliding window. `enabled` switches it; `clock` gives seconds."""

    def __init__(self, clock: Clock) -> None:
        self.enabled = False
        self._clock = clock
        self._calls: dict[str, deque[float]] = {}

    def check(self, method: str, tier: Tier, channel: str) -> None:
        """Count one call; RateLimited when it is one too many."""
        if not self.enabled or tier is Tier.UNLIMITED:
            return
        if tier is Tier.POSTING:
            self._count(f"{method} {channel}", _POST_BURST, float(_POST_BURST))
        else:
            self._count(method, int(tier), _WINDOW_S)

    def _count(self, key: str, allowed: int, window_s: float) -> None:
        now = self._clock()
        calls = self._calls.setdefault(key, deque())
        while calls and now - calls[0] >= window_s:
            calls.popleft()
        if len(calls) >= allowed:
            raise RateLimited(max(1, math.ceil(window_s - (now - calls[0]))))
        calls.append(now)
