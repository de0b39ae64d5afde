"""Deliveries: getting a notice to a recipient, once, however often this process is killed."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import sqlalchemy as sa
from pydantic import JsonValue
from sqlalchemy.orm import Session

from bot.comms.audiences import WHOLE
from bot.comms.channel_watch import ChannelWatch, title_of_channel
from bot.comms.notices import SLACK, Notices, incident_room
from bot.store import ledger
from bot.store.database import Database
from bot.store.tables import Delivery, Incident, Notice

log = logging.getLogger(__name__)

Receipt = dict[str, JsonValue]
SPACING = timedelta(seconds=1)
"""A live message is changed at most once in this time; Slack takes about one change a second.

The first change is not kept waiting: posting and changing are counted apart, and what people wait for is in it.
"""
FIRST_VERSION = 1
"""Of a notice: as it was said, before any change."""
MARGIN_S = 0.1
GIVE_UP_AFTER = timedelta(hours=24)
LONGEST_DELAY_S = 60.0
"""Once the far side is back, people should not wait long for what it missed."""


class ChannelRefused(Exception):
    """The far side said no; the same again would not help."""


class ChannelDown(Exception):
    """The far side did not answer; it may or may not have acted, unless `not_begun` says that it has not.

    `recipient_only`: this recipient cannot be reached yet, which says nothing about the channel.
    """

    def __init__(
        self, words: str, retry_after_s: float | None = None, *, not_begun: bool = False, recipient_only: bool = False
    ) -> None:
        super().__init__(words)
        self.retry_after_s = retry_after_s
        self.not_begun = not_begun
        self.recipient_only = recipient_only


@dataclass(frozen=True)
class Parcel:
    """One delivery with what it needs: loaded rows, the address, and what an earlier attempt left."""

    delivery: Delivery
    notice: Notice
    incident: Incident | None

    @property
    def sent_before(self) -> bool:
        return bool(self.delivery.receipt)

    @property
    def may_have_been_sent(self) -> bool:
        """An attempt before this one may have reached them: look for it, or say so."""
        return not self.sent_before and self.delivery.in_doubt


class Channel(Protocol):
    """One way to reach people. It owns its rendering, its limits, and how to find out what it sent before."""

    name: str

    def send(self, parcel: Parcel) -> Receipt:
        """Say it, or bring what was said up to date. Raises `ChannelRefused` or `ChannelDown`."""


class Deliveries:
    """The workflow behind every delivery."""

    def __init__(
        self, database: Database, notices: Notices, channels: Mapping[str, Channel], watch: ChannelWatch | None = None
    ) -> None:
        """`watch` is told of every attempt that failed or worked."""
        self.database, self.notices, self.channels, self.watch = database, notices, channels, watch
        self.clock = notices.clock

    def deliver(self, delivery_id: int) -> None:
        """Say it, after what is still to be said before it; come back later where the far side is down.

        What is for one recipient runs one at a time (`Notices._enqueue`), so nobody else is saying the older ones.
        """
        for older in self._overdue(delivery_id):
            if not self._attempt(older):
                self._wait_behind(delivery_id)
                return
        self._attempt(delivery_id)

    def _attempt(self, delivery_id: int) -> bool:
        """Send, or update, and record the receipt. False where the far side is down."""
        parcel = self._begin(delivery_id)
        if parcel is None:
            return True
        version = parcel.notice.version
        try:
            receipt = self._channel(parcel).send(parcel)
        except ChannelRefused as error:
            self._end(delivery_id, "failed", str(error), version)
        except ChannelDown as error:
            self._come_back(delivery_id, version, error)
            return False
        else:
            self._end(delivery_id, "sent", "", version, receipt)
        return True

    def _overdue(self, delivery_id: int) -> list[int]:
        """What was to be said to the same recipient before this, and could not be yet; the oldest first."""
        with self.database.read() as session:
            delivery = session.get_one(Delivery, delivery_id)
            if delivery.receipt or delivery.state == "failed":
                return []
            older = sa.select(Delivery).where(
                Delivery.recipient == delivery.recipient,
                Delivery.channel == delivery.channel,
                Delivery.state == "retrying",
                Delivery.id < delivery_id,
            )
            return [one.id for one in session.scalars(older.order_by(Delivery.id)) if not one.receipt]

    def _wait_behind(self, delivery_id: int) -> None:
        with self.database.write() as session:
            delivery = session.get_one(Delivery, delivery_id)
            delivery.attempts += 1
            version = session.get_one(Notice, delivery.notice_id).version
        waits = ChannelDown("what was said before it is not through yet", not_begun=True, recipient_only=True)
        self._come_back(delivery_id, version, waits)

    def _begin(self, delivery_id: int) -> Parcel | None:
        """Record that an attempt starts, before it does; None where there is nothing (more) to do.

        What was refused is tried again when there is something new to show, not before.
        """
        with self.database.write() as session:
            delivery = session.get_one(Delivery, delivery_id)
            notice = session.get_one(Notice, delivery.notice_id)
            if delivery.shown_version >= notice.version:
                return None
            if self._too_soon(session, delivery, notice):
                return None
            delivery.attempts += 1
            # Found while it was being sent: whoever sent it was killed, and nobody knows how far that went.
            delivery.in_doubt = delivery.in_doubt or delivery.state == "sending"
            delivery.state = "sending"
            incident = session.get(Incident, notice.incident_id) if notice.incident_id else None
            return Parcel(delivery, notice, incident)

    def _too_soon(self, session: Session, delivery: Delivery, notice: Notice) -> bool:
        """Changes in quick succession become one: the last is shown when the spacing is over."""
        wait = delivery.updated_at + SPACING - self.clock()
        if not delivery.receipt or delivery.shown_version == FIRST_VERSION or wait <= timedelta(0):
            return False
        if delivery.state == "sent":
            delivery.state = "spaced"
            self.notices.again(session, delivery, notice.version, wait.total_seconds() + MARGIN_S)
            return True
        return delivery.state == "spaced"

    def _end(self, delivery_id: int, state: str, error: str, version: int, receipt: Receipt | None = None) -> None:
        with self.database.write() as session:
            delivery = session.get_one(Delivery, delivery_id)
            delivery.state, delivery.error, delivery.updated_at = state, error, self.clock()
            delivery.shown_version = version
            delivery.receipt = receipt or delivery.receipt
            if state == "failed":
                self._record_failure(session, delivery, error)
            if self.watch:  # a refusal is an answer too
                self.watch.answered(session, delivery)

    def _come_back(self, delivery_id: int, version: int, error: ChannelDown) -> None:
        with self.database.write() as session:
            delivery = session.get_one(Delivery, delivery_id)
            notice = session.get_one(Notice, delivery.notice_id)
            delivery.state, delivery.error = "retrying", str(error)
            delivery.in_doubt = delivery.in_doubt or not error.not_begun
            if self.watch and not error.recipient_only:
                self.watch.unanswered(session, delivery, str(error))
            if self.clock() - notice.created_at > GIVE_UP_AFTER:
                delivery.state, delivery.shown_version = "failed", version
                self._record_failure(session, delivery, f"given up after a day: {error}")
                return
            delay_s = error.retry_after_s or min(LONGEST_DELAY_S, 2.0 ** min(delivery.attempts, 9) / 2)
            self.notices.again(session, delivery, version, delay_s)

    def _channel(self, parcel: Parcel) -> Channel:
        channel = self.channels.get(parcel.delivery.channel)
        if channel is None:  # it was taken out of the policy, or lacks its secret, since this was said
            raise ChannelRefused(f"the channel {parcel.delivery.channel} is not set up any more")
        return channel

    def _record_failure(self, session: Session, delivery: Delivery, error: str) -> None:
        """On the timeline; and in the incident's room, once for all that a channel refuses of one notice.

        What the room itself refuses cannot be said there.
        """
        notice = session.get_one(Notice, delivery.notice_id)
        entry = ledger.append(
            session,
            key=f"delivery.failed:{delivery.id}",
            kind="delivery.failed",
            actor="holdfast",
            text=f"Could not deliver “{notice.kind}” to {_name_recipient(delivery)}: {error}",
            incident_id=notice.incident_id,
        )
        if notice.incident_id is None:
            return
        room = incident_room(notice.incident_id)
        if delivery.recipient != room:
            self.notices.say(
                session, "incident_entry", key=f"undelivered:{notice.id}:{delivery.channel}", to=[room],
                incident_id=notice.incident_id, data={"seq": entry.seq},
            )  # fmt: skip


def _name_recipient(delivery: Delivery) -> str:
    """For people: a service by its name, an address with that of the channel; #support and amara in Slack."""
    title = title_of_channel(delivery.channel)
    if delivery.recipient == WHOLE:
        return title
    if delivery.channel != SLACK:
        return f"{delivery.recipient} ({title})"
    kind, _, name = delivery.recipient.partition(":")
    return name if kind == "person" or name.isupper() else f"#{name}"  # ids of channels are in capitals
