"""Do all clocks agree? The server of the database, the application's host, S3, and the bot's own machine.

A clock that is off breaks logins, certificates and signatures, and puts wrong times on rows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial

import psycopg
import requests

from bot.diagnostics.check import Surroundings
from bot.diagnostics.points import Point, PointCheck
from bot.outcome import Failed, Refused
from bot.store.documents import FindingState, Measure
from bot.systems.hosts.opening import OpenHost
from bot.systems.hosts.ssm import PERMISSIONS
from bot.words import show_duration

OFF_S, FAR_OFF_S = 10.0, 60.0
ANSWER_S = 8.0
Told = tuple[str, float]
"""Whose clock, and how many seconds it is ahead of the bot's."""


class SystemClock(PointCheck):
    name = "system_clock"
    title = "Clocks"
    scope = "system"
    permissions = PERMISSIONS
    once = False
    timeout_s = 20.0

    def look(self, surroundings: Surroundings) -> Iterator[Point]:
        with ThreadPoolExecutor(max_workers=8) as pool:
            asked = [pool.submit(_try, ask, surroundings) for ask in (_ask_database, _ask_application, _ask_hosts)]
            told = [one for future in asked for one in future.result()]
        if not told:
            yield Point("unknown", "No clock could be read.")
        for who, ahead_s in told:
            yield _judge(who, ahead_s)


def _judge(who: str, ahead_s: float) -> Point:
    off = abs(ahead_s)
    state: FindingState = "critical" if off >= FAR_OFF_S else "warning" if off >= OFF_S else "ok"
    measure = Measure(name=f"clock of {who} off by", value=round(off, 1), unit="s")
    if state == "ok":
        return Point("ok", f"The clock of {who} agrees with the bot's.", measures=(measure,))
    words = f"The clock of {who} is {show_duration(off)} {'ahead of' if ahead_s > 0 else 'behind'} the bot's: one of"
    return Point(state, f"{words} the two is wrong; see their time services (chrony, NTP).", signs=("clock wrong",),
                 measures=(measure,), normal="They agree within seconds.")  # fmt: skip


def _try(ask: Callable[[Surroundings], list[Told]], surroundings: Surroundings) -> list[Told]:
    """What cannot be reached is told by other checks."""
    with suppress(Refused, Failed, psycopg.Error, requests.RequestException, ValueError, TypeError):
        return ask(surroundings)
    return []


def _ask_database(surroundings: Surroundings) -> list[Told]:
    with surroundings.connect(ANSWER_S) as connection:
        row = connection.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None  # a SELECT without FROM has one row
    return [("the database", _ahead(row[0]))]


def _ask_application(surroundings: Surroundings) -> list[Told]:
    application = surroundings.policy.applications[surroundings.settings.application]
    address = str(application.url).rstrip("/") + application.health_path
    with requests.get(address, timeout=ANSWER_S, allow_redirects=False, stream=True) as answer:
        said = answer.headers.get("Date")
        return [("the application", _ahead(parsedate_to_datetime(said)))] if said else []


def _ask_hosts(surroundings: Surroundings) -> list[Told]:
    hosts = surroundings.hosts()
    with ThreadPoolExecutor(max_workers=max(1, len(hosts))) as pool:
        asked = [pool.submit(_try, partial(_ask_host, host), surroundings) for host in hosts]
        return [one for future in asked for one in future.result()]


def _ask_host(host: OpenHost, _surroundings: Surroundings) -> list[Told]:
    """Half of what the command took lies behind the moment that it printed."""
    began = time.monotonic()
    moment = datetime.fromtimestamp(float(host.run("clock", ANSWER_S).text.strip()), UTC)
    return [(host.host.title, _ahead(moment) + (time.monotonic() - began) / 2)]


def _ahead(moment: datetime) -> float:
    return (moment - datetime.now(UTC)).total_seconds()


CHECK = SystemClock()
