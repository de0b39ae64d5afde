"""Notices and deliveries on a real store, with a clock and a queue that are turned by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.comms.deliveries import ChannelDown, ChannelRefused, Deliveries, Parcel, Receipt
from bot.comms.notices import Notices
from bot.engine import Engine
from bot.store.database import Database
from bot.store.tables import Delivery
from tests.integration.store.stores import empty_store, open_store
from tests.unit.comms.newsroom import Newsroom, make_newsroom
from tests.unit.comms.on_time import Office, open_office
from tests.unit.incidents.conftest import HandClock

HERE = "channel:here"


@dataclass
class HandQueue:
    """What was enqueued, until its time has come; a key is taken once."""

    clock: HandClock
    waiting: list[tuple[datetime, int, int]] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)

    def enqueue(
        self, _session: Session, _name: str, delivery: int, *, key: str, delay_s: float = 0.0, order: int = 0, **_: Any
    ) -> None:
        if key not in self.keys:
            self.keys.add(key)
            self.waiting.append((self.clock() + timedelta(seconds=delay_s), order, delivery))

    def pop_due(self) -> int | None:
        due = sorted(one for one in self.waiting if one[0] <= self.clock())
        if not due:
            return None
        self.waiting.remove(due[0])
        return due[0][2]


@dataclass
class Recipient:
    """The far side: what it was told and shown, and whether it answers."""

    clock: HandClock
    down: bool = False
    retry_after_s: float | None = None
    refusal: str = ""
    tries: list[datetime] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    shown: dict[int, int] = field(default_factory=dict)
    name: str = "slack"

    def send(self, parcel: Parcel) -> Receipt:
        self.tries.append(self.clock())
        if self.down:
            raise ChannelDown("no answer", self.retry_after_s)
        if self.refusal:
            raise ChannelRefused(self.refusal)
        if not parcel.sent_before:
            self.said.append(parcel.notice.key)
        self.shown[parcel.delivery.id] = parcel.notice.version
        return {"ts": str(parcel.delivery.id)}


@dataclass
class Post:
    """Everything between saying something and its being shown."""

    database: Database
    clock: HandClock
    queue: HandQueue
    notices: Notices
    recipient: Recipient
    deliveries: Deliveries

    def say(self, key: str, to: str = HERE) -> None:
        with self.database.write() as session:
            self.notices.say(session, "test", key=key, to=[to])

    def refresh(self, *keys: str) -> None:
        with self.database.write() as session:
            self.notices.refresh(session, *keys)

    def work(self) -> None:
        """Do everything that is due now."""
        while (delivery := self.queue.pop_due()) is not None:
            self.deliveries.deliver(delivery)

    def pass_time(self, seconds: float, step_s: float = 0.5) -> None:
        """Let time go by, doing what falls due."""
        for _ in range(int(seconds / step_s)):
            self.clock.turn(seconds=step_s)
            self.work()

    def states(self) -> list[str]:
        with self.database.read() as session:
            return list(session.scalars(sa.select(Delivery.state).order_by(Delivery.id)))


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    clock = HandClock()
    queue, recipient = HandQueue(clock), Recipient(clock)
    with open_store(f"sqlite:///{tmp_path / 'holdfast.db'}") as database:
        notices = Notices(cast(Engine, queue), clock)
        deliveries = Deliveries(database, notices, {"slack": recipient})
        yield Post(database, clock, queue, notices, recipient, deliveries)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with open_store(f"sqlite:///{tmp_path_factory.mktemp('store') / 'holdfast.db'}") as database:
        yield database


@pytest.fixture
def newsroom(store: Database, tmp_path: Path) -> Newsroom:
    empty_store(store)
    return make_newsroom(store, tmp_path)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as opened:
        yield opened
