"""kill -9 of the bot while it puts a kept database back, and while it drops one: done once, in whole, and proven."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.sandbox.stage import DATABASE
from bot.store.tables import Run
from bot.systems.dumps.listing import confirm_backup, list_backups
from tests.crash.moments import Moment, when_begun, when_ended, when_happened, when_queued
from tests.crash.rig import Rig, open_rig
from tests.integration.recovery.keeping import COMMENT, comment_on, keep
from tests.integration.recovery.sessions import count_log_lines
from tests.stage_fixtures import PREFIX, SharedStage

pytestmark = pytest.mark.crash

PUTTING_BACK = ("preflight", "swap", "comment", "application")


def start(rig: Rig, action: str, kept: str) -> Run:
    """From nothing to an approved run of the action."""
    plan = rig.plan(action, rig.declare(), kept=kept)
    assert plan.document is not None, plan.reason
    run = None
    for person in ("amara", "mei"):
        run = rig.services.approvals.decide(
            plan.id, plan.hash, rig.person(person), "approve", typed=plan.document.confirm
        )
    assert run is not None
    return run


def assert_proven_once(rig: Rig, run: Run, steps: tuple[str, ...]) -> None:
    ended = rig.finished(run.id)
    assert ended.state == "done", f"{ended.words}\n{rig.bot.log_tail()}"
    assert ended.proof is not None
    assert ended.proof.good, ended.proof
    kinds = [entry.kind for entry in rig.entries(run.incident_id) if entry.kind.startswith("run.")]
    assert kinds == ["run.queued", "run.started", *(f"run.step.{step}" for step in steps), "run.done"]
    rig.assert_sound()


def is_put_back(rig: Rig, run_id: int) -> bool:
    return f"{DATABASE}_before_run{run_id}" in rig.shared.databases()


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "moments",
    [
        pytest.param([when_queued, *(when_begun(step) for step in PUTTING_BACK)], id="before-each-step"),
        pytest.param([when_ended(step) for step in ("swap", "application")], id="after-steps"),
        pytest.param(
            [when_begun("swap", 0.01), when_begun("swap", 0.03, attempt=2), when_begun("application", 0.02)],
            id="inside",
        ),
        pytest.param([when_happened("swap", is_put_back)], id="happened-yet-not-recorded"),
    ],
)
def test_killed_while_putting_back(fresh_stage: SharedStage, tmp_path: Path, moments: list[Moment]) -> None:
    before = fresh_stage.oid()
    kept = keep(fresh_stage)
    restored = fresh_stage.oid()
    with open_rig(fresh_stage, tmp_path) as rig:
        rig.start_and_wait()
        run = start(rig, "put_back_database", kept)
        for kill in moments:
            kill(rig, run.id)
            rig.start()
        assert_proven_once(rig, run, PUTTING_BACK)
        now_kept = f"{DATABASE}_before_run{run.id}"
        assert fresh_stage.databases() == {DATABASE, now_kept}
        assert (fresh_stage.oid(), fresh_stage.oid(now_kept)) == (before, restored)
        assert comment_on(fresh_stage, DATABASE) == COMMENT


def is_dropped(rig: Rig, run_id: int) -> bool:
    return rig.shared.databases() == {DATABASE}


def list_finals(shared: SharedStage) -> list[str]:
    return [one.key for one in list_backups(shared.bucket, PREFIX).backups if "_final-" in one.key]


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "moments",
    [
        pytest.param([when_queued, when_begun("archive"), when_begun("drop")], id="before-each-step"),
        pytest.param([when_ended("archive"), when_ended("drop")], id="after-each-step"),
        pytest.param(
            [when_begun("archive", 0.2), when_begun("archive", 0.6, attempt=2), when_begun("drop", 0.02)], id="inside"
        ),
        pytest.param([when_happened("drop", is_dropped)], id="happened-yet-not-recorded"),
    ],
)
def test_killed_while_dropping(fresh_stage: SharedStage, tmp_path: Path, moments: list[Moment]) -> None:
    kept, live = keep(fresh_stage), fresh_stage.oid()
    with fresh_stage.admin() as connection:
        connection.execute("ALTER ROLE holdfast SET log_statement = 'ddl'")  # the server counts what it is told
    try:
        with open_rig(fresh_stage, tmp_path) as rig:
            rig.start_and_wait()
            said = count_log_lines(fresh_stage, f'DROP DATABASE "{kept}"')
            run = start(rig, "drop_kept_database", kept)
            for kill in moments:
                kill(rig, run.id)
                rig.start()
            assert_proven_once(rig, run, ("archive", "drop"))
            assert count_log_lines(fresh_stage, f'DROP DATABASE "{kept}"') - said == 1
            assert (fresh_stage.databases(), fresh_stage.oid()) == ({DATABASE}, live)
            assert list_finals(fresh_stage) == [rig.steps(run.id)["archive"].output["key"]]
            confirm_backup(fresh_stage.bucket, list_backups(fresh_stage.bucket, PREFIX).backups[0])
    finally:
        with fresh_stage.admin() as connection:
            connection.execute("ALTER ROLE holdfast RESET log_statement")
