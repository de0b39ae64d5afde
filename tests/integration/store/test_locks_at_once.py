"""Runs that begin, end and are steered at the same instant, on both databases: nobody waits in a circle."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest

from bot.engine import Engine
from bot.outcome import Refused
from bot.recovery import registry
from bot.recovery.decisions import find_plan
from bot.recovery.locks import Held, release_locks, take_locks
from bot.recovery.plans import start_run
from bot.store import ledger
from bot.store.database import Database
from bot.store.tables import Lock, Run
from tests.integration.store.test_desk_at_once import PEOPLE, at_once
from tests.unit.recovery.folder_action import ChangeFolder, Desk

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
THINGS = ("app_1", "app_2", "traitortrack")
ROUNDS = 8


def work(database: Database, number: int) -> bool:
    """Begin and end a run; False where another has the locks."""
    try:
        with database.write() as session:
            take_locks(session, THINGS, run_id=number + 1, holder="mei", reason="Deploy", now=NOON)
    except Held:
        return False
    with database.write() as session:
        release_locks(session, number + 1)
        ledger.append(session, kind="run.done", actor="holdfast", text=f"Run {number + 1}")
    return True


def test_who_begins_and_who_ends(database: Database) -> None:
    at_once(lambda number: [work(database, number) for _ in range(ROUNDS)])  # a circle would be raised here
    with database.read() as session:
        assert session.query(Lock).count() == 0


@contextmanager
def open_desk(database: Database, folder: Path) -> Iterator[Desk]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "all_actions", lambda: {ChangeFolder.name: ChangeFolder()})
        yield Desk(database, folder)


def approve_skipping(desk: Desk, plan_id: int) -> Run | None:
    """As the last approval does it: the plan is held first, then the ledger."""
    with desk.database.write() as session:
        plan = find_plan(session, plan_id, lock=True)
        if plan.state != "pending":
            raise Refused("It is decided.")
        ledger.append(session, kind="approval.approved", actor="mei", text="Approved")
        return start_run(session, plan, cast(Engine, desk.engine), desk.plans.notices)


def test_one_tries_again_while_another_approves_to_leave_the_step_out(database: Database, tmp_path: Path) -> None:
    with open_desk(database, tmp_path) as desk:
        for name in ("polish", "check"):
            (tmp_path / f"breaks-{name}").touch()
        diego = desk.person("diego")
        for _ in range(3):
            run = desk.run()
            plan = desk.runs.skip(run.id, "polish", diego, "channel:here")
            came = at_once(
                lambda number, run=run, plan=plan: (  # type: ignore[misc]
                    approve_skipping(desk, plan.id) if number % 2 else desk.runs.retry(run.id, diego)
                )
            )
            assert sum(isinstance(one, Refused) for one in came) == PEOPLE - 1
            desk.work()
