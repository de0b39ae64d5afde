"""Work that an earlier version left behind, as it was recorded then, is taken up by today's code.

A workflow's name and its arguments never change their meaning. Whoever must change them gives the new code a new name,
keeps the old one until it is drained, and adds what the old version recorded to `recorded.json`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bot import engine as engine_room
from bot.alerts.alert import make_incoming
from bot.app import build_services
from bot.clock import utc_now
from bot.engine import APPLICATION_VERSION, NAME
from bot.services import Services
from bot.store.tables import Plan, PlaybookRun, Run
from tests.integration.engine.conftest import refuse_to_end
from tests.workspace.waiting import wait_for

RECORDED: list[dict[str, Any]] = json.loads(Path(__file__).with_name("recorded.json").read_text())
NOWHERE = "http://127.0.0.1:9/"
LIMIT_S = 60.0


@pytest.fixture
def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    """The real ones; Slack, the archive and the databases are away."""
    monkeypatch.setattr(engine_room, "_end_process", refuse_to_end)
    cloud = {"AWS_ENDPOINT_URL": NOWHERE, "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    for name, value in cloud.items():
        monkeypatch.setenv(name, value)
    folder = {"HOME": str(tmp_path), "HOLDFAST_DATABASE_URL": f"sqlite:///{tmp_path / 'holdfast.db'}"}
    services = build_services({**folder, **cloud, "SLACK_API_URL": NOWHERE, "SLACK_BOT_TOKEN": "xoxb-1"})
    yield services
    services.engine.stop()
    services.database.close()


def test_every_workflow_is_recorded(services: Services) -> None:
    assert {one["name"] for one in RECORDED} == set(services.engine._workflows)


def test_recorded_work_is_done_by_todays_code(services: Services) -> None:
    set_the_scene(services)
    with services.database.engine.begin() as connection:
        for table in ("workflow_input", "workflow_status"):
            connection.execute(sa.text(f"DELETE FROM {table}"))
        for one in RECORDED:
            leave_behind(connection, one)
    services.engine.lead()
    wait_for(lambda: not unfinished(services), "end of all that was left behind", LIMIT_S)
    assert services.engine.troubles() == []
    assert services.drafts.latest(1) is not None
    assert services.sweeps.find(1).finished_at
    assert services.plans.find(1).state == "refused"


def set_the_scene(services: Services) -> None:
    """The rows that the recorded work is about."""
    mei = services.policy.person("mei")
    assert mei is not None
    services.desk.declare(actor="mei", severity="P1", title="Left behind")
    alert = make_incoming("generic", fingerprint="f", title="Left behind", state="firing", at=utc_now())
    services.alerts.receive([alert])
    services.sweeps.start(person=mei, scope="database", place="channel:x")
    plan = services.plans.request(
        person=mei, action="back_up_database", parameters={"database": "traitortrack"}, place="channel:x"
    )
    with services.database.write() as session:
        run = Run(plan_id=plan.id, action=plan.action, target=plan.target, place="channel:x", state="queued")
        run.created_at = utc_now()
        session.add(run)
        assert session.get_one(Plan, 1).state == "making"
    for key, state in (("database_corruption", "planning"), ("region_outage", "running")):
        started = services.playbooks.start(person=mei, key=key, database="traitortrack", place="channel:x")
        assert started.state == state
        set_state(services, started.id, "stopped")  # one at a time works on a database
    set_state(services, 1, "planning")
    set_state(services, 2, "running")
    services.desk.resolve(1, actor="mei")


def set_state(services: Services, number: int, state: str) -> None:
    with services.database.write() as session:
        session.get_one(PlaybookRun, number).state = state


def leave_behind(connection: sa.Connection, one: dict[str, Any]) -> None:
    """The rows that a leader which was killed leaves: begun, and claimed by nobody who lives."""
    now = int(time.time() * 1000)
    facts = {key: value for key, value in one.items() if key != "positional"}
    facts |= {
        "status": "PENDING", "executor_id": f"{NAME}-killed", "application_version": APPLICATION_VERSION,
        "application_name": NAME, "created_at": now, "updated_at": now, "recovery_attempts": 1, "priority": 0,
        "serialization": "portable_json",
    }  # fmt: skip
    columns, values = ", ".join(facts), ", ".join(f":{name}" for name in facts)
    connection.execute(sa.text(f"INSERT INTO workflow_status ({columns}) VALUES ({values})"), facts)
    inputs = json.dumps({"namedArgs": {}, "positionalArgs": one["positional"]})
    connection.execute(
        sa.text("INSERT INTO workflow_input (workflow_uuid, inputs, retention_timestamp) VALUES (:id, :inputs, :now)"),
        {"id": one["workflow_uuid"], "inputs": inputs, "now": now},
    )


def unfinished(services: Services) -> list[str]:
    ids = [one["workflow_uuid"] for one in RECORDED]
    with services.database.engine.connect() as connection:
        rows = connection.execute(sa.text("SELECT workflow_uuid, status FROM workflow_status"))
        states = {row.workflow_uuid: row.status for row in rows}
    return [one for one in ids if states[one] in ("PENDING", "ENQUEUED")]
