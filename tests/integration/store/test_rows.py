"""What goes into the store comes out the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.store.database import Database
from bot.store.documents import Finding, PlanDocument, Proof
from bot.store.tables import Incident, Plan, Run, Sweep
from tests.integration.store.rows import NOON, make_incident
from tests.unit.slack.shapes import documents, findings, proofs

THOROUGH = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
MOMENTS = st.datetimes(
    min_value=datetime(1990, 1, 1),  # noqa: DTZ001 (zones are drawn beside it)
    max_value=datetime(2200, 1, 1),  # noqa: DTZ001
    timezones=st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)
ORIGIN = {"requested_by": "mei", "place": "channel:lobby"}


def save(database: Database, row: object) -> int:
    with database.write() as session:
        session.add(row)
        session.flush()
        return int(getattr(row, "id"))  # noqa: B009 (whatever table it is)


@given(MOMENTS)
@THOROUGH
def test_times_come_back_aware_and_utc(database: Database, moment: datetime) -> None:
    number = save(database, make_incident(declared_at=moment, resolved_at=None))
    with database.read() as session:
        found = session.get_one(Incident, number)
    assert found.declared_at == moment
    assert found.declared_at.tzinfo is UTC
    assert found.resolved_at is None


def test_times_sort_and_compare_in_the_database(database: Database) -> None:
    east = timezone(timedelta(hours=9))
    save(database, make_incident(title="later", declared_at=NOON + timedelta(microseconds=1)))
    save(database, make_incident(title="sooner", declared_at=NOON.astimezone(east)))
    query = sa.select(Incident.title).order_by(Incident.declared_at)
    with database.read() as session:
        assert list(session.scalars(query)) == ["sooner", "later"]
        after = sa.select(Incident.title).where(Incident.declared_at > NOON.astimezone(east))
        assert list(session.scalars(after)) == ["later"]


def test_a_time_without_a_zone_is_refused(database: Database) -> None:
    with pytest.raises(sa.exc.StatementError, match="no time zone"):
        save(database, make_incident(declared_at=datetime(2026, 3, 1)))  # noqa: DTZ001 (what is refused)


@given(st.lists(findings(), max_size=5), documents(), proofs())
@THOROUGH
def test_documents_come_back_the_same(
    database: Database, findings: list[Finding], document: PlanDocument, proof: Proof
) -> None:
    sweep = save(database, Sweep(scope="all", started_at=NOON, findings=findings, **ORIGIN))
    plan = save(
        database, Plan(action="a", parameters=document.parameters, state="pending", document=document,
                       created_at=NOON, **ORIGIN),
    )  # fmt: skip
    run = save(
        database, Run(plan_id=plan, action="a", target="t", place="p", state="done", created_at=NOON, proof=proof)
    )
    with database.read() as session:
        assert session.get_one(Sweep, sweep).findings == findings
        assert session.get_one(Plan, plan).document == document
        assert session.get_one(Plan, plan).parameters == document.parameters
        assert session.get_one(Run, run).proof == proof


def test_a_transaction_that_fails_leaves_nothing(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.write() as session:  # noqa: PT012 (the whole transaction fails)
        session.add(make_incident())
        session.flush()
        _ = 1 / 0
    with database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Incident)) == 0


def test_a_snapshot_sees_one_moment(database: Database) -> None:
    count = sa.select(sa.func.count()).select_from(Incident)
    with database.snapshot() as session:
        assert session.scalar(count) == 0
        save(database, make_incident())
        assert session.scalar(count) == 0
    with database.snapshot() as session:
        assert session.scalar(count) == 1
