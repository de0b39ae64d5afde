"""Processors, memory and disks of the hosts. (Document, Step 1: system resources.)"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.diagnostics.check import Check, Surroundings
from bot.diagnostics.host_answers import GRAVEST_FIRST, HostAnswer, ask_hosts, gravest
from bot.store.documents import Finding, FindingState
from bot.systems.hosts.command import Output
from bot.systems.hosts.opening import OpenHost
from bot.systems.hosts.ssm import PERMISSIONS
from bot.words import show_size

FULL, NEARLY_FULL = 95, 85
"""Per cent of a file system."""
BUSY = 1.5
"""Load of the last five minutes for each processor."""
SCARCE, VERY_SCARCE = 10, 4
"""Per cent of the memory that is still to be had."""
NOT_DISKS = ("tmpfs", "devtmpfs", "overlay", "shm", "udev", "none")
KIB = 1024


class SystemResources(Check):
    name = "system_resources"
    title = "Processors, memory and disks"
    scope = "system"
    permissions = PERMISSIONS
    timeout_s = 30.0

    def run(self, surroundings: Surroundings) -> Finding:
        answers = [
            *ask_hosts(surroundings, "disks", read_disks, self.timeout_s),
            *ask_hosts(surroundings, "memory", read_memory, self.timeout_s),
            *ask_hosts(surroundings, "load", read_load, self.timeout_s),
        ]
        answers.sort(key=lambda one: GRAVEST_FIRST.index(one.state))
        evidence = [line for one in answers for line in (one.words, *one.evidence)]
        signs = [sign for one in answers if one.state in ("critical", "warning") for sign in one.signs]
        return self.finding(gravest(answers), answers[0].words, evidence, signs=list(dict.fromkeys(signs)))


def read_disks(host: OpenHost, output: Output) -> HostAnswer:
    """The fullest file system decides."""
    rows = list(_parse_disks(output.text))
    if not rows:
        return HostAnswer("unknown", f"{host.host.title}: the disks cannot be read: {output.said[:200]}")
    rows.sort(reverse=True)
    used, free_bytes, place = rows[0]
    words = f"{host.host.title}: {place} is {used} % full, {show_size(free_bytes)} left."
    others = tuple(f"{place} {used} % full, {show_size(free)} left" for used, free, place in rows[1:5])
    return HostAnswer(_judge(used, NEARLY_FULL, FULL), words, others, ("disk full",))


def _parse_disks(text: str) -> Iterator[tuple[int, int, str]]:
    """Per cent used, bytes free, and where, of each file system that df lists."""
    for line in text.splitlines()[1:]:
        parts = line.split(None, 5)
        if len(parts) == 6 and parts[0] not in NOT_DISKS and parts[4].rstrip("%").isdigit() and parts[3].isdigit():
            yield int(parts[4].rstrip("%")), int(parts[3]) * KIB, parts[5]


def read_memory(host: OpenHost, output: Output) -> HostAnswer:
    """What is to be had without swapping, as the kernel reckons it."""
    found = dict(re.findall(r"^(MemTotal|MemAvailable|SwapFree):\s+(\d+) kB", output.text, re.MULTILINE))
    if not {"MemTotal", "MemAvailable"} <= set(found) or int(found["MemTotal"]) == 0:
        return HostAnswer("unknown", f"{host.host.title}: the memory cannot be read: {output.said[:200]}")
    total, available = int(found["MemTotal"]) * KIB, int(found["MemAvailable"]) * KIB
    percent = 100 * available // total
    state: FindingState = "critical" if percent <= VERY_SCARCE else "warning" if percent <= SCARCE else "ok"
    return HostAnswer(state, f"{host.host.title}: {show_size(available)} of {show_size(total)} memory to be had.",
                      signs=("memory used up",))  # fmt: skip


def read_load(host: OpenHost, output: Output) -> HostAnswer:
    """The load of five minutes against the processors that there are."""
    parts = output.text.split()
    try:
        load = float(parts[1])
        processors = max(1, int(host.run("processors", SystemResources.timeout_s).text.strip()))
    except (ValueError, IndexError):
        return HostAnswer("unknown", f"{host.host.title}: the load cannot be read: {output.said[:200]}")
    state: FindingState = "warning" if load / processors >= BUSY else "ok"  # whom it hurts, others tell
    return HostAnswer(state, f"{host.host.title}: load {load:.1f} on {processors} processors over five minutes.",
                      signs=("processor burned",))  # fmt: skip


def _judge(value: float, warning: float, critical: float) -> FindingState:
    if value >= critical:
        return "critical"
    return "warning" if value >= warning else "ok"


CHECK = SystemResources()
