"""Random kills over a whole playbook: whenever the bot dies, it goes on, and the end is that of an undisturbed one.

`HOLDFAST_RANDOM_KILLS` says how many (10 in the ordinary suite, 100 before a release), `HOLDFAST_RANDOM_SEED` which.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.comms.notices import incident_room
from bot.sandbox.stage import DATABASE
from bot.store.tables import Lock, PlaybookRun, PlaybookTask, Run
from bot.systems.dumps.listing import list_backups
from tests.crash.rig import Rig, open_rig
from tests.stage_fixtures import PREFIX, SharedStage

pytestmark = pytest.mark.crash

KILLS = int(os.environ.get("HOLDFAST_RANDOM_KILLS", "10"))
SEED = int(os.environ.get("HOLDFAST_RANDOM_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
KEY, OVER = "database_corruption", ("done", "stopped", "refused", "paused")
LONGEST_LIFE_S = 3.0
"""A bot that has just been started is up in about half a second, so kills fall into starting and into working."""
STORY = Counter(
    {
        "playbook.started": 1, "playbook.begun": 1, "playbook.step.begun": 2, "playbook.step.done": 2,
        "playbook.step.needless": 1, "playbook.done": 1,
    }
)  # fmt: skip


@pytest.mark.timeout(120 + 20 * KILLS)
def test_killed_at_random(shared_stage: SharedStage, tmp_path: Path) -> None:
    """One playbook after another, until there have been enough kills."""
    moments, kills, rounds = random.Random(SEED), 0, 0
    with open_rig(shared_stage, tmp_path, dies_often=True) as rig:
        rig.start_and_wait()
        while kills < KILLS:
            shared_stage.reset()
            shared_stage.stage.pull("lost-bags")
            run = start(rig)
            kills += kill_until_over(rig, run, moments, KILLS - kills)
            assert_as_undisturbed(rig, run)
            rounds += 1
    assert rig.bot.starts == 1 + KILLS, f"seed {SEED}, {rounds} playbooks"


def start(rig: Rig) -> PlaybookRun:
    incident = rig.declare()
    return rig.services.playbooks.start(
        person=rig.person("diego"),
        key=KEY,
        database=DATABASE,
        place=incident_room(incident.id),
        incident_id=incident.id,
    )


def kill_until_over(rig: Rig, run: PlaybookRun, moments: random.Random, kills: int) -> int:
    """Do what people do, and kill the bot at random moments meanwhile; how often it was."""
    killed, end = 0, time.monotonic() + moments.uniform(0.2, LONGEST_LIFE_S)
    while rig.services.playbooks.find(run.id).state not in OVER:
        act_as_people(rig, run)
        if killed < kills and time.monotonic() > end:
            rig.kill()
            rig.start()
            killed, end = killed + 1, time.monotonic() + moments.uniform(0.2, LONGEST_LIFE_S)
        time.sleep(0.01)
    return killed


def act_as_people(rig: Rig, run: PlaybookRun) -> None:
    """Approve the whole."""
    found = rig.services.playbooks.find(run.id)
    if found.state == "pending" and found.plan_id:
        plan = rig.services.plans.find(found.plan_id)
        if plan.state == "pending":
            rig.approve(plan)


def assert_as_undisturbed(rig: Rig, run: PlaybookRun) -> None:
    """Same end, every change of the outside world made exactly once, nothing held, nothing under way."""
    where = f"seed {SEED}\n{rig.bot.log_tail()}"
    ended = rig.services.playbooks.find(run.id)
    tasks = rig.services.playbooks.list_tasks(run.id)
    assert ended.state == "done", f"{ended.words} {where}"
    assert [task.state for task in tasks] == ["done", "needless", "done"], where
    assert rig.shared.count_bags() == rig.shared.baseline.fingerprint.tables["public.bag"].rows
    assert len(list_backups(rig.shared.bucket, PREFIX).backups) == 2, where
    restored = tasks[2].plan_id
    with rig.services.database.read() as session:
        runs = list(session.scalars(sa.select(Run).join(PlaybookTask, PlaybookTask.plan_id == Run.plan_id)))
        mine = [one for one in runs if one.incident_id == run.incident_id]
        assert session.scalars(sa.select(Lock)).all() == [], where
    assert [(one.action, one.state) for one in mine] == [("back_up_database", "done"), ("restore_database", "done")]
    kept = next(one.id for one in mine if one.plan_id == restored)
    assert rig.shared.databases() == {DATABASE, f"{DATABASE}_before_run{kept}"}, where
    story = Counter(entry.kind for entry in rig.entries(run.incident_id) if entry.kind.startswith("playbook."))
    assert story == STORY, where
    rig.assert_sound()
    assert run.incident_id is not None
    said = rig.said(rig.room(run.incident_id), f"Playbook run {run.id},")
    assert [one["text"].endswith(": done") for one in said] == [True], where
