"""The application's log on one host: lines that tell of errors, per minute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

from bot.diagnostics.error_lines import ERROR, list_new
from bot.diagnostics.meter import Before, Measured
from bot.diagnostics.metrics import series_name
from bot.outcome import Failed
from bot.policy import Policy
from bot.systems.hosts.opening import open_host

TIMEOUT_S = 12.0
MINUTE_S = 60.0


@dataclass(frozen=True)
class HostLogMeter:
    """One host of the policy. Of the lines only their hashes are kept, to tell the new ones from the old."""

    host: str
    policy: Policy
    environment: Mapping[str, str]

    @property
    def key(self) -> str:
        return f"log:{self.host}"

    @property
    def every(self) -> int:
        return 1

    def measure(self, now: datetime, before: Before | None) -> Measured:
        """Raises `HostUnreachable` or `HostUnclear`, or `Failed` where the log cannot be read."""
        output = open_host(self.policy, self.environment, self.host).run("newest_log", TIMEOUT_S)
        if not output.good:
            raise Failed(f"The log cannot be read: {output.said}")
        lines = output.text.splitlines()
        hashes = [blake2b(line.encode(), digest_size=6).hexdigest() for line in lines]
        kept = before.kept.get("lines") if before else None
        if before is None or not isinstance(kept, list) or now <= before.at:
            return Measured({}, {"lines": [*hashes]})
        new = len(list_new([str(one) for one in kept], hashes))
        errors = sum(1 for line in lines[len(lines) - new :] if ERROR.search(line))
        minutes = (now - before.at).total_seconds() / MINUTE_S
        return Measured({series_name("error_lines", self.host): errors / minutes}, {"lines": [*hashes]})
