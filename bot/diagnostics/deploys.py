"""Deploys as marks of a chart: from the hosts' own log of them, as far as they answer soon."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from queue import Empty, SimpleQueue

from bot.diagnostics.charts.chart import Mark
from bot.outcome import Refused
from bot.policy import Policy
from bot.systems.hosts.opening import open_hosts
from bot.systems.hosts.releases import list_deploys

LIMIT_S = 10.0
"""A chart does not wait longer for marks."""


def find_deploys(policy: Policy, environment: Mapping[str, str]) -> list[Mark]:
    """Every deploy that the hosts know of; none of a host that cannot be asked, none at all where that takes long."""
    answer: SimpleQueue[list[Mark]] = SimpleQueue()
    threading.Thread(target=lambda: answer.put(_ask(policy, environment)), name="find-deploys", daemon=True).start()
    try:
        return answer.get(timeout=LIMIT_S)
    except Empty:
        return []


def _ask(policy: Policy, environment: Mapping[str, str]) -> list[Mark]:
    marks: list[Mark] = []
    for application in policy.applications:
        try:
            deploys = list_deploys(open_hosts(policy, environment, application))
        except Refused:  # the key to a host is missing, which its checks tell
            continue
        marks += [Mark(one.at.timestamp(), f"Deploy {one.release}", "deploy") for one in deploys]
    return marks
