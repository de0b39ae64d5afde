"""Who is told what of a target that is held: of a private incident's work nobody outside hears more than that."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy.orm import Session

from bot.recovery.locks import ANYBODY, NO_RUN, Held, refuse_held, take_locks
from bot.store.tables import Incident, IncidentMember, Lock, Plan, PlaybookRun, Run
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
