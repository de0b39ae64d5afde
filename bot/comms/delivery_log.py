"""What became of everything that was said about an incident: to whom, on which channel, and whether it got through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.comms.audiences import WHOLE
from bot.comms.channel_watch import title_of_channel
from bot.comms.messages.subject import name_person
from bot.comms.notices import SLACK
from bot.comms.outgoing import BULLETIN
from bot.policy import Policy
from bot.store.database import Database
from bot.store.tables import Bulletin, Delivery, Notice

WAITING = ("queued", "sending", "retrying", "spaced")


@dataclass(frozen=True)
class Told:
    """One delivery, in words. Channel and recipient are for people; `receipt` is what the far side calls it."""

    id: int
    said_at: datetime
    kind: str
    """Of the notice."""
    what: str
    channel: str
    recipient: str
    state: str
    attempts: int
    receipt: str
    error: str
    repeated: bool

    @property
    def waits(self) -> bool:
        return self.state in WAITING

    @property
    def note(self) -> str:
        """What is worth saying besides the state; empty for what went as it should."""
        tries = f"took {self.attempts} attempts" if self.attempts > 1 and not self.error else ""
        twice = "may have arrived twice" if self.repeated else ""
        return "; ".join(part for part in (self.error, tries, twice) if part)


class DeliveryLog:
    """Reads. `lacking`: channels that the policy sets up and that cannot be used, with the reason."""

    def __init__(self, database: Database, policy: Policy, lacking: Mapping[str, str]) -> None:
        self.database, self.policy = database, policy
        self.lacking = {title_of_channel(name): reason for name, reason in lacking.items()}

    def of_incident(self, incident_id: int) -> list[Told]:
        """Every delivery of an incident, oldest first."""
        with self.database.read() as session:
            return self.read(session, incident_id)

    def read(self, session: Session, incident_id: int) -> list[Told]:
        """The same, in the caller's transaction."""
        query = (
            sa.select(Delivery, Notice, Bulletin.stage)
            .join(Notice, Notice.id == Delivery.notice_id)
            .outerjoin(Bulletin, sa.and_(Bulletin.id == Notice.subject_id, Notice.kind == BULLETIN))
            .where(Notice.incident_id == incident_id)
            .order_by(Delivery.id)
        )
        return [self._tell(delivery, notice, stage) for delivery, notice, stage in session.execute(query)]

    def _tell(self, delivery: Delivery, notice: Notice, stage: str | None) -> Told:
        receipt = delivery.receipt
        return Told(
            id=delivery.id,
            said_at=notice.created_at,
            kind=notice.kind,
            what=f"{notice.kind.replace('_', ' ')}{f' ({stage})' if stage else ''}",
            channel=title_of_channel(delivery.channel),
            recipient=self._name(delivery),
            state=delivery.state,
            attempts=delivery.attempts,
            receipt=", ".join(f"{key} {value}" for key, value in receipt.items() if key not in ("repeated", "late")),
            error="" if delivery.state == "sent" else delivery.error,
            repeated=bool(receipt.get("repeated")),
        )

    def _name(self, delivery: Delivery) -> str:
        if delivery.channel != SLACK:
            return "everybody there" if delivery.recipient == WHOLE else delivery.recipient
        kind, _, name = delivery.recipient.partition(":")
        if kind == "person":
            return name_person(self.policy, name)
        return "the incident's channel" if kind == "incident" else f"#{name}"
