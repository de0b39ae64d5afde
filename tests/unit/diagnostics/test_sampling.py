"""Sampling: one chain, every system by itself, and what could not be measured is a gap with a reason."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
import sqlalchemy as sa

from bot.diagnostics import sampling
from bot.diagnostics.meter import Before, Measured
from bot.diagnostics.meters.host_log import HostLogMeter
from bot.diagnostics.meters.host_resources import HostResourcesMeter, read_disks, read_load, read_memory
from bot.diagnostics.sampling import WORKFLOW, Sampler, find_meters
from bot.diagnostics.series import Series
from bot.engine import Engine
from bot.outcome import Failed
from bot.policy import Host, Policy, load_policy
from bot.store.database import Database
from bot.store.tables import Sample
from bot.systems.hosts.programs import read_program
from bot.systems.web_application import Answer
from tests.integration.store.stores import empty_store, open_store
from tests.unit.alerts.conftest import HandQueue
from tests.unit.incidents.conftest import HandClock

SHIPPED = load_policy(None)
Look = Callable[[datetime, Before | None], Measured]


@dataclass
class Made:
    """A meter that does what the test wants."""

    key: str
    look: Look
    befores: list[Before | None] = field(default_factory=list)
    every: int = 1

    def measure(self, now: datetime, before: Before | None) -> Measured:
        self.befores.append(before)
        return self.look(now, before)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with open_store(f"sqlite:///{tmp_path_factory.mktemp('sampling') / 'holdfast.db'}") as database:
        yield database


@dataclass
class Here:
    sampler: Sampler
    series: Series
    clock: HandClock
    queue: HandQueue

    def pass_minutes(self, minutes: int) -> None:
        for _ in range(minutes * 6):
            self.clock.turn(seconds=10)
            self.queue.work()

    def values(self, name: str) -> list[float]:
        now, minute = self.clock(), timedelta(minutes=1)
        return [one.value for one in self.series.read(name, now - timedelta(days=1), now + minute)]


@pytest.fixture
def here(database: Database) -> Here:
    empty_store(database)
    return start(database, SHIPPED)


def start(database: Database, policy: Policy) -> Here:
    clock = HandClock()
    queue, series = HandQueue(clock), Series(database, policy)
    sampler = Sampler(database, cast(Engine, queue), policy, series, {}, clock)
    queue.workflows = {WORKFLOW: sampler.measure}
    return Here(sampler, series, clock, queue)


def give(value: float) -> Look:
    return lambda now, before: Measured({"x:y": value}, {"seen": 1})


def fail(error: Exception) -> Look:
    def look(now: datetime, before: Before | None) -> Measured:
        raise error

    return look


def test_each_turn_gives_a_figure(here: Here) -> None:
    meter = Made("m", give(4.0))
    here.sampler.list_meters = lambda: [meter]
    here.sampler.start()
    here.pass_minutes(5)
    assert here.values("x:y") == [4.0] * 5
    assert meter.befores[0] is None
    assert meter.befores[1] == Before(here.clock() - timedelta(minutes=4), {"seen": 1})


def test_there_is_one_chain_however_often_bots_start(here: Here) -> None:
    here.sampler.list_meters = lambda: [Made("m", give(1.0))]
    for _ in range(20):
        here.sampler.start()
        here.pass_minutes(1)
    assert here.queue.count(WORKFLOW) == 21
    assert len(here.queue.waiting) == 1


def test_a_slot_that_is_run_again_counts_once(here: Here) -> None:
    here.sampler.list_meters = lambda: [Made("m", give(1.0))]
    slot = int(here.clock().timestamp())
    for _ in range(3):
        here.sampler.measure(slot)
    assert [one.count for one in here.series.read("x:y", here.clock(), here.clock() + timedelta(hours=1))] == [1]


def test_what_was_missed_while_nothing_ran_stays_a_gap(here: Here) -> None:
    here.sampler.list_meters = lambda: [Made("m", give(1.0))]
    here.sampler.start()
    here.clock.turn(hours=3)
    here.queue.work()
    assert here.values("x:y") == []
    here.pass_minutes(2)
    assert here.values("x:y") != []


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (Failed("The server is away.", "Nobody knows."), "The server is away."),
        (KeyError("PRODUCTION_DATABASE_URL"), "PRODUCTION_DATABASE_URL is not set."),
        (Failed("postgresql://u:geheim1@h/d is away"), "postgresql://u:[hidden]@h/d is away"),
        (ZeroDivisionError("by zero"), "The meter itself failed: ZeroDivisionError"),
    ],
)
def test_what_cannot_be_measured_says_why_and_disturbs_nobody(here: Here, error: Exception, told: str) -> None:
    bad, good = Made("bad", fail(error)), Made("good", give(2.0))
    here.sampler.list_meters = lambda: [bad, good]
    here.sampler.start()
    here.pass_minutes(2)
    assert here.sampler.troubles() == {"bad": f"{told} (since 2026-03-01 12:01 UTC)"}
    assert here.values("x:y")
    bad.look = give(1.0)
    here.pass_minutes(1)
    assert here.sampler.troubles() == {}


def test_what_hangs_holds_nobody_up_and_is_not_asked_twice(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "LIMIT_S", 0.1)
    release = threading.Event()

    def hang(now: datetime, before: Before | None) -> Measured:
        release.wait(30)
        return Measured({"z:z": 1.0})

    hanging = Made("hanging", hang)
    here.sampler.list_meters = lambda: [hanging, Made("good", give(2.0))]
    try:
        here.sampler.start()
        here.pass_minutes(3)
        assert here.values("x:y") == [2.0] * 3
        assert len(hanging.befores) == 1
        assert "has not answered in time" in here.sampler.troubles()["hanging"]
        assert here.series.list_names() == ["x:y"]
    finally:
        release.set()


def test_without_a_word_in_the_policy_nothing_is_measured(database: Database) -> None:
    empty_store(database)
    here = start(database, SHIPPED.model_copy(update={"metrics": None}))
    here.sampler.start()
    assert here.queue.waiting == []
    with database.write() as session:
        here.sampler.heard(session, "traitortrack", Answer(True, "200", 0.1))
    assert here.series.list_names() == []


def test_what_the_prober_hears_is_kept(here: Here) -> None:
    with here.sampler.database.write() as session:
        here.sampler.heard(session, "traitortrack", Answer(True, "200", 0.25))
    here.clock.turn(minutes=1)
    with here.sampler.database.write() as session:
        here.sampler.heard(session, "traitortrack", Answer(False, "no answer: ConnectTimeout"))
    here.clock.turn(minutes=1)
    assert here.values("health_latency:traitortrack") == [0.25]
    assert here.values("health_failures:traitortrack") == [0.0, 100.0]


def test_every_database_and_host_is_measured() -> None:
    local = Host(title="Here", application="traitortrack", reach="local")
    policy = SHIPPED.model_copy(update={"hosts": {"app_1": SHIPPED.hosts["app_1"], "here": local}})
    assert [one.key for one in find_meters(policy, {})] == [
        "database:traitortrack", "log:app_1", "host:app_1", "log:here", "host:here",
    ]  # fmt: skip
    by_ssm, here = (HostResourcesMeter(key, policy, {}) for key in ("app_1", "here"))
    assert (by_ssm.every, here.every) == (5, 1), "by SSM each look is a call that counts"


def test_what_is_dear_to_look_at_is_looked_at_more_seldom_and_stands_for_longer(here: Here) -> None:
    dear = [Made(f"host:{number}", give(1.0), every=5) for number in range(20)]
    here.sampler.list_meters = lambda: dear
    looked = []
    here.sampler.start()
    for _ in range(10):
        here.pass_minutes(1)
        looked.append(sum(len(one.befores) for one in dear))
    assert looked[-1] == 40, "each of them in two of ten turns"
    assert 0 < looked[0] < 20, "and not all in the same"
    with here.series.database.read() as session:
        assert set(session.scalars(sa.select(Sample.width_s))) == {5 * 60}


def test_a_host_is_read_by_one_program(tmp_path: Path) -> None:
    answer = json.loads(subprocess.run([sys.executable, "-I", "-c", read_program("read_resources")],
                                       capture_output=True, check=True).stdout)  # fmt: skip
    load, memory = read_load(answer["load"], answer["processors"]), read_memory(answer["memory"])
    assert load is not None
    assert load >= 0
    assert memory is not None
    assert 0 < memory <= 100
    assert answer["disks"].startswith("Filesystem")


def test_new_error_lines_are_counted_once(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    commands = {"newest_log": ["cat", str(path)]}
    facts = {"title": "Here", "application": "traitortrack", "reach": "local", "commands": commands}
    local = Host.model_validate(facts)
    meter = HostLogMeter("here", SHIPPED.model_copy(update={"hosts": {"here": local}}), {})
    noon = HandClock()()
    path.write_text("ERROR old\n" * 3)
    first = meter.measure(noon, None)
    assert first.values == {}
    path.write_text("ERROR old\n" * 3 + "INFO fine\nERROR new\n10:00 FATAL new\n")
    second = meter.measure(noon + timedelta(minutes=2), Before(noon, first.kept))
    assert second.values == {"error_lines:here": 1.0}
    assert "ERROR" not in str(second.kept)
    third = meter.measure(noon + timedelta(minutes=3), Before(noon + timedelta(minutes=2), second.kept))
    assert third.values == {"error_lines:here": 0.0}
    path.unlink()
    with pytest.raises(Failed, match="The log cannot be read"):
        meter.measure(noon + timedelta(minutes=4), Before(noon, second.kept))


def test_figures_of_a_host_are_read_or_none() -> None:
    assert read_load("1.50 1.0 0.9 1/2 3\n", "2\n") == 0.75
    assert read_load("", "x") is None
    assert read_memory("MemTotal:  1000 kB\nMemFree: 1 kB\nMemAvailable:   250 kB\n") == 75.0
    assert read_memory("nothing") is None
    df = "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/a 10 5 5 50% /\ntmpfs 1 1 0 100% /run\n"
    assert list(read_disks(df)) == [50.0]
