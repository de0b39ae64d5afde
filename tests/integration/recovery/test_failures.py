"""Whatever is wrong with a backup, the target or the clients: the run ends before the swap and says what is true."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from bot.sandbox.stage import DATABASE
from bot.store.tables import Incident, Run
from tests.crash.rig import Rig, look_closely
from tests.integration.recovery.forgery import Spoil, cut_short, flip_a_bit, forge, leave_nothing, store_manifest


def run_restore(rig: Rig, incident: Incident, backup: str) -> Run:
    run = rig.approve(rig.plan_restore(incident, backup))
    assert run is not None
    return rig.finished(run.id)


def restore_the_good_one(rig: Rig) -> None:
    """What went wrong stands in nobody's way."""
    run = rig.start_restore(rig.shared.baseline.key)
    rig.assert_restored(run.id)


@pytest.mark.parametrize("spoil", [flip_a_bit, cut_short, leave_nothing])
def test_damaged_part(rig: Rig, incident: Incident, spoil: Spoil) -> None:
    damaged = forge(rig.shared.bucket, rig.shared.baseline, "damaged", spoil=spoil)
    oid = rig.shared.oid()
    ended = run_restore(rig, incident, damaged.key)
    assert ended.state in ("failed", "refused")
    assert damaged.key in ended.words
    assert f"{DATABASE} was never touched" in ended.words
    rig.assert_untouched(oid, ended)


def test_content_other_than_the_manifest_says(rig: Rig, incident: Incident) -> None:
    good = rig.shared.baseline
    tables = dict(good.fingerprint.tables)
    bag = tables["public.bag"]
    tables["public.bag"] = bag.model_copy(update={"rows": bag.rows + 1})
    other = good.model_copy(
        update={
            "key": f"{good.key}_other",
            "run": "other",
            "fingerprint": good.fingerprint.model_copy(update={"tables": tables}),
        }
    )
    store_manifest(rig.shared.bucket, other)
    rig.shared.delete_object(good.manifest_key)  # two manifests may not be the newest both
    try:
        oid = rig.shared.oid()
        ended = run_restore(rig, incident, other.key)
        assert ended.state == "failed"
        assert "public.bag" in ended.words
        assert rig.steps(ended.id)["compare"].state == "failed"
        assert rig.steps(ended.id)["swap"].state == "waiting"
        rig.assert_untouched(oid, ended)
    finally:
        store_manifest(rig.shared.bucket, good)


def test_role_that_is_missing_when_planned(rig: Rig, incident: Incident) -> None:
    lacking = forge(rig.shared.bucket, rig.shared.baseline, "ghost", roles=("traitortrack", "ghost_role"))
    plan = rig.plan_restore(incident, lacking.key)
    assert plan.state == "refused"
    assert "ghost_role" in plan.reason


def test_role_that_goes_missing_after_the_approval(rig: Rig, incident: Incident) -> None:
    with rig.shared.admin() as connection:
        connection.execute("CREATE ROLE ghost_role")
        lacking = forge(rig.shared.bucket, rig.shared.baseline, "ghost", roles=("traitortrack", "ghost_role"))
        plan = rig.plan_restore(incident, lacking.key)
        rig.approve(plan, "amara")
        connection.execute("DROP ROLE ghost_role")
    oid = rig.shared.oid()
    run = rig.approve(plan, "mei")
    assert run is not None
    ended = rig.finished(run.id)
    assert ended.state == "refused"
    assert "ghost_role" in ended.words
    rig.assert_untouched(oid, ended)


def test_extension_and_space_that_the_target_lacks(rig: Rig, incident: Incident) -> None:
    good = rig.shared.baseline
    extended = forge(rig.shared.bucket, good, "extended", extensions={"no_such_extension": "1.0"})
    plan = rig.plan_restore(incident, extended.key)
    assert (plan.state, "no_such_extension" in plan.reason) == ("refused", True)
    huge = good.parts[0].model_copy(update={"dump_bytes": 2**55})
    large = good.model_copy(update={"key": f"{good.key}_large", "run": "large", "parts": (huge, *good.parts[1:])})
    store_manifest(rig.shared.bucket, large)
    plan = rig.plan_restore(incident, large.key)
    assert (plan.state, "space" in plan.reason or "free" in plan.reason) == ("refused", True), plan.reason


def test_session_that_may_not_be_ended(rig: Rig, incident: Incident) -> None:
    """A superuser's session on the live database: seen before anybody is disconnected."""
    oid = rig.shared.oid()
    with psycopg.connect(rig.shared.stage.cluster.url(DATABASE, role="postgres")):
        ended = run_restore(rig, incident, rig.shared.baseline.key)
    assert ended.state == "refused"
    assert "may not end" in ended.words
    rig.assert_untouched(oid, ended)
    restore_the_good_one(rig)


@contextmanager
def clients_that_always_come_back(url: str, number: int) -> Iterator[None]:
    """They connect, ask, and connect again, as fast as they can."""
    stop = threading.Event()

    def insist() -> None:
        while not stop.is_set():
            try:
                with psycopg.connect(url, connect_timeout=5) as connection:
                    connection.execute("SELECT count(*) FROM bag")
            except psycopg.OperationalError:
                continue

    threads = [threading.Thread(target=insist) for _ in range(number)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_clients_that_reconnect_all_the_time(rig: Rig) -> None:
    """They are held at the door for the moment of the exchange; it happens in spite of them."""
    with clients_that_always_come_back(rig.shared.stage.application_url, 4):
        run = rig.start_restore()
        rig.assert_restored(run.id)


def test_slack_down_during_the_run(rig: Rig, incident: Incident) -> None:
    """The run does not wait for Slack, and Slack is told afterwards."""
    run = rig.approve(rig.plan_restore(incident))
    assert run is not None
    rig.workspace.set_outage(True)
    try:
        assert rig.finished(run.id).state == "done"
    finally:
        rig.workspace.set_outage(False)
    rig.assert_restored(run.id)


def test_server_lost_in_the_middle(rig: Rig, incident: Incident) -> None:
    """The run ends in words although not even cleaning up is possible."""
    run = rig.approve(rig.plan_restore(incident))
    assert run is not None
    look_closely(lambda: rig.services.runs.list_steps(run.id)[1:2] != [] and _state(rig, run) == "running", "restore")
    rig.shared.stage.cluster.kill()
    try:
        ended = rig.finished(run.id)
    finally:
        rig.shared.stage.cluster.start()
    assert ended.state == "failed"
    rig.assert_sound()
    assert rig.shared.count_bags() == rig.shared.baseline.fingerprint.tables["public.bag"].rows
    rig.shared.reset()
    restore_the_good_one(rig)


def _state(rig: Rig, run: Run) -> str:
    return rig.steps(run.id)["restore"].state
