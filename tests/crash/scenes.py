"""What the crash suite needs to know of an action: a world in which it can be run, and how to judge it afterwards."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from bot.comms.notices import incident_room
from bot.sandbox.children import Child
from bot.sandbox.cloud import REGION
from bot.sandbox.postgres_cluster import RECOVERY_ROLE
from bot.sandbox.primary_instance import SECOND_REGION
from bot.store.tables import Plan, Run
from tests.crash.points import read_points
from tests.crash.rig import PATIENCE_S, Rig
from tests.stage_fixtures import SharedStage

Given = dict[str, Any]
Judge = Callable[[Rig, Run], None]


@dataclass(frozen=True)
class Scene:
    """A world that was set up for one run."""

    given: Given
    """Parameters of the plan."""
    done: Judge
    """Asserts what an undisturbed run leaves, counted at the outside."""
    untouched: Judge
    """Asserts what a run leaves that was cancelled."""
    good: bool = True
    """Whether all verdicts of the proof are; where people have a part in it that nobody plays here, they are not."""


Build = Callable[[ExitStack, Any], Scene]


def start(rig: Rig, action: str, given: Given) -> Run:
    """Ask for a plan and approve it by as many as it needs."""
    incident = rig.declare(action)
    asked = rig.services.plans.request(
        person=rig.person("diego"), action=action, parameters=given,
        place=incident_room(incident.id), incident_id=incident.id,
    )  # fmt: skip
    plan: Plan = rig.wait("the plan", lambda: rig._made(asked.id))
    for key in ("amara", "mei"):
        if plan.state == "pending":
            typed = plan.document.confirm if plan.document else None
            rig.services.approvals.decide(plan.id, plan.hash, rig.person(key), "approve", typed=typed)
            plan = rig.services.plans.find(plan.id)
    found = next((run for run in rig.services.runs.list_recent() if run.plan_id == plan.id), None)
    assert found is not None, f"{plan.state}: {plan.reason}"
    return found


def outlive(rig: Rig, run: Run, dies_in: Path) -> None:
    """Start the bot again whenever it has killed itself, until the run is over and the bot lives."""
    deadline = time.monotonic() + PATIENCE_S
    while not rig.bot.running or not _is_over(rig, run, dies_in):
        if not rig.bot.running:
            rig.start()
            deadline = time.monotonic() + PATIENCE_S
        assert time.monotonic() < deadline, f"stuck after {read_points(dies_in)[-1:]}\n{rig.bot.log_tail()}"
        _wait_for_end(rig.bot, 0.1)


def _wait_for_end(bot: Child, within_s: float) -> None:
    end = time.monotonic() + within_s
    while bot.running and time.monotonic() < end:
        time.sleep(0.003)


def _is_over(rig: Rig, run: Run, dies_in: Path) -> bool:
    """A bot that has written its death down may not be dead yet: only one started since is one that lives, and that
    has nothing left to do."""
    found = rig.services.runs.find(run.id)
    if found.finished_at is None or found.state != "done":
        return found.finished_at is not None
    return rig.bot.starts > len(read_points(dies_in)) and rig.is_settled()


def assert_proven_once(rig: Rig, run: Run, steps: list[str], *, good: bool) -> None:
    """Done, with its proof, and everything in the ledger once and in order."""
    ended = rig.finished(run.id)
    assert ended.state == "done", f"{ended.state}: {ended.words}\n{rig.bot.log_tail()}"
    assert ended.proof is not None
    assert ended.proof.good or not good, ended.proof
    kinds = [entry.kind for entry in rig.entries(run.incident_id) if entry.kind.startswith("run.")]
    assert kinds == ["run.queued", "run.started", *(f"run.step.{step}" for step in steps), "run.done"]
    assert {step.state for step in rig.steps(run.id).values()} == {"done"}


def list_remote_work(rig: Rig) -> list[str]:
    """What goes on in the world at this moment on the bot's behalf: queries, programs, whatever AWS is at."""
    return [*list_queries(rig.shared), *list_programs(rig), *list_unsettled(rig)]


def list_queries(shared: SharedStage) -> list[str]:
    query = "SELECT query FROM pg_stat_activity WHERE usename = %s AND state = 'active'"
    with shared.admin() as connection:
        return [str(text) for (text,) in connection.execute(query, (RECOVERY_ROLE,)).fetchall()]


def list_programs(rig: Rig) -> list[str]:
    """Whatever the bot has started."""
    done = subprocess.run(
        ["ps", "-o", "args=", "--ppid", str(rig.bot.pid)], capture_output=True, text=True, check=False
    )
    return done.stdout.splitlines()


def list_unsettled(rig: Rig) -> list[str]:
    """Instances and snapshots of both regions that are not what they are to be yet."""
    if not any(call["service"] == "rds" for call in rig.shared.stage.cloud.calls()):
        return []
    found = []
    for region in (REGION, SECOND_REGION):
        rds = boto3.client("rds", region_name=region)
        states = [
            (one["DBInstanceIdentifier"], one["DBInstanceStatus"]) for one in rds.describe_db_instances()["DBInstances"]
        ]
        states += [(one["DBSnapshotIdentifier"], one["Status"]) for one in rds.describe_db_snapshots()["DBSnapshots"]]
        found += [f"{name} in {region} is {state}" for name, state in states if state != "available"]
    return found
