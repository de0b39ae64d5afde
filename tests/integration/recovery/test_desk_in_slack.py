"""The run desk as people use it in Slack: previews, forms, trying again, taking back."""

from __future__ import annotations

from functools import partial
from typing import Any

import psycopg

from bot.sandbox.actor import Actor
from bot.sandbox.stage import DATABASE
from bot.sandbox.workspace.state import Channel
from bot.store.tables import Incident, Plan, Run
from tests.crash.rig import Rig


def newest_plan(rig: Rig, *states: str, after: int = 0) -> Plan:
    def look() -> Plan | None:
        newest = rig.services.plans.list_recent(1)[0]
        return newest if newest.state in states and newest.id > after else None

    return rig.wait(f"a plan that is {states}", look)


def approve(rig: Rig, plan: Plan, *people: str) -> Run:
    run = rig.approve(plan, *people)
    assert run is not None
    return run


def enter(rig: Rig, incident: Incident, person: str) -> tuple[Channel, Actor]:
    """The incident's room and somebody in it."""
    room = rig.room(incident.id)
    rig.join(person, room)
    return room, rig.actor(person)


def options(form: dict[str, Any], block_id: str) -> list[str]:
    block = next(one for one in form["blocks"] if one.get("block_id") == block_id)
    return [option["value"] for option in block["element"]["options"]]


def test_a_preview_from_the_form_and_then_the_real_plan(rig: Rig, incident: Incident) -> None:
    room, diego = enter(rig, incident, "diego")
    diego.type_command(room.id, "/dr", "plan restore_database")
    form = diego.wait_for_form("database", "backup")
    assert options(form, "backup")[0] == rig.shared.baseline.key
    diego.submit(form, backup=rig.shared.baseline.key)
    preview = newest_plan(rig, "preview")
    diego.press(room.id, "plan.request")
    plan = newest_plan(rig, "pending", after=preview.id)
    assert (plan.action, plan.parameters) == (preview.action, preview.parameters)
    assert rig.services.plans.find(preview.id).state == "preview"


def test_everything_said_needs_no_form(rig: Rig, incident: Incident) -> None:
    room, diego = enter(rig, incident, "diego")
    diego.type_command(room.id, "/dr", f"request back_up_database {DATABASE}")
    run = rig.wait("the run", lambda: next(iter(rig.services.runs.list_recent(1)), None))
    assert (rig.finished(run.id).action, rig.finished(run.id).state) == ("back_up_database", "done")


def test_words_that_do_not_fit_are_explained(rig: Rig, incident: Incident) -> None:
    room, diego = enter(rig, incident, "diego")
    for words, explanation in (
        ("request restor_database", "restore_database"),
        ("request restore_database bakup=x", "has no parameter bakup; it takes database, backup"),
        ('request restore_database backup="x', "quotes"),
        ("plan 99999", "no plan 99999"),
        ("retry x", "not the number of the run"),
        ("undo 99999", "no run 99999"),
        ("skip 99999 swap", "no run 99999"),
        ("output 99999", "no run 99999"),
    ):
        diego.type_command(room.id, "/dr", words)
        rig.wait(words, partial(_is_told, rig, room, explanation))


def test_a_refused_run_is_tried_again_by_its_button(rig: Rig, incident: Incident) -> None:
    """What was in the way is gone: the same approval, the same run."""
    plan = rig.plan_restore(incident)
    with psycopg.connect(rig.shared.stage.cluster.url(DATABASE, role="postgres")):
        run = approve(rig, plan)
        assert rig.finished(run.id).state == "refused"
    rig.settle()
    rig.actor("mei").press(rig.room(incident.id).id, "run.retry")
    ended = rig.wait("the second end", lambda: _ended_at(rig, run.id, attempt=2))
    assert (ended.state, ended.proof is not None and ended.proof.good) == ("done", True)
    rig.assert_sound()
    assert len([one for one in rig.entries(incident.id) if one.kind == "run.step.swap"]) == 1
    assert len(rig.said(rig.room(incident.id), f"Run {run.id},")) == 1, "one message, whatever the attempts"


def test_a_restore_is_taken_back_by_its_button(rig: Rig, incident: Incident) -> None:
    before = rig.shared.oid()
    with psycopg.connect(rig.shared.stage.application_url, autocommit=True) as connection:
        connection.execute("DELETE FROM bag WHERE id % 2 = 0")
    spoilt = rig.shared.count_bags()
    run = approve(rig, rig.plan_restore(incident))
    assert rig.finished(run.id).state == "done"
    assert rig.shared.count_bags() > spoilt
    rig.settle()
    rig.actor("amara").press(rig.room(incident.id).id, "run.undo")
    plan = newest_plan(rig, "pending", "refused", after=run.plan_id)
    assert (plan.action, plan.requested_by, plan.reason) == ("put_back_database", "amara", "")
    back = approve(rig, plan, "diego", "mei")
    assert rig.finished(back.id).state == "done"
    assert (rig.shared.oid(), rig.shared.count_bags()) == (before, spoilt)
    rig.assert_sound()


def _is_told(rig: Rig, room: Channel, explanation: str) -> bool | None:
    return explanation in rig.told(room, "diego") or None


def _ended_at(rig: Rig, run_id: int, attempt: int) -> Run | None:
    run = rig.services.runs.find(run_id)
    return run if run.finished_at and run.attempt == attempt else None
