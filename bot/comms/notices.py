"""Notices: what is to be said, committed together with what it is about, and delivered afterwards.

A notice is said once to each recipient. Refreshing one raises its version and the message follows, so a
summary or a run's progress stays one message.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from pydantic import JsonValue
from sqlalchemy.orm import Session

from bot.clock import Clock, utc_now
from bot.engine import Engine
from bot.incidents.members import list_members
from bot.store.tables import Delivery, Incident, Notice

WORKFLOW = "deliver"
SLACK = "slack"


@dataclass(frozen=True)
class Address:
    """A recipient on a channel (a file in `comms/channels`), in that channel's own terms."""

    channel: str
    recipient: str


def incident_room(incident_id: int) -> str:
    """Recipient: the channel of an incident, opened by then or not."""
    return f"incident:{incident_id}"


def slack_channel(channel: str) -> str:
    """Recipient: a Slack channel by id, or by name without the #."""
    return f"channel:{channel}"


def direct_message(person_key: str) -> str:
    """Recipient: a person of the policy, in a conversation of their own."""
    return f"person:{person_key}"


class Notices:
    """Writes notices and the intent to deliver them, in the caller's transaction."""

    def __init__(self, engine: Engine, clock: Clock = utc_now) -> None:
        self.engine = engine
        self.clock = clock

    def say(
        self,
        session: Session,
        kind: str,
        *,
        key: str,
        to: Sequence[str | Address],
        incident_id: int | None = None,
        subject_id: int | None = None,
        data: dict[str, JsonValue] | None = None,
    ) -> None:
        """Say something of this `kind` once; the same `key` again says nothing.

        For Slack a kind is a file in `comms/messages`; what other channels can say, `comms/outgoing.py` knows. A
        plain string in `to` is a recipient in Slack.
        """
        if session.scalar(sa.select(Notice.id).where(Notice.key == key)) is not None:
            return
        now = self.clock()
        notice = Notice(
            key=key, kind=kind, incident_id=incident_id, subject_id=subject_id, data=data or {},
            created_at=now, version=1,
        )  # fmt: skip
        session.add(notice)
        session.flush()
        for where in self._choose_addresses(session, incident_id, to):
            delivery = Delivery(
                notice_id=notice.id, channel=where.channel, recipient=where.recipient, state="queued", receipt={},
                updated_at=now,
            )  # fmt: skip
            session.add(delivery)
            session.flush()
            self._send(session, delivery, notice.version)

    def _choose_addresses(
        self, session: Session, incident_id: int | None, to: Sequence[str | Address]
    ) -> list[Address]:
        """All of them; of a private incident nothing leaves its room but what is said to a member directly."""
        wanted = [address if isinstance(address, Address) else Address(SLACK, address) for address in to]
        incident = session.get(Incident, incident_id) if incident_id else None
        if incident is None or not incident.private:
            return wanted
        room = Address(SLACK, incident_room(incident.id))
        members = {Address(SLACK, direct_message(key)) for key in list_members(session, incident.id)}
        spoken = [room if _is_place(address) else address for address in wanted]
        return [address for address in dict.fromkeys(spoken) if address == room or address in members]

    def refresh(self, session: Session, *keys: str) -> None:
        """What these notices show has changed: bring their messages up to date."""
        found = sa.select(Notice).where(Notice.key.in_(keys)).order_by(Notice.id)
        # Locked: of two changes at the same instant each must get a version, and a delivery, of its own.
        for notice in session.scalars(found.with_for_update().execution_options(populate_existing=True)):
            notice.version += 1
            for delivery in session.scalars(sa.select(Delivery).where(Delivery.notice_id == notice.id)):
                where = Address(delivery.channel, delivery.recipient)
                if where in self._choose_addresses(session, notice.incident_id, [where]):
                    self._send(session, delivery, notice.version)

    def open_room(self, session: Session, incident: Incident) -> None:
        """The incident's channel can be written to now: send what has been waiting for it, in order."""
        waiting = sa.select(Delivery, Notice.version).join(Notice, Notice.id == Delivery.notice_id)
        here = (Delivery.channel == SLACK, Delivery.recipient == incident_room(incident.id))
        for delivery, version in session.execute(waiting.where(*here).order_by(Delivery.id)):
            self._send(session, delivery, version)

    def again(self, session: Session, delivery: Delivery, version: int, delay_s: float) -> None:
        """Try a delivery once more after a while."""
        key = f"deliver-{delivery.id}-{version}-retry-{delivery.attempts}"
        self._enqueue(session, delivery, key, delay_s)

    def _send(self, session: Session, delivery: Delivery, version: int) -> None:
        if delivery.channel == SLACK and not self._room_is_open(session, delivery.recipient):
            return
        self._enqueue(session, delivery, f"deliver-{delivery.id}-{version}", 0.0)

    def _enqueue(self, session: Session, delivery: Delivery, key: str, delay_s: float) -> None:
        # One queue partition per recipient: what is said to one place is said in order.
        self.engine.enqueue(
            session, WORKFLOW, delivery.id, key=key, delay_s=delay_s,
            queue="deliveries", partition=_partition_of(delivery), order=delivery.id,
        )  # fmt: skip

    def _room_is_open(self, session: Session, recipient: str) -> bool:
        kind, _, number = recipient.partition(":")
        if kind != "incident":
            return True
        incident = session.get(Incident, int(number))
        return incident is not None and incident.channel_id is not None and incident.archived_at is None


def _is_place(address: Address) -> bool:
    """A channel in Slack, be it an incident's."""
    return address.channel == SLACK and not address.recipient.startswith(direct_message(""))


def _partition_of(delivery: Delivery) -> str:
    if delivery.channel == SLACK:
        return delivery.recipient
    return f"{delivery.channel}:{delivery.recipient}"
