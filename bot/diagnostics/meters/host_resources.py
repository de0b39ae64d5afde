"""Load, memory and disks of one host.

By SSM each command is a call with a wait, and calls are counted: there it is one command for all, more seldom.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.diagnostics.meter import Before, Measured
from bot.diagnostics.metrics import series_name
from bot.policy import Policy
from bot.systems.hosts.opening import OpenHost, open_host

TIMEOUT_S, AT_ONCE_S = 5.0, 10.0
SELDOM = 5
"""By SSM each fifth turn: with a turn a minute, twelve commands an hour and host."""
LOOKED_AT = ("load", "processors", "memory", "disks")
NOT_DISKS = ("tmpfs", "devtmpfs", "overlay", "shm", "udev", "none")


@dataclass(frozen=True)
class HostResourcesMeter:
    """One host of the policy."""

    host: str
    policy: Policy
    environment: Mapping[str, str]

    @property
    def key(self) -> str:
        return f"host:{self.host}"

    @property
    def every(self) -> int:
        return SELDOM if self.policy.hosts[self.host].reach == "ssm" else 1

    def measure(self, now: datetime, before: Before | None) -> Measured:
        """Raises `HostUnreachable` or `HostUnclear`."""
        said = self._look(open_host(self.policy, self.environment, self.host))
        read = {
            "load": read_load(said["load"], said["processors"]),
            "memory_used": read_memory(said["memory"]),
            "disk_used": max(read_disks(said["disks"]), default=None),
        }
        found = {series_name(key, self.host): value for key, value in read.items() if value is not None}
        lacking = [key.replace("_", " ") for key, value in read.items() if value is None]
        return Measured(found, trouble=f"Its {' and '.join(lacking)} cannot be read." if lacking else "")

    def _look(self, host: OpenHost) -> dict[str, str]:
        if host.host.reach == "ssm":
            answer = host.read_with("read_resources", timeout_s=AT_ONCE_S)
            return {name: str(answer.get(name, "")) for name in LOOKED_AT}
        return {name: host.run(name, TIMEOUT_S).text for name in LOOKED_AT}


def read_load(loadavg: str, processors: str) -> float | None:
    """The load of the last minute for each processor, from /proc/loadavg and nproc; None where that is not it."""
    try:
        return float(loadavg.split(maxsplit=1)[0]) / max(1, int(processors))
    except (ValueError, IndexError):
        return None


def read_memory(meminfo: str) -> float | None:
    """Per cent of the memory that cannot be had without swapping, from /proc/meminfo."""
    found = {name: int(kib) for name, kib in re.findall(r"^(MemTotal|MemAvailable):\s+(\d+) kB", meminfo, re.MULTILINE)}
    if not found.get("MemTotal") or "MemAvailable" not in found:
        return None
    return 100 - 100 * found["MemAvailable"] / found["MemTotal"]


def read_disks(df: str) -> Iterator[float]:
    """Per cent used of each file system that `df -P` lists."""
    for line in df.splitlines()[1:]:
        parts = line.split(None, 5)
        if len(parts) == 6 and parts[0] not in NOT_DISKS and parts[4].rstrip("%").isdigit():
            yield float(parts[4].rstrip("%"))
