"""What tests and the demo may do to the workspace, and what it remembers being asked."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from bot.sandbox.workspace.vendor import Json


@dataclass
class Faults:
    """Switches, read at each call.

    `outage`: every Web API call gets HTTP 503 and Socket Mode is cut. `latency_s`: seconds each call waits.
    `lose_answer`: method names whose next calls act and then drop the connection without answering;
    the number is how many times (negative: always). `fail_with`: method → error code to answer instead of
    acting, until it is taken out.
    """

    outage: bool = False
    latency_s: float = 0.0
    lose_answer: dict[str, int] = field(default_factory=dict)
    fail_with: dict[str, str] = field(default_factory=dict)

    def takes_answer(self, method: str) -> bool:
        """Is this answer to be lost? Counts down."""
        left = self.lose_answer.get(method, 0)
        if left > 0:
            self.lose_answer[method] = left - 1
        return left != 0


@dataclass(frozen=True)
class RecordedCall:
    """One Web API call: `at` in seconds since the epoch; `answer` is Slack's envelope."""

    method: str
    arguments: Json
    answer: Json
    at: float


@dataclass
class Recorder:
    """The latest calls, oldest first."""

    calls: deque[RecordedCall] = field(default_factory=lambda: deque(maxlen=50_000))

    def of(self, method: str) -> list[RecordedCall]:
        """Every remembered call of one method."""
        return [call for call in list(self.calls) if call.method == method]
