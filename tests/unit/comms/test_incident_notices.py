"""What an incident's changes say, to whom, and what is asked of its room."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
import sqlalchemy as sa

from bot.comms.audiences import Audiences
from bot.comms.bulletins import Bulletins
from bot.comms.incident_desk import IncidentNotices
from bot.comms.notices import Notices
from bot.comms.wording import Wording
from bot.engine import Engine
from bot.incidents.desk import Desk
from bot.policy import load_policy
from bot.store.tables import Bulletin, Delivery, Incident, Notice
from tests.integration.store.stores import open_store
from tests.unit.incidents.conftest import HandClock


@dataclass
class Queue:
    """Remembers what it was asked for; nothing is done."""

    asked: list[tuple[Any, ...]] = field(default_factory=list)

    def enqueue(self, _session: object, *arguments: Any, **_: Any) -> None:
        self.asked.append(arguments)

    def of(self, name: str) -> list[tuple[Any, ...]]:
        return [arguments[1:] for arguments in self.asked if arguments[0] == name]


@dataclass
class Office:
    desk: Desk
    bulletins: Bulletins
    notices: Notices
    queue: Queue

    def declare(self, **more: Any) -> int:
        return self.desk.declare(actor="mei", severity="P1", title="Bags are missing", confirmed=True, **more).id

    def drafts(self, number: int) -> list[Bulletin]:
        query = sa.select(Bulletin).where(Bulletin.incident_id == number, Bulletin.state == "draft")
        with self.desk.database.read() as session:
            return list(session.scalars(query))

    def recipients(self, number: int) -> set[str]:
        query = sa.select(Delivery.recipient).join(Notice, Notice.id == Delivery.notice_id)
        with self.desk.database.read() as session:
            return set(session.scalars(query.where(Notice.incident_id == number)))


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    clock, queue, policy = HandClock(), Queue(), load_policy(None)
    with open_store(f"sqlite:///{tmp_path / 'holdfast.db'}") as database:
        desk, notices = Desk(database, policy, clock), Notices(cast("Engine", queue), clock)
        bulletins = Bulletins(database, policy, notices, Audiences(policy))
        desk.listeners.append(IncidentNotices(notices, bulletins).changed)
        yield Office(desk, bulletins, notices, queue)


def test_a_false_alarm_is_taken_back_only_from_a_public_that_has_heard_of_it(office: Office) -> None:
    quiet = office.declare()
    office.desk.closing.close(quiet, actor="mei", reason="a test")
    assert office.drafts(quiet) == []
    loud = office.declare()
    priya = office.desk.policy.person("priya")
    assert priya is not None
    office.bulletins.publish(office.drafts(loud)[0].id, person=priya, wording=Wording())
    office.desk.closing.close(loud, actor="mei", reason="a test")
    assert [one.statement.text for one in office.drafts(loud)] == ["False alarm: a test"]


def test_of_what_was_merged_no_component_goes_back(office: Office) -> None:
    target, duplicate = office.declare(), office.declare(components=["database"])
    assert office.drafts(duplicate)[0].statement.components == {"database": "major_outage"}
    office.desk.merging.merge(duplicate, actor="mei", into=target)
    (draft,) = office.drafts(duplicate)
    assert (draft.stage, draft.statement.components) == ("resolved", {})
    assert "same as another incident" in draft.statement.text


def test_people_hear_the_reason_of_another_severity(office: Office) -> None:
    number = office.declare()
    office.desk.severities.change(number, actor="mei", severity="P2", reason="only gate 3")
    assert [one.statement.text for one in office.drafts(number)] == [
        "The severity is lowered from P1 (Critical) to P2 (High): only gate 3"
    ]
    assert [asked[:2] for asked in office.queue.of("follow-incident")] == [(number, "severity")]


def test_a_private_incident_is_told_to_nobody_outside(office: Office) -> None:
    number = office.declare(private=True)
    office.desk.severities.change(number, actor="mei", severity="P2", reason="x")
    office.desk.roles.assign(number, actor="mei", role="devops_engineer", person="mei")
    with office.desk.database.write() as session:
        to = ["channel:traitortrack-incidents", "person:diego", "person:mei", "incident:99"]
        office.notices.say(session, "plan", key="k", to=to, incident_id=number)
    assert office.drafts(number) == []
    assert office.recipients(number) == {f"incident:{number}", "person:mei"}


def test_who_was_a_member_is_shown_nothing_new(office: Office) -> None:
    number = office.declare(private=True)
    office.desk.members.add(number, actor="mei", person="diego")
    with office.desk.database.write() as session:
        office.notices.say(session, "role_intro", key="k", to=["person:diego"], incident_id=number)
    office.desk.members.remove(number, actor="mei", person="diego")
    before = len(office.queue.of("deliver"))
    with office.desk.database.write() as session:
        office.notices.refresh(session, "k")
    assert len(office.queue.of("deliver")) == before


def test_what_is_said_to_an_archived_room_waits(office: Office) -> None:
    number = office.declare()
    office.desk.closing.close(number, actor="mei", reason="x")
    with office.desk.database.write() as session:
        incident = session.get_one(Incident, number)
        incident.channel_id, incident.archived_at = "C1", office.desk.clock()
    before = len(office.queue.of("deliver"))
    office.desk.reopen(number, actor="mei", reason="again")
    assert len(office.queue.of("deliver")) == before
    with office.desk.database.write() as session:
        incident = session.get_one(Incident, number)
        incident.archived_at = None
        session.flush()
        office.notices.open_room(session, incident)
    assert len(office.queue.of("deliver")) > before
