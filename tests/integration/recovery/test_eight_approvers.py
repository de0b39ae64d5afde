"""Eight people press Approve at the same instant, a hundred times: exactly one run each time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.clock import utc_now
from bot.outcome import Refused
from bot.recovery.plans import hash_plan
from bot.sandbox.stage import DATABASE
from bot.store import ledger
from bot.store.documents import Loss, PlanDocument, Prediction
from bot.store.tables import Approval, LedgerEntry, Plan, Run
from tests.crash.rig import Rig, open_rig
from tests.integration.recovery.conftest import EIGHT, PEOPLE
from tests.stage_fixtures import SharedStage

TIMES = 100
QUORUM = 2


def make_plan(rig: Rig) -> Plan:
    """A plan that waits for approvals, without anything behind it."""
    nothing = Prediction(seconds=None, source="")
    document = PlanDocument(
        action="restore_database", title="Restore", risk="destructive", target=DATABASE, parameters={}, observed={},
        steps=[], loss=Loss(seconds=None, rows=None, words=""), downtime=nothing, duration=nothing, way_back="",
        confirm=DATABASE,
    )  # fmt: skip
    plan = Plan(
        action=document.action, parameters={}, requested_by="diego", place="channel:incidents", state="pending",
        target=DATABASE, document=document, hash=hash_plan(document), created_at=utc_now(),
        expires_at=utc_now() + rig.policy.approvals["destructive"].expires_after,
    )  # fmt: skip
    with rig.services.database.write() as session:
        session.add(plan)
    return plan


def press_together(rig: Rig, plan: Plan, pool: ThreadPoolExecutor) -> list[Run | Refused | None]:
    start = threading.Barrier(len(EIGHT))

    def press(key: str) -> Run | Refused | None:
        start.wait()
        try:
            return rig.services.approvals.decide(plan.id, plan.hash, rig.person(key), "approve", typed=DATABASE)
        except Refused as refusal:
            return refusal

    return list(pool.map(press, EIGHT))


@pytest.mark.timeout(300)
def test_one_run_each_time(crowd: Rig) -> None:
    plans = [make_plan(crowd) for _ in range(TIMES)]
    with ThreadPoolExecutor(len(EIGHT)) as pool:
        for plan in plans:
            outcomes = press_together(crowd, plan, pool)
            assert len([one for one in outcomes if isinstance(one, Run)]) == 1
            assert len([one for one in outcomes if one is None]) == QUORUM - 1
            refusals = [one.words for one in outcomes if isinstance(one, Refused)]
            assert len(refusals) == len(EIGHT) - QUORUM
            assert all("approved; your press changed nothing" in words for words in refusals), refusals
    assert_counted(crowd, plans)


def assert_counted(rig: Rig, plans: list[Plan]) -> None:
    """One run, one workflow, two approvals and six refusals of each plan, and a chain that holds."""
    with rig.services.database.read() as session:
        assert sorted(session.scalars(sa.select(Run.plan_id))) == [plan.id for plan in plans]
        assert session.scalar(sa.select(sa.func.count()).select_from(Approval)) == QUORUM * TIMES
        kinds = sa.select(LedgerEntry.kind, sa.func.count()).group_by(LedgerEntry.kind)
        assert dict(session.execute(kinds).all()) == {
            "approval.approved": QUORUM * TIMES,
            "approval.refused": (len(EIGHT) - QUORUM) * TIMES,
            "run.queued": TIMES,
        }
        assert ledger.verify(session)[1] == []
    # One delivery of each run's message waits beside the run itself.
    assert rig.services.engine.pending() == 2 * TIMES


def test_over_slack(fresh_stage: SharedStage, tmp_path: Path) -> None:
    """The same through the workspace: eight open forms, submitted at once."""
    with open_rig(fresh_stage, tmp_path, people=PEOPLE) as rig:
        rig.start_and_wait()
        incident = rig.declare()
        room = rig.room(incident.id)
        plan = rig.plan_restore(incident)
        forms = {}
        for key in EIGHT:
            rig.join(key, room)
            rig.actor(key).press(room.id, "plan.approve")
            forms[key] = rig.actor(key).wait_for_form("typed")
        start = threading.Barrier(len(EIGHT))

        def submit(key: str) -> str:
            start.wait()
            return rig.submit(key, forms[key], typed=DATABASE)

        with ThreadPoolExecutor(len(EIGHT)) as pool:
            answers = list(pool.map(submit, EIGHT))
        assert sorted(answers)[:QUORUM] == [""] * QUORUM
        assert all("your press changed nothing" in answer for answer in sorted(answers)[QUORUM:]), answers
        runs = [run for run in rig.services.runs.list_recent() if run.plan_id == plan.id]
        assert len(runs) == 1
        rig.finished(runs[0].id)
        rig.settle()
        assert len(rig.said(room, f"Run {runs[0].id},")) == 1
