"""Who does not look at Slack is called: with the second reminder of a plan, and when somebody breaks the glass."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bot.comms.notices import Address
from bot.store.tables import Notice, Plan
from tests.unit.recovery.ballot import Ballot, make_document, open_ballot
from tests.unit.slack.rows import make_incident

PAGER = Address("pagerduty", "all")


def ask(ballot: Ballot, **incident: Any) -> Plan:
    """A plan for an incident, with a pager to call people on."""
    ballot.nudges.pagers = ballot.glass.pagers = [PAGER]
    with ballot.database.write() as session:
        session.add(make_incident(**incident))
        session.flush()
        return ballot.plans.propose(
            session, ballot.person("diego"), make_document(), place="channel:here", incident_id=7
        )


def pages(ballot: Ballot) -> list[tuple[str, bool]]:
    query = sa.select(Notice).where(Notice.kind == "page").order_by(Notice.id)
    with ballot.database.read() as session:
        return [(str(one.data["alias"]), bool(one.data.get("resolved"))) for one in session.scalars(query)]


def remind(ballot: Ballot, plan: Plan, times: int) -> None:
    for number in range(1, times + 1):
        ballot.nudges.nudge(plan.id, number)


def test_with_the_second_reminder_and_no_more(ballot: Ballot) -> None:
    plan = ask(ballot)
    remind(ballot, plan, 1)
    assert pages(ballot) == []
    remind(ballot, plan, 2)
    remind(ballot, plan, 3)
    assert pages(ballot) == [("plan-1", False)]


@pytest.mark.parametrize("how", ["approve", "deny", "expire", "break_glass"])
def test_called_off_when_it_is_decided(how: str, ballot: Ballot) -> None:
    plan = ask(ballot)
    remind(ballot, plan, 2)
    if how == "approve":
        ballot.approve(plan, "amara", "mei")
    elif how == "deny":
        ballot.decide(plan, "mei", "deny")
    elif how == "expire":
        ballot.plans.expire(plan.id)
    else:
        ballot.break_glass(plan, "amara")
    assert pages(ballot)[:2] == [("plan-1", False), ("plan-1", True)]


def test_nobody_is_called_off_who_was_not_called(ballot: Ballot) -> None:
    plan = ask(ballot)
    ballot.approve(plan, "amara", "mei")
    assert pages(ballot) == []


def test_broken_glass_calls_at_once(ballot: Ballot) -> None:
    plan = ask(ballot)
    ballot.break_glass(plan, "amara")
    assert pages(ballot) == [("break-glass-1", False)]


@pytest.mark.parametrize("kind", ["drill", "private"])
def test_drills_and_private_incidents_call_nobody(kind: str, tmp_path: Path) -> None:
    with open_ballot(tmp_path) as ballot:
        plan = ask(ballot, **{kind: True})
        remind(ballot, plan, 2)
        ballot.break_glass(plan, "amara")
        assert pages(ballot) == []
