"""A desk, its bulletins and the public's record on a real store; the clock and the queue are turned by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.comms import outages
from bot.comms.audiences import Audiences
from bot.comms.bulletins import Bulletins
from bot.comms.deliveries import Parcel
from bot.comms.incident_desk import IncidentNotices
from bot.comms.notices import SLACK, Notices
from bot.comms.status_site.site import StatusSite
from bot.comms.wording import Wording
from bot.engine import Engine
from bot.incidents.desk import Desk
from bot.policy import Person, Policy, load_policy
from bot.policy.channels import StatuspageSettings, StatusSiteSettings
from bot.store.database import Database
from bot.store.tables import Bulletin, ComponentOutage, Delivery, Incident, Notice
from tests.unit.incidents.conftest import HandClock

READY = (SLACK, "email", "statuspage", "status_site")
IDS = {"database": "cdatabase", "application": "capplication"}


@dataclass
class Queue:
    """What was enqueued, by key, with its delay in seconds; a key is taken once."""

    taken: dict[str, tuple[str, tuple[Any, ...], float]] = field(default_factory=dict)

    def enqueue(self, _session: Session, name: str, *arguments: Any, key: str, delay_s: float = 0.0, **_: Any) -> None:
        self.taken.setdefault(key, (name, arguments, delay_s))


@dataclass
class Newsroom:
    database: Database
    policy: Policy
    clock: HandClock
    queue: Queue
    desk: Desk
    bulletins: Bulletins
    site: StatusSite

    @property
    def publisher(self) -> Person:
        return next(one for one in self.policy.people if self.bulletins.may_publish(one))

    @property
    def outsider(self) -> Person:
        return next(one for one in self.policy.people if not self.bulletins.may_publish(one))

    def declare(self, title: str = "Bags cannot be scanned", **more: Any) -> int:
        return self.desk.declare(actor="mei", severity="P1", title=title, confirmed=True, **more).id

    def publish(self, incident_id: int, text: str = "", **wording: Any) -> Bulletin:
        """The draft that waits, or a new one with the text, let out as worded."""
        draft = self.bulletins.draft(incident_id, actor="mei", text=text)
        return self.bulletins.publish(draft.id, person=self.publisher, wording=Wording(**wording))

    def change(self, incident_id: int, **columns: Any) -> None:
        with self.database.write() as session:
            session.execute(sa.update(Incident).where(Incident.id == incident_id).values(**columns))

    def outages(self) -> list[tuple[str, str, bool]]:
        """Component, what was said, whether it still is so."""
        with self.database.read() as session:
            rows = session.scalars(sa.select(ComponentOutage).order_by(ComponentOutage.id))
            return [(one.component, one.status, one.ended_at is None) for one in rows]

    def parcel(self, bulletin_id: int, channel: str) -> Parcel:
        """What the channel is given for a bulletin; one attempt, of which the next one does not know the end."""
        with self.database.write() as session:
            notice = session.scalars(sa.select(Notice).where(Notice.key == f"bulletin:{bulletin_id}")).one()
            mine = sa.select(Delivery).where(Delivery.notice_id == notice.id, Delivery.channel == channel)
            delivery = session.scalars(mine).one()
            delivery.in_doubt = delivery.attempts > 0
            delivery.attempts += 1
            return Parcel(delivery, notice, session.get(Incident, notice.incident_id))

    def keep_receipt(self, parcel: Parcel, receipt: dict[str, Any]) -> None:
        with self.database.write() as session:
            session.get_one(Delivery, parcel.delivery.id).receipt = receipt


def make_policy(folder: Path) -> Policy:
    """The default, with both kinds of status page set up."""
    policy = load_policy(None)
    channels = policy.channels.model_copy(
        update={
            "statuspage": StatuspageSettings(page_id="p1", api_key_env="STATUSPAGE_API_KEY", components=IDS),
            "status_site": StatusSiteSettings(folder=str(folder / "site")),
        }
    )
    return policy.model_copy(update={"channels": channels})


def make_newsroom(database: Database, folder: Path) -> Newsroom:
    """On an empty store."""
    clock, queue, policy = HandClock(), Queue(), make_policy(folder)
    notices = Notices(cast(Engine, queue), clock)
    bulletins = Bulletins(database, policy, notices, Audiences(policy, READY))
    bulletins.published.append(outages.bulletin_published)
    desk = Desk(database, policy, clock)
    desk.listeners += [outages.follow_incidents(clock), IncidentNotices(notices, bulletins).changed]
    return Newsroom(database, policy, clock, queue, desk, bulletins, StatusSite(database, policy, clock))
