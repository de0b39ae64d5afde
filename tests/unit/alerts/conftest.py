"""The alert desk on a real store, with a clock and a queue that are turned by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, cast

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.alerts.alert import Incoming, State, make_incoming
from bot.alerts.desk import WORKFLOW, AlertDesk, card_key
from bot.alerts.prober import WORKFLOW as PROBE
from bot.alerts.prober import HealthProber
from bot.comms.audiences import Audiences
from bot.comms.bulletins import Bulletins
from bot.comms.incident_desk import IncidentNotices
from bot.comms.notices import Notices
from bot.engine import Engine
from bot.incidents.desk import Desk
from bot.policy import AlertRule, Alerts, Policy, load_policy
from bot.store.database import Database
from bot.store.tables import Alert, AlertGroup, Incident, LedgerEntry, Notice
from bot.systems.web_application import Answer
from tests.integration.store.stores import empty_store, open_store
from tests.unit.incidents.conftest import HandClock

SHIPPED = load_policy(None)


def make_policy(*rules: dict[str, Any], **changed: Any) -> Policy:
    """The shipped policy with other rules for alerts; without any, all alerts declare."""
    default: dict[str, Any] = {"name": "all", "severity": "P1", "category": "application", "declare": True}
    alerts = SHIPPED.alerts.model_dump(mode="json", exclude={"rules"}) | changed
    alerts["rules"] = [AlertRule(**rule) for rule in rules] or [AlertRule(**default)]
    return SHIPPED.model_copy(update={"alerts": Alerts.model_validate(alerts)})


@dataclass
class HandQueue:
    """What transactions that were committed enqueued, until its time has come; a key is taken once."""

    clock: HandClock
    waiting: list[tuple[datetime, str, tuple[Any, ...]]] = field(default_factory=list)
    keys: dict[str, str] = field(default_factory=dict)
    workflows: dict[str, Callable[..., None]] = field(default_factory=dict)

    def enqueue(self, session: Session, name: str, *arguments: Any, key: str, delay_s: float = 0.0, **_: Any) -> None:
        sa.event.listen(session, "after_commit", partial(self._add, name, arguments, key, delay_s), once=True)

    def _add(self, name: str, arguments: tuple[Any, ...], key: str, delay_s: float, _session: Session) -> None:
        if key not in self.keys:
            self.keys[key] = name
            self.waiting.append((self.clock() + timedelta(seconds=delay_s), name, arguments))

    def work(self) -> None:
        """Do everything that is due now; what belongs to other rooms is not done."""
        while due := sorted(one for one in self.waiting if one[0] <= self.clock()):
            self.waiting.remove(due[0])
            if due[0][1] in self.workflows:
                self.workflows[due[0][1]](*due[0][2])

    def count(self, name: str) -> int:
        return list(self.keys.values()).count(name)


@dataclass
class Monitoring:
    """Everything between an alert and what becomes of it."""

    database: Database
    policy: Policy
    clock: HandClock
    queue: HandQueue
    desk: Desk
    alerts: AlertDesk
    prober: HealthProber
    healthy: dict[str, bool]

    def send(self, *names: str, state: State = "firing", at: datetime | None = None, **facts: Any) -> None:
        """One delivery with an alert for each name."""
        self.alerts.receive([self.make(name, state, at, **facts) for name in names])

    def make(self, name: str, state: State = "firing", at: datetime | None = None, **facts: Any) -> Incoming:
        given: dict[str, Any] = {"title": f"{name} is wrong", "fingerprint": name, **facts}
        return make_incoming("generic", state=state, at=at or self.clock(), **given)

    def pass_time(self, seconds: float, step_s: float = 1.0) -> None:
        """Let time go by, doing what falls due."""
        for _ in range(int(seconds / step_s)):
            self.clock.turn(seconds=step_s)
            self.queue.work()

    def settle(self) -> None:
        """What was just sent has been told."""
        self.pass_time(2)

    def groups(self) -> list[AlertGroup]:
        with self.database.read() as session:
            return list(session.scalars(sa.select(AlertGroup).order_by(AlertGroup.id)))

    def kept(self) -> list[Alert]:
        with self.database.read() as session:
            return list(session.scalars(sa.select(Alert).order_by(Alert.id)))

    def incidents(self) -> list[Incident]:
        with self.database.read() as session:
            return list(session.scalars(sa.select(Incident).order_by(Incident.id)))

    def timeline(self, incident_id: int = 1) -> list[str]:
        """What the timeline says of alerts, in the order in which it was written."""
        query = sa.select(LedgerEntry.text).where(LedgerEntry.incident_id == incident_id)
        with self.database.read() as session:
            return list(session.scalars(query.where(LedgerEntry.kind.startswith("alerts.")).order_by(LedgerEntry.seq)))

    def notices(self, kind: str) -> list[Notice]:
        with self.database.read() as session:
            return list(session.scalars(sa.select(Notice).where(Notice.kind == kind).order_by(Notice.id)))

    def card_version(self, group_id: int = 1) -> int:
        """How often the card was to change; 0 where there is none."""
        with self.database.read() as session:
            return session.scalar(sa.select(Notice.version).where(Notice.key == card_key(group_id))) or 0

    def ask(self, url: str, _expected: Any) -> Answer:
        """What an application's health address answers."""
        good = self.healthy.get(url, True)
        return Answer(good, "200 ok" if good else "503 <!channel> down")


Start = Callable[..., Monitoring]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with open_store(f"sqlite:///{tmp_path_factory.mktemp('alerts') / 'holdfast.db'}") as database:
        yield database


@pytest.fixture
def start(database: Database) -> Start:
    """Starts a desk with a policy; again on the same store, as another replica or after a restart."""
    empty_store(database)
    clock = HandClock()
    queue = HandQueue(clock)

    def start_desk(policy: Policy | None = None) -> Monitoring:
        policy = policy or make_policy()
        notices = Notices(cast(Engine, queue), clock)
        desk = Desk(database, policy, clock)
        alerts = AlertDesk(database, policy, notices, desk, clock)
        bulletins = Bulletins(database, policy, notices, Audiences(policy))
        desk.listeners += [IncidentNotices(notices, bulletins).changed, alerts.incident_changed]
        found = Monitoring(database, policy, clock, queue, desk, alerts, HealthProber(alerts), {})
        found.prober = HealthProber(alerts, found.ask)
        queue.workflows = {WORKFLOW: alerts.tend, PROBE: found.prober.probe}
        return found

    return start_desk
