"""Processes of the hosts: what burns the processors, zombies, open files, file systems without inodes."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from bot.diagnostics.check import Surroundings
from bot.diagnostics.points import Point, PointCheck
from bot.outcome import Failed, Refused
from bot.systems.hosts.opening import OpenHost
from bot.systems.hosts.ssm import PERMISSIONS

COMMAND_S, BETWEEN_S = 8.0, 4.0
BURNS = 0.85
"""Part of one processor that a process takes all the time between two looks."""
ZOMBIES = 20
FILES_SHARE, INODES_PERCENT = 0.8, 90


@dataclass(frozen=True)
class Process:
    pid: int
    parent: int
    state: str
    processor_s: float
    name: str


class SystemProcesses(PointCheck):
    name = "system_processes"
    title = "Processes and open files"
    scope = "system"
    permissions = PERMISSIONS
    timeout_s = 30.0

    def look(self, surroundings: Surroundings) -> Iterator[Point]:
        hosts = surroundings.hosts()
        if not hosts:
            yield Point("unknown", "The policy names no host of the application (`hosts`).")
            return
        with ThreadPoolExecutor(max_workers=len(hosts)) as pool:
            for points in pool.map(_look_at, hosts):
                yield from points


def _look_at(host: OpenHost) -> list[Point]:
    try:
        return list(_look(host))
    except (Refused, Failed) as trouble:
        return [Point("unknown", f"{host.host.title}: {trouble.reason}")]


def _look(host: OpenHost) -> Iterator[Point]:
    title = host.host.title
    before, began = read_processes(host.run("processes", COMMAND_S).text), time.monotonic()
    if not before:
        yield Point("unknown", f"{title}: the processes cannot be read.")
        return
    yield from judge_files(title, host.run("open_files", COMMAND_S).text)
    yield from judge_inodes(title, host.run("inodes", COMMAND_S).text)
    time.sleep(max(0.0, BETWEEN_S - (time.monotonic() - began)))
    after, took_s = read_processes(host.run("processes", COMMAND_S).text), time.monotonic() - began
    yield Point("ok", f"{title}: {len(after)} processes.")
    yield from judge_processes(title, before, after, took_s)


def read_processes(text: str) -> dict[int, Process]:
    """pid, parent, state, seconds of processor time and name, as the policy's command prints them."""
    found = {}
    for line in text.splitlines():
        parts = line.split(None, 4)
        if len(parts) == 5 and all(one.isdigit() for one in (parts[0], parts[1], parts[3])):
            found[int(parts[0])] = Process(int(parts[0]), int(parts[1]), parts[2], float(parts[3]), parts[4])
    return found


def judge_processes(
    title: str, before: dict[int, Process], after: dict[int, Process], took_s: float
) -> Iterator[Point]:
    """Seconds come whole, so a process has to be at it for all of the time to be named."""
    for pid, now in after.items():
        was = before.get(pid)
        used = (now.processor_s - was.processor_s) / took_s if was and was.name == now.name else 0.0
        if used >= BURNS:
            words = f"{title}: {now.name} (pid {pid}) keeps {used:.1f} processors busy, {now.processor_s:.0f} s so far."
            yield Point("warning", words, signs=("processor burned",), normal="No process takes one all the time.")
    zombies = Counter(now.parent for now in after.values() if now.state.startswith("Z"))
    for parent, count in zombies.items():
        if count >= ZOMBIES:
            name = after[parent].name if parent in after else "a process"
            words = f"{title}: {count} ended processes wait for {name} (pid {parent}) to take notice (zombies)."
            yield Point("warning", words, signs=("processes pile up",), normal="Hardly any.")


def judge_files(title: str, text: str) -> Iterator[Point]:
    """Allocated, free, and the most that there may be, as Linux has them in /proc/sys/fs/file-nr."""
    parts = text.split()
    if len(parts) == 3 and all(one.isdigit() for one in parts):
        share = int(parts[0]) / max(1, int(parts[2]))
        if share >= FILES_SHARE:
            words = f"{title}: {int(parts[0]):,} of {int(parts[2]):,} files are open on the whole machine."
            yield Point("warning", words, signs=("files used up",))


def judge_inodes(title: str, text: str) -> Iterator[Point]:
    """As `df -P -i` prints them."""
    for line in text.splitlines()[1:]:
        parts = line.split(None, 5)
        if len(parts) == 6 and parts[4].rstrip("%").isdigit() and int(parts[4].rstrip("%")) >= INODES_PERCENT:
            words = f"{title}: {parts[5]} has used {parts[4]} of its inodes: no more files can be made there."
            yield Point("critical", words, signs=("disk full",))


CHECK = SystemProcesses()
