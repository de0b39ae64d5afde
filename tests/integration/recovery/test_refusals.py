"""The wrong person, a late or a second press, a changed world: nothing runs, and the presser is told why."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from bot.clock import utc_now
from bot.comms.notices import Notices
from bot.outcome import Refused
from bot.recovery.approvals import Approvals
from bot.sandbox.actor import ActorStuck
from bot.sandbox.postgres_cluster import RECOVERY_ROLE
from bot.sandbox.stage import DATABASE
from bot.store.tables import Incident, Plan
from bot.systems.dumps.backup import back_up
from bot.systems.dumps.manifest import Manifest
from tests.crash.rig import Rig
from tests.stage_fixtures import PREFIX, SharedStage


def press(rig: Rig, incident: Incident, person: str) -> None:
    rig.actor(person).press(rig.room(incident.id).id, "plan.approve")


def approve_by_form(rig: Rig, incident: Incident, person: str, typed: str = DATABASE) -> None:
    press(rig, incident, person)
    form = rig.actor(person).wait_for_form("typed")
    rig.actor(person).submit(form, typed=typed)


def assert_nothing_runs(rig: Rig, plan: Plan, state: str = "pending") -> None:
    assert rig.services.plans.find(plan.id).state == state
    assert [run for run in rig.services.runs.list_recent() if run.plan_id == plan.id] == []


@pytest.mark.parametrize(
    ("person", "why"),
    [
        pytest.param("priya", "may not decide about destructive plans", id="wrong-role"),
        pytest.param("diego", "somebody else must approve it", id="requester"),
    ],
)
def test_who_may_not_approve(rig: Rig, incident: Incident, person: str, why: str) -> None:
    plan = rig.plan_restore(incident, person="diego")
    press(rig, incident, person)
    rig.wait("the reason", lambda: why in rig.told(rig.room(incident.id), person) or None)
    assert any(why in text for text in rig.refusals(person))
    assert_nothing_runs(rig, plan)


def test_bystander_may_not_approve(rig: Rig, incident: Incident) -> None:
    plan = rig.plan_restore(incident)
    sam = rig.actor("bystander")
    room = rig.room(incident.id)
    rig.join("bystander", room)
    sam.press(room.id, "plan.approve")
    rig.wait("the reason", lambda: "not among the people" in rig.told(room, "bystander") or None)
    assert_nothing_runs(rig, plan)


def test_second_press(rig: Rig, incident: Incident) -> None:
    plan = rig.plan_restore(incident)
    approve_by_form(rig, incident, "amara")
    press(rig, incident, "amara")
    rig.wait(
        "the reason", lambda: "decided about this plan already" in rig.told(rig.room(incident.id), "amara") or None
    )
    assert any("already" in text for text in rig.refusals("amara"))
    assert_nothing_runs(rig, plan)


def test_mistyped_name(rig: Rig, incident: Incident) -> None:
    plan = rig.plan_restore(incident)
    for typed in ("traitortruck", "", DATABASE.upper()):
        with pytest.raises(ActorStuck, match=r"the form was refused: \{'typed'"):
            approve_by_form(rig, incident, "jonas", typed=typed)
    assert any("What was typed" in text for text in rig.refusals("jonas"))
    assert_nothing_runs(rig, plan)


def test_denied_while_the_form_is_open(rig: Rig, incident: Incident) -> None:
    plan = rig.plan_restore(incident)
    press(rig, incident, "amara")
    form = rig.actor("amara").wait_for_form("typed")
    rig.actor("mei").press(rig.room(incident.id).id, "plan.deny")
    rig.wait("the denial", lambda: rig.services.plans.find(plan.id).state == "denied" or None)
    with pytest.raises(ActorStuck, match="is denied; your press changed nothing"):
        rig.actor("amara").submit(form, typed=DATABASE)
    assert any("is denied" in text for text in rig.refusals("amara"))
    assert_nothing_runs(rig, plan, "denied")


def test_late_press(rig: Rig, incident: Incident) -> None:
    plan = rig.plan_restore(incident)
    services = rig.services
    later = Notices(services.engine, lambda: utc_now() + timedelta(minutes=30, seconds=1))
    approvals = Approvals(services.database, services.engine, rig.policy, later)
    for late in (
        lambda: approvals.check(plan.id, plan.hash, rig.person("amara")),
        lambda: approvals.decide(plan.id, plan.hash, rig.person("amara"), "approve", typed=DATABASE),
    ):
        with pytest.raises(Refused, match="expired; your press changed nothing"):
            late()
    assert len(rig.refusals("amara")) >= 2
    assert_nothing_runs(rig, plan)


def test_approval_of_another_version(rig: Rig, incident: Incident) -> None:
    plan = rig.plan_restore(incident)
    with pytest.raises(Refused, match="another version"):
        rig.services.approvals.decide(plan.id, "0" * 64, rig.person("amara"), "approve", typed=DATABASE)
    assert_nothing_runs(rig, plan)


def replace_database(shared: SharedStage) -> None:
    shared.stage.cluster.drop_database(DATABASE)
    with shared.admin() as connection:
        connection.execute(f"CREATE DATABASE {DATABASE} OWNER traitortrack TEMPLATE pristine")


def take_newer_backup(shared: SharedStage) -> Manifest:
    return back_up(shared.stage.cluster.url(DATABASE, role=RECOVERY_ROLE), shared.bucket, prefix=PREFIX, run="newer")


def change_owner(shared: SharedStage) -> None:
    with shared.admin() as connection:
        connection.execute(f"ALTER DATABASE {DATABASE} OWNER TO {RECOVERY_ROLE}")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        pytest.param(replace_database, "database oid was", id="database-replaced"),
        pytest.param(take_newer_backup, "newest backup was", id="newer-backup"),
        pytest.param(change_owner, "database owner was traitortrack, is holdfast", id="owner-changed"),
    ],
)
def test_world_moved(rig: Rig, incident: Incident, change: Callable[[SharedStage], object], why: str) -> None:
    """The approval is of what was seen; the run looks again."""
    plan = rig.plan_restore(incident)
    rig.approve(plan, "amara")
    change(rig.shared)
    oid = rig.shared.oid()
    run = rig.approve(plan, "mei")
    assert run is not None
    ended = rig.finished(run.id)
    assert (ended.state, rig.steps(run.id)) == ("refused", {})
    assert why in ended.words
    assert rig.services.plans.find(plan.id).state == "void"
    rig.assert_untouched(oid, ended)


@pytest.mark.parametrize("lost", ["a part", "the manifest"])
def test_backup_deleted_since_the_plan(rig: Rig, incident: Incident, lost: str) -> None:
    doomed = take_newer_backup(rig.shared)
    plan = rig.plan_restore(incident, doomed.key)
    key = doomed.parts[0].key if lost == "a part" else doomed.manifest_key
    rig.shared.delete_object(key)
    run = rig.approve(plan)
    assert run is not None
    ended = rig.finished(run.id)
    assert ended.state in ("refused", "failed")
    assert doomed.key in ended.words
    rig.assert_untouched(rig.shared.oid(), ended)
