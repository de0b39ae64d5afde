"""kill -9 of the bot while it ends queries: each is asked to end once, and nobody else ever is."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest
from pydantic import JsonValue

from bot.comms.notices import incident_room
from bot.sandbox.stage import DATABASE
from bot.store.tables import Plan, Run
from tests.crash.moments import Moment, when_begun, when_ended, when_happened, when_queued
from tests.crash.rig import Rig, open_rig
from tests.integration.recovery.sessions import count_log_lines, running
from tests.stage_fixtures import SharedStage

pytestmark = pytest.mark.crash

TERMINATED = "terminating connection due to administrator command"
VICTIMS = [f"report{number}" for number in range(5)]


def start_ending(rig: Rig, sessions: list[JsonValue]) -> Run:
    """From nothing to an approved run."""
    incident = rig.declare()
    asked = rig.services.plans.request(
        person=rig.person("diego"), action="end_queries", parameters={"database": DATABASE, "sessions": sessions},
        place=incident_room(incident.id), incident_id=incident.id,
    )  # fmt: skip

    def made() -> Plan | None:
        plan = rig.services.plans.find(asked.id)
        return plan if plan.state != "making" else None

    plan = rig.wait("the plan", made)
    run = rig.services.approvals.decide(plan.id, plan.hash, rig.person("amara"), "approve")
    assert run is not None
    return run


def all_are_gone(rig: Rig, run_id: int) -> bool:
    query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = ANY(%s)"
    with rig.shared.admin() as connection:
        return connection.execute(query, (VICTIMS,)).fetchone() == (0,)


@pytest.mark.timeout(200)
@pytest.mark.parametrize(
    "moments",
    [
        pytest.param([when_queued, when_begun("end")], id="before"),
        pytest.param([when_begun("end", 0.005), when_begun("end", 0.01, attempt=2)], id="inside"),
        pytest.param([when_happened("end", all_are_gone), when_ended("end")], id="happened-yet-not-recorded"),
    ],
)
def test_killed(fresh_stage: SharedStage, tmp_path: Path, moments: list[Moment]) -> None:
    with ExitStack() as stack:
        victims = [stack.enter_context(running(fresh_stage, name)) for name in VICTIMS]
        bystander = stack.enter_context(running(fresh_stage, "bystander"))
        rig = stack.enter_context(open_rig(fresh_stage, tmp_path))
        rig.start_and_wait()
        run = start_ending(rig, [victim.wait_until_older(0).session for victim in victims])
        before = count_log_lines(fresh_stage, TERMINATED)
        for kill in moments:
            kill(rig, run.id)
            rig.start()
        ended = rig.finished(run.id)
        assert ended.state == "done", f"{ended.words}\n{rig.bot.log_tail()}"
        assert ended.proof is not None
        assert ended.proof.good, ended.proof
        assert count_log_lines(fresh_stage, TERMINATED) - before == len(VICTIMS)
        assert all_are_gone(rig, run.id)
        assert bystander.find() is not None
        rig.assert_sound()
