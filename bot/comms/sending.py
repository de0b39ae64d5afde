"""What channels outside Slack have in common: what a parcel says, and how a call on the far side ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bot.comms.deliveries import ChannelDown, ChannelRefused, Parcel
from bot.comms.outgoing import Outgoing, read_outgoing
from bot.store.database import Database
from bot.systems.far_side import FarSideRefused, FarSideUnanswered


def open_parcel(database: Database, parcel: Parcel) -> Outgoing:
    """What a parcel says. Raises `ChannelRefused` for an incident that has become private, and for Slack's kinds."""
    if parcel.incident is not None and parcel.incident.private:
        raise ChannelRefused("the incident is private: nothing of it leaves its channel")
    with database.read() as session:
        try:
            return read_outgoing(session, parcel.notice)
        except LookupError as error:
            raise ChannelRefused(str(error)) from error


@contextmanager
def far_side_outcomes() -> Iterator[None]:
    """How calls on other people's services end, in the words of deliveries."""
    try:
        yield
    except FarSideRefused as error:
        raise ChannelRefused(str(error)) from error
    except FarSideUnanswered as error:
        raise ChannelDown(
            str(error), error.retry_after_s, not_begun=error.not_begun, recipient_only=error.recipient_only
        ) from error
