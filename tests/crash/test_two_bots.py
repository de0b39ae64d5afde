"""Several bots on one store: one runs workflows; when it dies another goes on."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import psycopg
import pytest
import requests

from bot.sandbox.children import Child
from bot.sandbox.stage import DATABASE
from tests.crash.moments import when_begun
from tests.crash.relay import open_relay
from tests.crash.rig import Rig, look_closely, make_bot, open_rig, wait_ready
from tests.stage_fixtures import SharedStage

pytestmark = pytest.mark.crash

TAKEN_OVER_WITHIN_S = 15.0


def leads(bot: Child) -> bool:
    if not bot.running:
        return False
    answer = requests.get(f"http://127.0.0.1:{bot.argv[-1]}/readyz", timeout=10)
    return bool(answer.json().get("leader"))


def start_both(rig: Rig) -> tuple[Child, Child]:
    """The leader and the one that waits."""
    leader, other = rig.bots
    rig.start(leader)
    wait_ready(leader)
    rig.wait("the leader", lambda: leads(leader) or None)
    rig.start(other)
    wait_ready(other)
    assert not leads(other)
    return leader, other


def test_other_takes_over_on_postgresql(fresh_stage: SharedStage, tmp_path: Path) -> None:
    with fresh_stage.bot_store() as store, open_rig(fresh_stage, tmp_path, store=store, bots=2) as rig:
        leader, other = start_both(rig)
        run = rig.start_restore()
        when_begun("restore", bot=leader)(rig, run.id)
        died_at = time.monotonic()
        look_closely(lambda: rig.steps(run.id)["restore"].attempts == 2, "the takeover")
        assert time.monotonic() - died_at < TAKEN_OVER_WITHIN_S
        assert leads(other)
        rig.assert_restored(run.id)


def test_other_takes_over_from_one_that_is_cut_off(fresh_stage: SharedStage, tmp_path: Path) -> None:
    """It still lives and works when the store has given its place away; it must notice, and do no harm meanwhile."""
    with (
        fresh_stage.bot_store() as store,
        open_relay(store) as (relay, through),
        open_rig(fresh_stage, tmp_path, store=store, bots=2) as rig,
    ):
        rig.bots[0] = make_bot(tmp_path, 2, {**rig.environment, "HOLDFAST_DATABASE_URL": through})
        leader, other = start_both(rig)
        run = rig.start_restore()
        look_closely(lambda: rig.steps(run.id).get("restore") is not None and _attempts(rig, run.id) == 1, "restoring")
        relay.cut()
        cut_at = time.monotonic()
        look_closely(lambda: _attempts(rig, run.id) == 2, "the takeover")
        assert time.monotonic() - cut_at < TAKEN_OVER_WITHIN_S
        rig.wait("the end of the one that was cut off", lambda: None if leader.running else True)
        assert leads(other)
        rig.assert_restored(run.id)


def test_second_waits_on_sqlite(fresh_stage: SharedStage, tmp_path: Path) -> None:
    with open_rig(fresh_stage, tmp_path, bots=2) as rig:
        leader, other = start_both(rig)
        run = rig.start_restore()
        rig.assert_restored(run.id)
        assert [step.attempts for step in rig.steps(run.id).values()] == [1] * len(rig.steps(run.id))
        rig.kill(leader)
        rig.wait("the takeover", lambda: leads(other) or None)


def test_told_to_stop_in_the_middle(fresh_stage: SharedStage, tmp_path: Path) -> None:
    """As in a deployment: the other goes on with the step only when the first has really ended."""
    with open_rig(fresh_stage, tmp_path, bots=2) as rig:
        leader, _ = start_both(rig)
        run = rig.start_restore()
        url = fresh_stage.stage.cluster.url(f"{DATABASE}_restore_run{run.id}", role="postgres")
        look_closely(lambda: has_bags(url), "the table")
        blocking = psycopg.connect(url)
        blocking.execute("LOCK TABLE bag IN ACCESS EXCLUSIVE MODE")  # the run gets no further, restoring or comparing
        leader.send(signal.SIGTERM)
        look_closely(lambda: any(step.attempts == 2 for step in rig.steps(run.id).values()), "the takeover")
        assert not leader.running
        blocking.close()
        rig.assert_restored(run.id)


def _attempts(rig: Rig, run_id: int) -> int:
    return rig.steps(run_id)["restore"].attempts


def has_bags(url: str) -> bool:
    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            return connection.execute("SELECT to_regclass('bag')").fetchone() != (None,)
    except psycopg.OperationalError:
        return False
