"""Playbooks against the real stage: one approval or several, conditions, failures and what people decide then."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from bot.comms.notices import incident_room
from bot.outcome import Refused
from bot.policy.plain_yaml import dump_plain, load_plain
from bot.sandbox.demo_policy import write_demo_policy
from bot.sandbox.stage import DATABASE
from bot.store.tables import Incident, Lock, Notice, Plan, PlaybookRun, PlaybookTask, Run
from bot.systems.dumps.listing import list_backups
from tests.by_people import make_by_people
from tests.crash.rig import Rig, look_closely, open_rig
from tests.integration.handlers.rig import run_at_once
from tests.integration.recovery.forgery import flip_a_bit, forge, store_manifest
from tests.stage_fixtures import PREFIX, SharedStage

RESTORE = {
    "title": "Restore",
    "action": "restore_database",
    "references": {"database": "database", "backup": "newest_verified_backup"},
}
BACK_UP = {
    "title": "Copy",
    "action": "back_up_database",
    "references": {"database": "database"},
    "skipping": "a copy of what is there",
}
LOOK = {"title": "Look", "manual": "Look at it", "phase": "Validation", "skipping": "a look"}


def make_playbook(approval: str, *steps: dict[str, Any]) -> dict[str, Any]:
    return {"title": "Test", "disaster": "database_corruption", "approval": approval, "steps": list(steps)}


PLAYBOOKS = {
    "look_first": make_playbook("whole", LOOK, RESTORE),
    "one_by_one": make_playbook(
        "each", {**BACK_UP, "when": "database_present"}, {**RESTORE, "when": "rows_lost"}, LOOK
    ),
    "restore_each": make_playbook("each", {**RESTORE, "skipping": "the data"}, LOOK),
    "by_people": make_by_people(),
    "fragile": make_playbook("each", {**RESTORE, "on_failure": "stop"}, LOOK),
}


@contextmanager
def open_playbook_rig(
    shared_stage: SharedStage, folder: Path, store: str | None = None, **changed: Any
) -> Iterator[Rig]:
    """A bot whose policy has playbooks of the tests' own beside the shipped ones."""
    shared_stage.reset()
    path, _ = write_demo_policy(folder, shared_stage.stage.warehouse_url)
    text = load_plain(path) | changed
    text["playbooks"] |= json.loads(json.dumps(PLAYBOOKS))  # no aliases in the YAML
    own = folder / "with_playbooks.yml"
    dump_plain(own, text)
    with open_rig(shared_stage, folder, store=store, HOLDFAST_POLICY=str(own)) as rig:
        rig.start_and_wait()
        yield rig


