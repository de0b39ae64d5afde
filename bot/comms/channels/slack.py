"""The Slack channel: renders a notice with its file in `comms/messages` and posts or updates it once."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from slack_sdk import WebClient

from bot.comms.deliveries import ChannelDown, ChannelRefused, Parcel, Receipt
from bot.comms.messages import Message, compose
from bot.comms.messages.subject import Subject
from bot.comms.room_door import SHUT, RoomDoor, ShutOut
from bot.slack.blocks import parts
from bot.slack.channels import find_channel
from bot.slack.client import SlackRefusal, SlackUnavailable, call
from bot.slack.directory import Directory
from bot.slack.text import show_time
from bot.store.tables import Incident

MARK = "holdfast_delivery"
"""Metadata type of every message that we post: the delivery's id, by which a lost answer is found again."""
LOOK_BACK = 100
PERSON = "person"
LATE = timedelta(minutes=2)
"""What is posted so long after it was said, says so."""


class SlackChannel:
    """Posts once: before a retry it looks whether the attempt before did arrive."""

    name = "slack"

    def __init__(self, client: WebClient, subject: Subject, door: RoomDoor) -> None:
        self.client, self.subject, self.door = client, subject, door
        self.directory = Directory(client, subject.database, subject.policy)

    def send(self, parcel: Parcel) -> Receipt:
        message = self._mark(compose(parcel.notice, self.subject), self._said_at(parcel))
        try:
            try:
                return self._say(parcel, message)
            except SlackRefusal as refusal:
                room = _find_room(parcel)
                if refusal.code not in SHUT or room is None:
                    raise
                self.door.open(room, refusal.code, str(parcel.delivery.id))
                return self._say(parcel, message)
        except SlackRefusal as refusal:
            raise ChannelRefused(str(refusal)) from refusal
        except ShutOut as shut:
            raise ChannelDown(str(shut), not_begun=True, recipient_only=True) from shut
        except SlackUnavailable as down:
            raise ChannelDown(str(down), down.retry_after_s) from down

    def _say(self, parcel: Parcel, message: Message) -> Receipt:
        if message.file:
            return self._upload(parcel, message)
        return self._update(parcel, message) if parcel.sent_before else self._post(parcel, message)

    def _said_at(self, parcel: Parcel) -> datetime | None:
        """When it was said, for what Slack is shown late; the mark stays when the message is changed afterwards."""
        said_at = parcel.notice.created_at
        if parcel.sent_before:
            return said_at if parcel.delivery.receipt.get("late") else None
        return said_at if self.subject.now() - said_at >= LATE else None

    def _mark(self, message: Message, said_at: datetime | None) -> Message:
        if said_at is None or message.pinned:  # the summary shows how things stand now
            return message
        why = "because Slack, or this channel, could not be reached"
        words = f":hourglass: Said at {show_time(said_at)}, delivered late {why}."
        if message.file or len(message.blocks) >= parts.MESSAGE_BLOCKS:
            return replace(message, text=f"{message.text}\n{words}")
        return replace(message, blocks=[*message.blocks, parts.context(words).to_dict()])

    def _post(self, parcel: Parcel, message: Message) -> Receipt:
        # What was said to one person cannot be read back without more rights; twice does no harm there.
        found = self._find(parcel) if parcel.may_have_been_sent and not _is_personal(parcel) else None
        answer = found or call(
            self.client.chat_postMessage,
            channel=self._address(parcel),
            text=message.text,
            blocks=message.blocks,
            metadata={"event_type": MARK, "event_payload": {"delivery": parcel.delivery.id}},
            unfurl_links=False,
            unfurl_media=False,
        )
        receipt: Receipt = {"channel": answer["channel"], "ts": answer["ts"]}
        if self._said_at(parcel):
            receipt["late"] = True
        if message.pinned:
            self._pin(receipt)
        return receipt

    def _update(self, parcel: Parcel, message: Message) -> Receipt:
        """A message that somebody has deleted is posted anew: it holds what people need, and its buttons."""
        receipt = parcel.delivery.receipt
        try:
            call(
                self.client.chat_update,
                channel=str(receipt["channel"]),
                ts=str(receipt["ts"]),
                text=message.text,
                blocks=message.blocks,
            )
        except SlackRefusal as refusal:
            if refusal.code != "message_not_found":
                raise
            return self._post(parcel, message)
        return receipt

    def _upload(self, parcel: Parcel, message: Message) -> Receipt:
        file = message.file
        assert file is not None
        channel = self._address(parcel)
        channel = self._channel_id(channel)
        if parcel.may_have_been_sent and self._find_file(channel, file.name):
            return {"channel": channel, "file": file.name}
        call(
            self.client.files_upload_v2,
            channel=channel,
            filename=file.name,
            title=file.title,
            content=file.content,
            alt_txt=file.alt_text or None,
            initial_comment=message.text,
        )
        return {"channel": channel, "file": file.name}

    def _pin(self, receipt: Receipt) -> None:
        try:
            call(self.client.pins_add, channel=str(receipt["channel"]), timestamp=str(receipt["ts"]))
        except SlackRefusal:  # pinned already, or pins not wanted here: the message is what matters
            return

    def _find(self, parcel: Parcel) -> dict[str, Any] | None:
        """The message of an earlier attempt whose answer was lost."""
        channel = self._channel_id(self._address(parcel))
        for message in self._history(channel, parcel.notice.created_at.timestamp() - 60):
            metadata = message.get("metadata") or {}
            if metadata.get("event_payload", {}).get("delivery") == parcel.delivery.id:
                return {"channel": channel, "ts": message["ts"]}
        return None

    def _find_file(self, channel: str, name: str) -> bool:
        recent = self._history(channel, 0)
        return any(file.get("name") == name for message in recent for file in message.get("files") or [])

    def _history(self, channel: str, oldest: float) -> list[dict[str, Any]]:
        """Slack lets us post into any public channel, and read only those that we are in."""
        try:
            return self._read_history(channel, oldest)
        except SlackRefusal as refusal:
            if refusal.code != "not_in_channel":
                raise
            call(self.client.conversations_join, channel=channel)
            return self._read_history(channel, oldest)

    def _read_history(self, channel: str, oldest: float) -> list[dict[str, Any]]:
        answer = call(
            self.client.conversations_history,
            channel=channel,
            oldest=str(oldest),
            limit=LOOK_BACK,
            include_all_metadata=True,
        )
        return list(answer["messages"])

    def _channel_id(self, address: str) -> str:
        """Posting takes a name, reading wants the id."""
        if address[:1] in "CGD":
            return address
        channel = find_channel(self.client, address.removeprefix("#"))
        if channel is None:
            raise ChannelRefused(f"there is no channel {address}")
        return str(channel["id"])

    def _address(self, parcel: Parcel) -> str:
        kind, _, name = parcel.delivery.recipient.partition(":")
        if kind == PERSON:
            return self._user_id(name)
        if kind != "incident":
            return name
        if parcel.incident is None or parcel.incident.channel_id is None:
            raise ChannelDown("the incident has no channel yet", not_begun=True, recipient_only=True)
        return parcel.incident.channel_id

    def _user_id(self, person_key: str) -> str:
        """Posting to a user's id opens the conversation with them."""
        person = self.subject.policy.person(person_key)
        user_id = self.directory.find_slack_id(person) if person else None
        if user_id is None:
            raise ChannelRefused(f"Slack knows nobody by the address of {person_key}")
        return user_id


def _find_room(parcel: Parcel) -> Incident | None:
    """The incident in whose own channel it is to be said; None elsewhere, and where we archived that ourselves."""
    incident = parcel.incident
    is_room = parcel.delivery.recipient.startswith("incident:")
    return incident if is_room and incident and incident.channel_name and incident.archived_at is None else None


def _is_personal(parcel: Parcel) -> bool:
    return parcel.delivery.recipient.startswith(f"{PERSON}:")
