"""Two things at the same instant, on both kinds of store: neither is lost, neither happens twice."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import sqlalchemy as sa

from bot.outcome import Refused
from bot.store.tables import Delivery, Notice
from tests.crash.rig import Rig

TIMES = 20
EIGHT = 8


def do_together(action: Callable[[], object]) -> list[object]:
    """Eight threads do it at the same instant; what each gave back, or how it was refused."""
    start = threading.Barrier(EIGHT)

    def act(_number: int) -> object:
        start.wait()
        try:
            return action()
        except Refused as refusal:
            return refusal

    with ThreadPoolExecutor(EIGHT) as pool:
        return list(pool.map(act, range(EIGHT)))


def test_every_change_of_a_notice_is_shown(crowd: Rig) -> None:
    """Each gets a version of its own, and so a delivery of its own."""
    services = crowd.services
    with services.database.write() as session:
        services.notices.say(session, "sweep", key="shown", to=["channel:incidents"])

    def refresh() -> None:
        with services.database.write() as session:
            services.notices.refresh(session, "shown")

    for _ in range(TIMES):
        do_together(refresh)
    with services.database.read() as session:
        assert session.scalars(sa.select(Notice.version)).one() == 1 + TIMES * EIGHT
        assert len(session.scalars(sa.select(Delivery)).all()) == 1
    assert services.engine.pending() == 1 + TIMES * EIGHT


def test_resolved_once(crowd: Rig) -> None:
    desk = crowd.services.desk
    for _ in range(TIMES):
        number = desk.declare(actor="amara", severity="P1", title="Down", confirmed=True).id
        outcomes = do_together(partial(desk.resolve, number, actor="mei"))
        assert len([one for one in outcomes if isinstance(one, Refused)]) == EIGHT - 1
        assert [one.kind for one in crowd.entries(number)] == ["incident.declared", "incident.resolved"]


def test_declared_once(crowd: Rig) -> None:
    """An identical declaration at the same instant is asked about like a later one."""
    desk = crowd.services.desk
    for turn in range(TIMES):
        title = f"Down {turn}"
        outcomes = do_together(partial(desk.declare, actor="amara", severity="P1", title=title))
        assert len([one for one in outcomes if isinstance(one, Refused)]) == EIGHT - 1
    assert len(desk.list_recent(1000)) == TIMES
