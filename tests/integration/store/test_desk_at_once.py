"""Several people at the desk at the same instant: on both databases one of them wins, and the others are told."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from bot.incidents.desk import Desk, SameAgain
from bot.outcome import Refused
from bot.policy import load_policy
from bot.store import ledger
from bot.store.database import Database

PEOPLE = 8


def at_once(work: Callable[[int], object]) -> list[object]:
    """What came of it for each, refusals included."""
    start = Barrier(PEOPLE)

    def run(number: int) -> object:
        start.wait(timeout=30)
        try:
            return work(number)
        except Refused as refusal:
            return refusal

    with ThreadPoolExecutor(PEOPLE) as pool:
        return list(pool.map(run, range(PEOPLE)))


def test_the_same_thing_declared_at_once_is_one_incident(database: Database) -> None:
    desk = Desk(database, load_policy(None))
    came = at_once(lambda _: desk.declare(actor="mei", severity="P1", title="Bags are missing"))
    assert len(desk.list_open()) == 1
    assert sum(isinstance(one, SameAgain) for one in came) == PEOPLE - 1


def test_an_incident_is_resolved_once(database: Database) -> None:
    desk = Desk(database, load_policy(None))
    number = desk.declare(actor="mei", severity="P1", title="Bags are missing").id
    came = at_once(lambda _: desk.resolve(number, actor="mei"))
    assert sum(isinstance(one, Refused) for one in came) == PEOPLE - 1
    assert [entry.kind for entry in desk.timeline(number)].count("incident.resolved") == 1


def test_everything_at_once_is_on_the_timeline(database: Database) -> None:
    desk = Desk(database, load_policy(None))
    number = desk.declare(actor="mei", severity="P1", title="Bags are missing").id
    at_once(lambda n: [desk.note(number, actor="mei", text=f"{n}.{again}") for again in range(4)])
    assert len(desk.timeline(number)) == 1 + PEOPLE * 4
    with database.snapshot() as session:
        assert ledger.verify(session) == (1 + PEOPLE * 4, [])