@pytest.fixture(scope="module")
def playbook_rig(shared_stage: SharedStage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """One for all tests; they take `rig`."""
    with open_playbook_rig(shared_stage, tmp_path_factory.mktemp("rig")) as rig:
        yield rig


@pytest.fixture
def rig(playbook_rig: Rig, fresh_stage: SharedStage) -> Iterator[Rig]:
    yield playbook_rig
    playbooks = playbook_rig.services.playbooks
    for run in playbooks.list_recent():
        if run.state not in ("done", "stopped", "refused", "stopping"):
            playbooks.steering.stop(run.id, playbook_rig.person("amara"))


@pytest.fixture
def incident(rig: Rig, request: pytest.FixtureRequest) -> Incident:
    return rig.declare(request.node.name)


def start(rig: Rig, incident: Incident, key: str, person: str = "diego") -> PlaybookRun:
    return rig.services.playbooks.start(
        person=rig.person(person), key=key, database=DATABASE, place=incident_room(incident.id), incident_id=incident.id
    )


def wait_for_state(rig: Rig, run: PlaybookRun, *states: str) -> PlaybookRun:
    def look() -> PlaybookRun | None:
        found = rig.services.playbooks.find(run.id)
        return found if found.state in states else None

    return rig.wait(f"playbook run {run.id} being {' or '.join(states)}", look)


def wait_for_task(rig: Rig, run: PlaybookRun, index: int, found: Callable[[PlaybookTask], bool]) -> PlaybookTask:
    def look() -> PlaybookTask | None:
        task = rig.services.playbooks.list_tasks(run.id)[index]
        return task if found(task) else None

    return rig.wait(f"step {index + 1} of playbook run {run.id}", look)


def wait_for_plan(rig: Rig, run: PlaybookRun, index: int, after: int = 0) -> Plan:
    """The plan that a step asks for, once it waits for approvals."""
    task = wait_for_task(rig, run, index, lambda one: (one.plan_id or 0) > after)
    assert task.plan_id is not None

    def look() -> Plan | None:
        plan = rig.services.plans.find(task.plan_id or 0)
        return plan if plan.state != "making" else None

    return rig.wait("the step's plan", look)


def approve_whole(rig: Rig, run: PlaybookRun) -> None:
    pending = wait_for_state(rig, run, "pending", "refused")
    assert pending.plan_id, pending.words
    assert rig.approve(rig.services.plans.find(pending.plan_id)) is None


def confirm(rig: Rig, run: PlaybookRun, index: int, person: str = "mei") -> None:
    wait_for_task(rig, run, index, lambda task: task.state == "asked")
    rig.services.playbooks.steering.confirm(run.id, index, rig.person(person))


@contextmanager
def without_baseline(rig: Rig) -> Iterator[None]:
    """The backup that all tests share is not to be found."""
    rig.shared.delete_object(rig.shared.baseline.manifest_key)
    try:
        yield
    finally:
        store_manifest(rig.shared.bucket, rig.shared.baseline)


def states(rig: Rig, run: PlaybookRun) -> list[str]:
    return [task.state for task in rig.services.playbooks.list_tasks(run.id)]


def count_new_backups(shared: SharedStage) -> int:
    return len(list_backups(shared.bucket, PREFIX).backups) - 1


def list_locks(rig: Rig) -> list[Lock]:
    with rig.services.database.read() as session:
        return list(session.scalars(sa.select(Lock)))


def list_runs(rig: Rig, run: PlaybookRun) -> list[Run]:
    query = sa.select(Run).join(PlaybookTask, PlaybookTask.plan_id == Run.plan_id)
    with rig.services.database.read() as session:
        return list(session.scalars(query.where(PlaybookTask.playbook_run_id == run.id)))


def test_corruption_from_beginning_to_end(rig: Rig, incident: Incident) -> None:
    """The shipped playbook under one approval: a copy of the damage, and the backup from before it is live again."""
    rig.shared.stage.pull("lost-bags")
    run = start(rig, incident, "database_corruption")
    approve_whole(rig, run)
    done = wait_for_state(rig, run, "done", "paused")
    assert (done.state, states(rig, run)) == ("done", ["done", "needless", "done"]), done.words
    rig.assert_sound()
    assert rig.shared.count_bags() == rig.shared.baseline.fingerprint.tables["public.bag"].rows
    assert count_new_backups(rig.shared) == 1
    assert len(rig.shared.databases()) == 2
    assert [one.action for one in list_runs(rig, run)] == ["back_up_database", "restore_database"]
    whole = rig.services.plans.find(done.plan_id or 0).document
    assert whole is not None
    assert (whole.risk, whole.confirm, len(whole.notes)) == ("destructive", DATABASE, 3)
    said = rig.said(rig.room(incident.id), f"Playbook run {run.id},")
    assert [one["text"].endswith(": done") for one in said] == [True]
    spent = rig.services.playbooks.list_tasks(run.id)
    assert set(spent[0].spent) == {"retrieval"}
    assert {"retrieval", "restore", "restart"} <= set(spent[2].spent)
    kinds = [entry.kind for entry in rig.entries(incident.id) if entry.kind.startswith("playbook.")]
    assert kinds == [
        "playbook.started", "playbook.begun",
        "playbook.step.begun", "playbook.step.done", "playbook.step.needless",
        "playbook.step.begun", "playbook.step.done", "playbook.done",
    ]  # fmt: skip


def test_whole_that_is_denied(rig: Rig, incident: Incident) -> None:
    run = start(rig, incident, "look_first")
    plan = rig.services.plans.find(wait_for_state(rig, run, "pending").plan_id or 0)
    with pytest.raises(Refused, match=f"Playbook run {run.id} .* works on {DATABASE}"):
        start(rig, incident, "one_by_one")
    rig.services.approvals.decide(plan.id, plan.hash, rig.person("mei"), "deny")
    assert "denied" in wait_for_state(rig, run, "refused").words
    assert states(rig, run) == ["waiting", "waiting"]
    assert list_locks(rig) == []


def test_world_that_moves_under_a_whole_approval(rig: Rig, incident: Incident) -> None:
    """A backup that the playbook did not take itself: the step asks for an approval of its own."""
    run = start(rig, incident, "look_first")
    approve_whole(rig, run)
    wait_for_task(rig, run, 0, lambda task: task.state == "asked")
    rig.shared.back_up_now()
    confirm(rig, run, 0)
    paused = wait_for_state(rig, run, "paused")
    task = rig.services.playbooks.list_tasks(run.id)[1]
    assert (paused.words, task.state, task.alone) == ("Step 2 failed.", "failed", True)
    assert "newest backup" in task.words
    assert list_runs(rig, run) == []
    rig.services.playbooks.steering.retry(run.id, 1, rig.person("diego"))
    plan = wait_for_plan(rig, run, 1)
    assert (plan.state, plan.action) == ("pending", "restore_database")
    assert rig.approve(plan) is not None
    assert wait_for_state(rig, run, "done", "paused").state == "done"
    rig.assert_sound()


def test_targets_are_kept_between_the_steps(rig: Rig, incident: Incident) -> None:
    run = start(rig, incident, "look_first")
    approve_whole(rig, run)
    wait_for_task(rig, run, 0, lambda task: task.state == "asked")
    with pytest.raises(Refused, match=f"held by playbook run {run.id}"):
        rig.plan_restore(incident)
    restart: dict[str, Any] = {
        "person": rig.person("mei"), "action": "restart_application", "parameters": {"application": DATABASE},
        "place": incident_room(incident.id),
    }  # fmt: skip
    with pytest.raises(Refused, match=f"held by playbook run {run.id}"):
        rig.services.plans.request(**restart)
    lent = rig.services.plans.request(**restart, incident_id=incident.id)
    rig.wait("the plan", lambda: rig.services.plans.find(lent.id).state != "making" or None)
    made = rig.services.plans.find(lent.id)
    assert "held by" not in made.reason, "while it waits for a person, what its own incident needs may be done"
    stopped = rig.services.playbooks.steering.stop(run.id, rig.person("priya"))
    assert (stopped.state, list_locks(rig)) == ("stopped", [])
    assert "not done: 1, 2" in stopped.words
    with pytest.raises(Refused, match="changed nothing"):
        rig.services.playbooks.steering.confirm(run.id, 0, rig.person("mei"))


def test_each_action_approved_by_itself(rig: Rig, incident: Incident) -> None:
    """Conditions are asked when their turn comes; what needs no approval runs at once."""
    run = start(rig, incident, "one_by_one")
    confirm(rig, run, 2)
    done = wait_for_state(rig, run, "done", "paused")
    assert (done.state, states(rig, run)) == ("done", ["done", "needless", "done"])
    assert "no table has shrunk" in rig.services.playbooks.list_tasks(run.id)[1].words
    newest = rig.shared.back_up_now()  # what is lost cannot be counted then: the loss is judged by the backup's age
    later = rig.declare("The database is gone")
    rig.shared.stage.cluster.drop_database(DATABASE)
    run = start(rig, later, "one_by_one")
    plan = wait_for_plan(rig, run, 1)
    assert states(rig, run)[:2] == ["needless", "asked"]
    assert plan.parameters["backup"] == newest
    assert rig.approve(plan) is not None
    confirm(rig, run, 2)
    assert wait_for_state(rig, run, "done", "paused").state == "done"
    assert rig.shared.count_bags() == rig.shared.baseline.fingerprint.tables["public.bag"].rows
    rig.assert_sound()


def test_the_copy_of_the_damage_is_not_restored_from(rig: Rig, incident: Incident) -> None:
    """Neither what is lost nor what is restored is judged by the backup that the playbook took itself."""
    rig.shared.stage.pull("lost-bags")
    run = start(rig, incident, "one_by_one")
    plan = wait_for_plan(rig, run, 1)
    assert states(rig, run)[:2] == ["done", "asked"]
    assert plan.parameters["backup"] == rig.shared.baseline.key
    assert rig.approve(plan) is not None
    confirm(rig, run, 2)
    assert wait_for_state(rig, run, "done", "paused").state == "done"
    assert rig.shared.count_bags() == rig.shared.baseline.fingerprint.tables["public.bag"].rows


def test_denied_then_tried_again_then_left_out(rig: Rig, incident: Incident) -> None:
    run, steering = start(rig, incident, "restore_each"), rig.services.playbooks.steering
    first = wait_for_plan(rig, run, 0)
    rig.services.approvals.decide(first.id, first.hash, rig.person("mei"), "deny")
    wait_for_state(rig, run, "paused")
    steering.retry(run.id, 0, rig.person("diego"))
    with pytest.raises(Refused, match="changed nothing"):
        steering.retry(run.id, 0, rig.person("amara"))
    second = wait_for_plan(rig, run, 0, after=first.id)
    rig.services.approvals.decide(second.id, second.hash, rig.person("mei"), "deny")
    wait_for_state(rig, run, "paused")
    asked = steering.skip(run.id, 0, rig.person("diego"))
    assert (asked.state, asked.document and asked.document.risk) == ("pending", "destructive")
    with pytest.raises(Refused, match="asks for that already"):
        steering.skip(run.id, 0, rig.person("amara"))
    rig.approve(asked, "amara")
    assert states(rig, run)[0] == "failed"
    rig.approve(asked, "mei")
    confirm(rig, run, 1)
    done = wait_for_state(rig, run, "done")
    assert states(rig, run) == ["skipped", "done"]
    assert "left out: 1" in done.words


def test_failed_run_that_is_tried_again(rig: Rig, incident: Incident) -> None:
    """Under the approval of the whole: what stood in its way is gone, and nobody is asked once more."""
    run = start(rig, incident, "look_first")
    approve_whole(rig, run)
    with psycopg.connect(rig.shared.stage.cluster.url(DATABASE, role="postgres")):
        confirm(rig, run, 0)
        wait_for_state(rig, run, "paused")
    assert "may not end" in rig.services.playbooks.list_tasks(run.id)[1].words
    rig.services.playbooks.steering.retry(run.id, 1, rig.person("mei"))
    assert wait_for_state(rig, run, "done").state == "done"
    assert rig.shared.count_bags() == rig.shared.baseline.fingerprint.tables["public.bag"].rows
    assert [entry.kind for entry in rig.entries(incident.id)].count("approval.approved") == 2
    rig.assert_sound()


def test_wish_to_leave_out_that_is_overtaken(rig: Rig, incident: Incident) -> None:
    """Somebody does it after all: the plan that would leave it out is void, and its approval changes nothing."""
    run, steering = start(rig, incident, "look_first"), rig.services.playbooks.steering
    approve_whole(rig, run)
    wait_for_task(rig, run, 0, lambda task: task.state == "asked")
    asked = steering.skip(run.id, 0, rig.person("diego"))
    confirm(rig, run, 0)
    assert rig.services.plans.find(asked.id).state == "void"
    with pytest.raises(Refused, match="is void"):
        rig.approve(asked, "amara")
    assert wait_for_state(rig, run, "done", "paused").state == "done"
    assert states(rig, run) == ["done", "done"]


def test_step_that_may_not_be_left_out(rig: Rig, incident: Incident) -> None:
    run = start(rig, incident, "one_by_one")
    with pytest.raises(Refused, match="changed nothing"):
        rig.services.playbooks.steering.skip(run.id, 1, rig.person("diego"))


def test_failure_that_ends_the_playbook(rig: Rig, incident: Incident) -> None:
    forge(rig.shared.bucket, rig.shared.baseline, "damaged", spoil=flip_a_bit)
    with without_baseline(rig):
        run = start(rig, incident, "fragile")
        rig.approve(wait_for_plan(rig, run, 0))
        stopped = wait_for_state(rig, run, "stopped")
    assert "the policy ends this playbook then" in stopped.words
    assert "was never touched" in rig.services.playbooks.list_tasks(run.id)[0].words
    assert states(rig, run) == ["failed", "waiting"]
    rig.assert_sound()


def test_stop_waits_for_the_run_under_way(rig: Rig, incident: Incident) -> None:
    run = start(rig, incident, "restore_each")
    begun = rig.approve(wait_for_plan(rig, run, 0))
    assert begun is not None
    look_closely(lambda: "restore" in rig.steps(begun.id), "the steps")
    stopping = rig.services.playbooks.steering.stop(run.id, rig.person("priya"))
    assert stopping.state == "stopping"
    assert rig.finished(begun.id).state == "done"
    stopped = wait_for_state(rig, run, "stopped")
    assert "Steps done: 1; not done: 2" in stopped.words
    rig.assert_sound()


def test_nothing_can_be_planned(rig: Rig, incident: Incident) -> None:
    with without_baseline(rig):
        run = start(rig, incident, "look_first")
        refused = wait_for_state(rig, run, "refused", "pending")
    assert refused.state == "refused"
    assert "There is no verified backup" in refused.words


def test_in_slack(rig: Rig, incident: Incident) -> None:
    """Started by a command, done by a press, on one message."""
    room = rig.room(incident.id)
    rig.join("amara", room)
    amara = rig.actor("amara")
    amara.type_command(room.id, "/dr", "playbook one_by_one")
    amara.press(room.id, "playbook.done")
    run = rig.services.playbooks.list_recent(1)[0]
    assert wait_for_state(rig, run, "done", "paused").state == "done"
    assert rig.services.playbooks.list_tasks(run.id)[2].words == "Amara Okafor says so"
    amara.type_command(room.id, "/dr", f"playbook {run.id}")
    rig.wait("the answer", lambda: "3. Look: done" in rig.told(room, "amara") or None)
    amara.type_command(room.id, "/dr", "playbook")
    rig.wait("the offer", lambda: "playbooks" in rig.told(room, "amara") or None)
    with pytest.raises(Refused, match="is not a playbook"):
        start(rig, incident, "one_by_two")


def test_strangers(rig: Rig, incident: Incident, tmp_path: Path) -> None:
    run = start(rig, incident, "restore_each")
    stranger = rig.person("diego").model_copy(update={"roles": [], "key": "stranger"})
    for press in (rig.services.playbooks.steering.stop, rig.services.playbooks.steering.go_on):
        with pytest.raises(Refused, match="may not"):
            press(run.id, stranger)


def test_blackout_that_has_begun_since_the_approval(shared_stage: SharedStage, tmp_path: Path) -> None:
    """It is about the restore, not about the playbook: the step needs an approval, which is refused until it ends."""
    windows = ("00:00-12:30", "12:00-00:30")
    blackouts = [{"title": "Sorting", "window": one, "actions": ["restore_database"]} for one in windows]
    with open_playbook_rig(shared_stage, tmp_path, blackouts=blackouts) as rig:
        incident = rig.declare()
        run = start(rig, incident, "look_first")
        approve_whole(rig, run)
        confirm(rig, run, 0)
        wait_for_state(rig, run, "paused")
        assert "“Sorting” keeps it from starting now" in rig.services.playbooks.list_tasks(run.id)[1].words
        rig.services.playbooks.steering.retry(run.id, 1, rig.person("diego"))
        plan = wait_for_plan(rig, run, 1)
        with pytest.raises(Refused, match="Sorting"):
            rig.approve(plan, "amara")
        rig.services.playbooks.steering.stop(run.id, rig.person("amara"))


def test_four_press_at_once(rig: Rig, incident: Incident) -> None:
    run = start(rig, incident, "by_people")
    wait_for_task(rig, run, 0, lambda task: task.state == "asked")
    refused: list[Refused] = []

    def press(key: str) -> None:
        try:
            rig.services.playbooks.steering.confirm(run.id, 0, rig.person(key))
        except Refused as refusal:
            refused.append(refusal)

    run_at_once(*(partial(press, key) for key in ("amara", "diego", "mei", "priya")))
    assert len(refused) == 3
    assert states(rig, run)[0] == "done"
    assert [entry.kind for entry in rig.entries(incident.id)].count("playbook.confirmed") == 1


def test_the_clock_in_the_message_goes_on(rig: Rig, incident: Incident) -> None:
    """Every tick brings the message up to date and orders the next, until the playbook is over."""
    run = start(rig, incident, "by_people")
    wait_for_task(rig, run, 0, lambda task: task.state == "asked")
    before = read_version(rig, run)
    rig.services.playbooks.tick(run.id, 500)
    assert read_version(rig, run) > before
    rig.services.playbooks.steering.stop(run.id, rig.person("amara"))
    ended = read_version(rig, run)
    rig.services.playbooks.tick(run.id, 501)
    assert read_version(rig, run) == ended
    rig.settle()
    [said] = rig.said(rig.room(incident.id), f"Playbook run {run.id},")
    assert "RTO 2 h" in json.dumps(said["blocks"])


def read_version(rig: Rig, run: PlaybookRun) -> int:
    with rig.services.database.read() as session:
        return session.scalars(sa.select(Notice.version).where(Notice.key == f"playbook:{run.id}")).one()


def test_on_postgresql(shared_stage: SharedStage, tmp_path: Path) -> None:
    """The bot's store on PostgreSQL, where rows are locked one by one."""
    with shared_stage.bot_store() as store, open_playbook_rig(shared_stage, tmp_path, store) as rig:
        incident = rig.declare()
        run = start(rig, incident, "database_corruption")
        approve_whole(rig, run)
        assert wait_for_state(rig, run, "done", "paused").state == "done"
        run = start(rig, incident, "by_people")
        for index in (0, 1, 2, 4):
            confirm(rig, run, index)
        assert wait_for_state(rig, run, "done", "paused").state == "done"
        assert states(rig, run) == ["done", "done", "done", "needless", "done"]
        rig.assert_sound()
