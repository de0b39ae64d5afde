"""What was asked of the cloud, counted at the outside; and what is to go wrong, on request.

A call that `acted` reached the service; whether it changed anything its `status` (HTTP) tells.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Literal, get_args
from urllib.parse import parse_qsl

READ_ONLY = ("Describe", "Get", "List", "Head", "BatchGet", "Lookup", "Simulate", "GET", "HEAD")
SECRET = ("Password", "SecretString", "SecretBinary")
Kind = Literal["throttle", "error", "cut", "lost"]


@dataclass
class Call:
    """One request. `operation`: its name where the protocol has one (RDS, Secrets Manager), else method and path."""

    service: str
    region: str
    operation: str
    parameters: dict[str, object]
    at: str = field(default_factory=lambda: datetime.now(UTC).isoformat())
    acted: bool = False
    status: int = 0
    fault: Kind | None = None

    @property
    def mutating(self) -> bool:
        """Whether the operation could change something."""
        return not self.operation.startswith(READ_ONLY)


@dataclass
class Fault:
    """What goes wrong with the next `times` calls of an operation ("*" is any); an empty service or region is any.

    throttle: refused as too many requests. error: an internal failure, nothing happened. cut: the connection ends
    before anything happened. lost: it happened, and the connection ends without an answer.
    """

    kind: Kind
    operation: str = "*"
    service: str = ""
    times: int = 1
    region: str = ""

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ValueError(f"there is no fault {self.kind!r}")

    def fits(self, call: Call) -> bool:
        """Whether this is to happen to a call."""
        known = self.operation in ("*", call.operation) and self.service in ("", call.service)
        return self.times > 0 and known and self.region in ("", call.region)


class CallLog:
    """Every call that could have changed something since the last `clear`, and the faults that wait."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: list[Call] = []
        self._faults: list[Fault] = []

    def add(self, call: Call) -> Kind | None:
        """Record a call, if it could change something; returns what is to go wrong with it."""
        with self._lock:
            if call.mutating:
                self._calls.append(call)
            for fault in self._faults:
                if fault.fits(call):
                    fault.times -= 1
                    call.fault = fault.kind
                    break
            return call.fault

    def all(self) -> list[dict[str, object]]:
        """Return the calls, oldest first."""
        with self._lock:
            return [asdict(call) for call in self._calls]

    def clear(self) -> None:
        """Forget the calls so far."""
        with self._lock:
            self._calls.clear()

    def arm(self, fault: Fault) -> None:
        """Let something go wrong."""
        with self._lock:
            self._faults.append(fault)

    def disarm(self) -> None:
        """Let nothing go wrong any more."""
        with self._lock:
            self._faults.clear()


def read_form(body: bytes) -> dict[str, object]:
    """Return the parameters of a query-protocol body, without secrets."""
    return _without_secrets(dict(parse_qsl(body.decode())))


def read_json(body: bytes) -> dict[str, object]:
    """Return the parameters of a JSON-protocol body, without secrets."""
    parameters = json.loads(body or b"{}")
    return _without_secrets(parameters) if isinstance(parameters, dict) else {}


def _without_secrets(parameters: Mapping[str, object]) -> dict[str, object]:
    return {name: "****" if _is_secret(name, SECRET) else value for name, value in parameters.items()}


def _is_secret(name: str, words: Iterable[str]) -> bool:
    return any(word in name for word in words)
