"""A desk whose incidents are told on one channel, with a clock and a queue that are turned by hand."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.comms.audiences import Audiences
from bot.comms.bulletins import Bulletins
from bot.comms.channel_watch import ChannelWatch
from bot.comms.channels import Wiring, channel_modules
from bot.comms.deliveries import Channel, Deliveries, Parcel, Receipt
from bot.comms.incident_desk import IncidentNotices
from bot.comms.notices import Address, Notices
from bot.comms.prose import Prose
from bot.engine import Engine
from bot.incidents.desk import Desk
from bot.policy import Policy, load_policy
from bot.settings import templates_dir
from bot.store.database import Database
from bot.store.tables import Delivery, Incident
from tests.integration.store.stores import open_store
from tests.unit.comms.conftest import HandQueue
from tests.unit.incidents.conftest import HandClock

SHIPPED: dict[str, Any] = load_policy(None).model_dump()
STATUS_PAGE = {"status_page_url": "https://status.example.com"}


class QuietSlack:
    """Slack, where only the other channels are looked at."""

    name = "slack"

    def send(self, parcel: Parcel) -> Receipt:
        return {"ts": str(parcel.delivery.id)}


class DeliveryQueue(HandQueue):
    """Other work than deliveries is not done here."""

    def enqueue(
        self, _session: Session, _name: str, delivery: int, *more: Any, key: str, delay_s: float = 0.0, order: int = 0,
        **_: Any,
    ) -> None:  # fmt: skip
        if _name == "deliver":
            super().enqueue(_session, _name, delivery, key=key, delay_s=delay_s, order=order)


class Office:
    """Says what happens in incidents, and delivers it."""

    def __init__(
        self, database: Database, policy: Policy, environment: Mapping[str, str], slack: Channel | None = None
    ) -> None:
        self.database, self.policy, self.clock = database, policy, HandClock()
        self.queue = DeliveryQueue(self.clock)
        self.notices = Notices(cast(Engine, self.queue), self.clock)
        wiring = Wiring(policy, environment, database, Prose(templates_dir()))
        others = {
            name: module.build(wiring)
            for name, module in channel_modules().items()
            if getattr(policy.channels, name) is not None
        }
        self.channels: dict[str, Channel] = {"slack": slack or QuietSlack(), **others}
        self.audiences = Audiences(policy, set(self.channels))
        self.bulletins = Bulletins(database, policy, self.notices, self.audiences)
        self.desk = Desk(database, policy, self.clock)
        self.desk.listeners.append(IncidentNotices(self.notices, self.bulletins).changed)
        watch = ChannelWatch(self.notices, self.audiences)
        self.deliveries = Deliveries(database, self.notices, self.channels, watch)

    def declare(self, severity: str = "P1", title: str = "Database connection failure", **more: Any) -> Incident:
        return self.desk.declare(actor="mei", severity=severity, title=title, category="database", **more)

    def page(self, alias: str, to: list[Address], **data: Any) -> None:
        facts = {"alias": alias, "summary": "Look at this", "details": "Now.", **data}
        with self.database.write() as session:
            self.notices.say(session, "page", key=f"{alias}:{len(facts)}", to=to, data=facts)

    def work(self) -> None:
        while (delivery := self.queue.pop_due()) is not None:
            self.deliveries.deliver(delivery)

    def pass_time(self, seconds: float, step_s: float = 5.0) -> None:
        for _ in range(int(seconds / step_s)):
            self.clock.turn(seconds=step_s)
            self.work()

    def told(self, channel: str) -> list[Delivery]:
        query = sa.select(Delivery).where(Delivery.channel == channel).order_by(Delivery.id)
        with self.database.read() as session:
            return list(session.scalars(query))


def make_policy(channels: Mapping[str, Any], ways: list[str], **more: Any) -> Policy:
    """The shipped policy with these channels, and the DR team told on these ways; nobody else is."""
    changed = copy.deepcopy(SHIPPED)
    changed["channels"] = {**STATUS_PAGE, **channels}
    changed["audiences"]["dr_team"] = {**changed["audiences"]["dr_team"], "ways": ways, **more}
    for severity in changed["severities"].values():
        severity["audiences"] = ["dr_team"]
    return Policy.model_validate(changed)


@contextmanager
def open_office(
    folder: Path, policy: Policy, environment: Mapping[str, str], slack: Channel | None = None
) -> Iterator[Office]:
    with open_store(f"sqlite:///{folder / 'holdfast.db'}") as database:
        yield Office(database, policy, environment, slack)
