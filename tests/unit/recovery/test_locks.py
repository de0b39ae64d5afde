"""Who is told what of a target that is held: of a private incident's work nobody outside hears more than that.

And to whom a playbook lends what it keeps.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.policy.playbooks import PlaybookStep
from bot.recovery.locks import (
    ANYBODY,
    NO_RUN,
    Errand,
    Held,
    give_locks_back,
    refuse_held,
    release_locks,
    take_locks,
)
from bot.store.documents import Risk
from bot.store.tables import Incident, IncidentMember, Lock, Plan, PlaybookRun, PlaybookTask, Run
from tests.unit.recovery.ballot import Ballot

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TARGET = "traitortrack"


def hold(session: Session, *, private: bool, by_playbook: bool) -> None:
    """Work for an incident whose only member is Mei holds the target."""
    incident = Incident(
        title="Zebra", severity="P1", status="investigating", category="security", declared_by="mei", declared_at=NOON,
        detected_at=NOON, private=private,
    )  # fmt: skip
    session.add(incident)
    session.flush()
    session.add(IncidentMember(incident_id=incident.id, person="mei", added_by="mei", since=NOON))
    facts = {"incident_id": incident.id, "place": "p", "created_at": NOON}
    plan = Plan(**facts, action="x", parameters={}, requested_by="mei", state="approved", target=TARGET)
    playbook = PlaybookRun(**facts, playbook="zebra", database=TARGET, requested_by="mei", state="running")
    session.add_all([plan, playbook])
    session.flush()
    run = Run(**facts, plan_id=plan.id, action="x", target=TARGET, state="running")
    session.add(run)
    session.flush()
    session.add(
        Lock(
            target=TARGET, run_id=NO_RUN if by_playbook else run.id, holder="mei", since=NOON, reason="Rotate zebras",
            playbook_run_id=playbook.id if by_playbook else None,
        )
    )  # fmt: skip
    session.flush()


@pytest.mark.parametrize("by_playbook", [False, True])
@pytest.mark.parametrize(
    ("private", "reader", "told"),
    [(False, "diego", True), (False, ANYBODY, True), (True, "mei", True), (True, "diego", False),
     (True, ANYBODY, False)],
)  # fmt: skip
def test_what_is_said(ballot: Ballot, private: bool, reader: str, told: bool, by_playbook: bool) -> None:
    with ballot.database.write() as session:
        hold(session, private=private, by_playbook=by_playbook)
        with pytest.raises(Held) as caught:
            refuse_held(session, {"a.n.other", TARGET}, reader=reader)
    words = caught.value.words
    assert f"{TARGET} is held by" in words
    assert "since 12:00:00 UTC" in words
    assert all((part in words) == told for part in ("Rotate zebras", "mei", "run 1", "/dr "))


def test_a_run_that_waits_for_it_says_no_more_in_its_own_room(ballot: Ballot) -> None:
    with ballot.database.write() as session:
        hold(session, private=True, by_playbook=False)
        with pytest.raises(Held, match="held by other work"):
            take_locks(session, {TARGET}, run_id=99, holder="diego", reason="Restore", now=NOON)


def pause(session: Session, state: str = "paused", manual: bool | None = None) -> PlaybookRun:
    """A playbook that keeps the target; `manual`: it stands at what a person does, or at an action."""
    hold(session, private=False, by_playbook=True)
    playbook = session.scalars(sa.select(PlaybookRun)).one()
    playbook.state = state
    if manual is not None:
        step = PlaybookStep(title="Test", manual="Log in", skipping="a look") if manual else PlaybookStep(
            title="Restart", action="restart_application", skipping="a start"
        )  # fmt: skip
        session.add(PlaybookTask(playbook_run_id=playbook.id, index=0, definition=step, state="asked", spent={}))
    session.flush()
    return playbook


def add_run(session: Session, incident_id: int | None) -> int:
    facts: dict[str, Any] = {"action": "x", "target": TARGET, "place": "p", "created_at": NOON}
    plan = Plan(**facts, incident_id=incident_id, parameters={}, requested_by="diego", state="approved")
    session.add(plan)
    session.flush()
    run = Run(**facts, plan_id=plan.id, incident_id=incident_id, state="running")
    session.add(run)
    session.flush()
    return run.id


@pytest.mark.parametrize(
    ("state", "manual", "risk", "same", "lent"),
    [
        ("paused", None, "high", True, True), ("paused", None, "low", True, True),
        ("running", True, "high", True, True), ("paused", None, "destructive", True, False),
        ("paused", None, "high", False, False), ("running", False, "high", True, False),
        ("running", None, "high", True, False), ("stopping", None, "high", True, False),
    ],
)  # fmt: skip
def test_a_playbook_that_waits_for_people_lends_what_it_keeps(
    ballot: Ballot, state: str, manual: bool | None, risk: Risk, same: bool, lent: bool
) -> None:
    with ballot.database.write() as session:
        playbook = pause(session, state, manual)
        errand = Errand(playbook.incident_id if same else 99, risk)
        given: dict[str, Any] = {"holder": "diego", "reason": "Restart", "now": NOON, "errand": errand}
        number = add_run(session, errand.incident_id)
        if not lent:
            with pytest.raises(Held):
                refuse_held(session, {TARGET}, errand=errand)
            with pytest.raises(Held):
                take_locks(session, {TARGET}, run_id=number, **given)
            return
        refuse_held(session, {TARGET}, errand=errand)
        take_locks(session, {TARGET}, run_id=number, **given)
        for another in (playbook.id, None):
            with pytest.raises(Held, match=rf"held by run {number} \(Restart\), started by diego"):
                refuse_held(session, {TARGET}, another, errand=errand)
        release_locks(session, number)
        lock = session.get_one(Lock, TARGET)
        assert (lock.run_id, lock.holder, lock.reason) == (NO_RUN, "mei", "playbook zebra"), "the playbook has it back"
        refuse_held(session, {TARGET}, playbook.id)


def test_without_an_incident_nothing_is_lent(ballot: Ballot) -> None:
    with ballot.database.write() as session:
        pause(session).incident_id = None
        with pytest.raises(Held):
            refuse_held(session, {TARGET}, errand=Errand(None, "low"))


def test_what_is_lent_outlives_a_playbook_that_is_stopped_meanwhile(ballot: Ballot) -> None:
    with ballot.database.write() as session:
        playbook = pause(session)
        number, errand = add_run(session, playbook.incident_id), Errand(playbook.incident_id, "high")
        take_locks(session, {TARGET}, run_id=number, holder="diego", reason="Restart", now=NOON, errand=errand)
        give_locks_back(session, playbook.id)
        with pytest.raises(Held, match=f"held by run {number}"):
            refuse_held(session, {TARGET})
        release_locks(session, number)
        refuse_held(session, {TARGET})


def test_a_refusal_says_what_may_be_done_in_a_pause(ballot: Ballot) -> None:
    with ballot.database.write() as session:
        playbook = pause(session)
        with pytest.raises(Held, match=f"lends to what destroys nothing for incident {playbook.incident_id}"):
            refuse_held(session, {TARGET}, reader="mei", errand=Errand(playbook.incident_id, "destructive"))
