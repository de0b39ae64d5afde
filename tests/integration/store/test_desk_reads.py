"""What the desk asks of the store, the same on SQLite and PostgreSQL."""

from __future__ import annotations

import pytest

from bot.incidents.desk import Desk
from bot.outcome import Refused
from bot.policy import load_policy
from bot.recovery.runs import Runs
from bot.store.database import Database
from bot.store.tables import Plan, Run
from tests.unit.slack.rows import NOON


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database, load_policy(None))


def test_search_takes_wildcards_as_they_are(desk: Desk) -> None:
    for title in ("100% full", "a_b", "back\\slash", "plain"):
        desk.declare(actor="mei", severity="P3", title=title)
    found = {words: [one.title for one in desk.search(words)] for words in ("%", "_", "\\", "PLAIN", "100% FULL")}
    assert found == {
        "%": ["100% full"], "_": ["a_b"], "\\": ["back\\slash"], "PLAIN": ["plain"], "100% FULL": ["100% full"],
    }  # fmt: skip


def test_what_belongs_to_a_private_incident_is_seen_by_its_members(desk: Desk, database: Database) -> None:
    hidden = desk.declare(actor="mei", severity="P1", title="x", private=True).id
    known = desk.declare(actor="mei", severity="P1", title="y").id
    facts = {"action": "a", "target": "t", "place": "p", "state": "done", "created_at": NOON}
    with database.write() as session:
        for number, incident in enumerate((hidden, known, None), start=1):
            plan = Plan(id=number, parameters={}, requested_by="mei", incident_id=incident, **facts)
            session.add(plan)
            session.flush()
            session.add(Run(id=number, plan_id=number, incident_id=incident, words="", cancel_requested_by="", **facts))
    runs = Runs.__new__(Runs)
    runs.database = database
    assert [run.id for run in runs.list_recent(viewer="mei")] == [3, 2, 1]
    assert [run.id for run in runs.list_recent(viewer="diego")] == [3, 2]
    assert [run.id for run in runs.list_recent()] == [3, 2, 1]
    with pytest.raises(Refused, match="There is no run 1"):
        runs.find(1, "diego")


def test_merging_crosswise_leaves_one(desk: Desk) -> None:
    one, two = (desk.declare(actor="mei", severity="P1", title=title).id for title in "ab")
    task = desk.tasks.add(two, actor="mei", title="x").id
    desk.merging.merge(two, actor="mei", into=one)
    with pytest.raises(Refused, match="is itself part of"):
        desk.merging.merge(one, actor="mei", into=two)
    assert [found.id for found in desk.tasks.list_of(one)] == [task]
    assert "Declared P1: b" in [entry.text for entry in desk.timeline(one)]
