"""Pinning: follows what people do to a message in Slack, and brings the timeline to what it is now.

Slack's events come more than once and in any order; so an event only says where to look, and what is done depends on
how the message stands when it is looked at.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

import sqlalchemy as sa
from slack_sdk import WebClient
from sqlalchemy.orm import Session

from bot.comms.notices import Notices, direct_message
from bot.incidents.pins import Message, Pins
from bot.policy import Policy
from bot.slack.client import SlackRefusal, SlackUnavailable, call
from bot.slack.directory import Directory
from bot.store.database import Database
from bot.store.tables import Incident

WORKFLOW = "follow-message"
Event = Literal["reacted", "unreacted", "changed", "deleted", "asked"]
RETRY_S = (2.0, 10.0, 60.0, 300.0)
LOST = {"channel_not_found", "thread_not_found", "message_not_found", "not_in_channel", "missing_scope"}
"""Slack's codes for a message that is not, or not any more, for us to read."""


class Pinning:
    """The workflow behind pin reactions, the message shortcut, and edits of what was pinned."""

    def __init__(
        self, database: Database, notices: Notices, policy: Policy, pins: Pins, client: WebClient, directory: Directory
    ) -> None:
        self.database, self.notices, self.policy, self.pins = database, notices, policy, pins
        self.engine, self.client, self.directory = notices.engine, client, directory

    def start(
        self, session: Session, event: Event, channel_id: str, ts: str, *, actor: str, cause: str,
        incident_id: int | None = None,
    ) -> None:  # fmt: skip
        """Look at the message once the caller's transaction commits; the same `cause` again does nothing.

        `incident_id` is needed only where the channel is not the incident's own.
        """
        arguments = (event, channel_id, ts, actor, cause, incident_id)
        self.engine.enqueue(session, WORKFLOW, *arguments, 0, key=f"{cause}-0")

    def follow(
        self, event: Event, channel_id: str, ts: str, actor: str, cause: str, incident_id: int | None, attempt: int
    ) -> None:
        """The workflow. While Slack does not answer it comes back."""
        if event == "deleted":
            self.pins.remove(channel_id, ts, actor=actor, cause=cause, why="Deleted in Slack")
            return
        try:
            found = self._read(channel_id, ts, may_join=event == "asked")
            message = self._describe(channel_id, found) if found else None
        except SlackUnavailable:
            self._come_back(event, channel_id, ts, actor, cause, incident_id, attempt)
            return
        if found is None or message is None:
            if event == "asked" and incident_id is not None:
                self._say_unread(incident_id, actor, cause)
            return
        if event == "changed":
            self.pins.edit(message, cause=cause)
        elif event == "unreacted" and not self._is_marked(found):
            self.pins.remove(channel_id, ts, actor=actor, cause=cause, why="Taken back")
        elif event == "asked" or (event == "reacted" and self._is_marked(found)):
            meant = incident_id or self._incident_of(channel_id)
            if meant is not None:
                self.pins.pin(meant, message, actor=actor, cause=cause)

    def _read(self, channel_id: str, ts: str, *, may_join: bool) -> dict[str, Any] | None:
        """The message as it is now, wherever it stands; None where it cannot be read.

        A public channel that we are not in is joined where somebody has asked for a message of it.
        """
        try:
            answer = call(self.client.conversations_replies, channel=channel_id, ts=ts, limit=1, inclusive=True)
        except SlackRefusal as refusal:
            if refusal.code == "not_in_channel" and may_join and self._join(channel_id):
                return self._read(channel_id, ts, may_join=False)
            if refusal.code in LOST:
                return None
            raise
        return next((dict(one) for one in answer["messages"] if one["ts"] == ts), None)

    def _join(self, channel_id: str) -> bool:
        try:
            call(self.client.conversations_join, channel=channel_id)
        except SlackRefusal:
            return False
        return True

    def _say_unread(self, incident_id: int, actor: str, cause: str) -> None:
        """Whoever asked is told that it is not on the timeline, and what to do."""
        with self.database.write() as session:
            self.notices.say(
                session, "pin_unread", key=f"pin-unread:{cause}", to=[direct_message(actor)], incident_id=incident_id
            )

    def _describe(self, channel_id: str, found: dict[str, Any]) -> Message:
        return Message(
            channel_id=channel_id,
            ts=str(found["ts"]),
            author=self._author(found),
            text=self.directory.read_message(found),
            link=self._link(channel_id, str(found["ts"])),
            files=tuple(str(one.get("name") or "unnamed") for one in found.get("files") or []),
            said_at=datetime.fromtimestamp(float(found["ts"]), UTC),
        )

    def _author(self, found: dict[str, Any]) -> str:
        profile = found.get("bot_profile") or {}
        if found.get("bot_id") or not found.get("user"):
            return str(found.get("username") or profile.get("name") or "An app")
        return self.directory.name_of(str(found["user"]))

    def _link(self, channel_id: str, ts: str) -> str:
        try:
            return str(call(self.client.chat_getPermalink, channel=channel_id, message_ts=ts)["permalink"])
        except SlackRefusal:  # the message is what matters
            return ""

    def _is_marked(self, found: dict[str, Any]) -> bool:
        """Whether somebody's pin reaction is on it, in whatever skin tone."""
        names = {str(one["name"]).partition("::")[0] for one in found.get("reactions") or []}
        return self.policy.slack.pin_emoji in names

    def _incident_of(self, channel_id: str) -> int | None:
        with self.database.read() as session:
            return session.scalar(sa.select(Incident.id).where(Incident.channel_id == channel_id))

    def _come_back(
        self, event: Event, channel_id: str, ts: str, actor: str, cause: str, incident_id: int | None, attempt: int
    ) -> None:
        arguments = (event, channel_id, ts, actor, cause, incident_id, attempt + 1)
        delay_s = RETRY_S[min(attempt, len(RETRY_S) - 1)]
        with self.database.write() as session:
            self.engine.enqueue(session, WORKFLOW, *arguments, key=f"{cause}-{attempt + 1}", delay_s=delay_s)
