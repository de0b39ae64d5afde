"""The room follows its incident: topic, name and people as things change, and the archive some time after the end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from itertools import islice

import sqlalchemy as sa
from slack_sdk import WebClient
from slack_sdk.web import SlackResponse
from sqlalchemy.orm import Session

from bot.comms.invitations import Invitations
from bot.comms.notices import Notices
from bot.comms.room import RETRY_S, attempt, channel_names, set_topic
from bot.comms.room_door import RoomDoor, ShutOut, room_of
from bot.engine import seconds_until
from bot.policy import Policy
from bot.slack.client import SlackRefusal, SlackUnavailable, call
from bot.store import ledger
from bot.store.database import Database
from bot.store.tables import Delivery, Incident, IncidentMember, IncidentRole, Notice

FOLLOW, ARCHIVE = "follow-incident", "archive-room"
FOLLOWED = ("severity", "details", "roles", "privacy", "reopened", "closed", "merged")
"""Changes that show in the room."""
NAMES_TRIED = 20
TRIES_SHUT_OUT = 1500
"""Once a minute for about a day, as long as what is to be said there waits."""
LOOK_BACK = 200


class RoomKeeping:
    """The workflows. Killed anywhere they go on; Slack being down makes them come back later."""

    def __init__(
        self, database: Database, policy: Policy, notices: Notices, client: WebClient, invitations: Invitations
    ) -> None:
        self.database, self.policy, self.notices = database, policy, notices
        self.client, self.invitations = client, invitations
        self.clock = notices.clock
        self.door = RoomDoor(database, policy, notices, client)

    def follow(self, incident_id: int, change: str, person: str, seq: int, tries: int) -> None:
        """Bring the room in line with what changed; `person` is who left a private incident, else empty.

        Until there is a room there is nothing to do: it opens as things are then.
        """
        with self.database.read() as session:
            incident = session.get_one(Incident, incident_id)
        if incident.channel_name is None or incident.channel_id is None:
            return
        act: dict[str, Callable[[], None]] = {
            "severity": lambda: self._set_severity(incident),
            "details": lambda: self._rename(incident),
            "roles": lambda: self._invite_holders(incident),
            "privacy": lambda: self._match_members(incident, person),
            "reopened": lambda: self._reopen(incident, seq),
            "closed": lambda: self._close(incident),
            "merged": lambda: self._close(incident),
        }
        try:
            self.door.enter(incident, f"{change}:{seq}")
            act[change]()
        except SlackRefusal as refusal:
            self._say(incident, f"The channel does not follow: {refusal}")
        except SlackUnavailable:
            self._come_back(incident, change, person, seq, tries + 1)
        except ShutOut:  # people have been asked; when they have let us in, it goes on
            if tries < TRIES_SHUT_OUT:
                self._come_back(incident, change, person, seq, tries + 1)

    def archive(self, incident_id: int, closed_at: str, tries: int) -> None:
        """Archive the room unless it was opened again, or somebody has spoken there in the meantime."""
        with self.database.read() as session:
            incident = session.get_one(Incident, incident_id)
        closed = incident.closed_at
        if closed is None or closed.isoformat() != closed_at or incident.archived_at or incident.channel_name is None:
            return
        try:
            self.door.enter(incident, f"archive:{closed_at}")
            due = self._last_word(incident, closed) + self.policy.slack.archive_after
            if due > self.clock():
                self._enqueue_archive(incident, closed, due, tries + 1)
                return
            self._archive(incident)
        except (SlackRefusal, ShutOut) as refusal:
            self._say(incident, f"The channel could not be archived: {refusal}")
        except SlackUnavailable:
            later = self.clock() + timedelta(seconds=RETRY_S[min(tries, len(RETRY_S) - 1)])
            self._enqueue_archive(incident, closed, later, tries + 1)

    def _come_back(self, incident: Incident, change: str, person: str, seq: int, tries: int) -> None:
        with self.database.write() as session:
            enqueue_follow(session, self.notices, incident, change, person, seq, tries)

    def _set_severity(self, incident: Incident) -> None:
        set_topic(self.client, incident, room_of(incident))
        self.invitations.invite(incident, room_of(incident), self.invitations.list_guests(incident))

    def _rename(self, incident: Incident) -> None:
        """The first name that is free; a name that Slack will not have leaves the old one, and is said."""
        names = list(islice(channel_names(self.policy.slack.channel_prefix, incident), NAMES_TRIED))
        set_topic(self.client, incident, room_of(incident))
        if incident.channel_name in names:
            return
        for name in names:
            try:
                channel = call(self.client.conversations_rename, channel=room_of(incident), name=name)["channel"]
            except SlackRefusal as refusal:
                if refusal.code == "name_taken":
                    continue
                self._say(incident, f"The channel keeps its name: {refusal}")
                return
            self._set(incident.id, channel_name=str(channel["name"]))
            return
        self._say(incident, f"The channel keeps its name: #{names[0]} and {NAMES_TRIED - 1} like it are taken")

    def _invite_holders(self, incident: Incident) -> None:
        with self.database.read() as session:
            held = sa.select(IncidentRole.person).where(IncidentRole.incident_id == incident.id)
            holders = [person for key in session.scalars(held) if (person := self.policy.person(key))]
        self.invitations.invite(incident, room_of(incident), self.invitations.look_up(holders))

    def _match_members(self, incident: Incident, gone: str) -> None:
        person = self.policy.person(gone)
        if person and not self._is_member(incident.id, gone):
            attempt(lambda: self.invitations.remove(room_of(incident), person))
        self.invitations.invite(incident, room_of(incident), self.invitations.list_guests(incident))

    def _is_member(self, incident_id: int, person: str) -> bool:
        with self.database.read() as session:
            return session.get(IncidentMember, (incident_id, person)) is not None

    def _reopen(self, incident: Incident, seq: int) -> None:
        if call(self.client.conversations_info, channel=room_of(incident))["channel"].get("is_archived"):
            self.door.take_out_of_archive(incident, f"reopened:{seq}")
        with self.database.write() as session:
            row = session.get_one(Incident, incident.id)
            row.archived_at = None
            session.flush()
            self.notices.open_room(session, row)
        self._with_summary(incident, self.client.pins_add)
        self.invitations.invite(incident, room_of(incident), self.invitations.list_guests(incident))

    def _close(self, incident: Incident) -> None:
        """Take the summary off the pins, and have the room archived later."""
        self._with_summary(incident, self.client.pins_remove)
        if incident.closed_at:
            self._enqueue_archive(incident, incident.closed_at, incident.closed_at + self.policy.slack.archive_after, 0)

    def _archive(self, incident: Incident) -> None:
        try:
            call(self.client.conversations_archive, channel=room_of(incident))
        except SlackRefusal as refusal:
            if refusal.code != "already_archived":
                raise
        self._set(incident.id, archived_at=self.clock())
        self._say(incident, "The channel was archived")

    def _last_word(self, incident: Incident, closed: datetime) -> datetime:
        """When somebody else than us spoke last in the room, or it was closed."""
        found = call(self.client.conversations_history, channel=room_of(incident), limit=LOOK_BACK)["messages"]
        spoken = [float(one["ts"]) for one in found if not one.get("bot_id") and not one.get("subtype")]
        return max(closed, datetime.fromtimestamp(max(spoken, default=0.0), closed.tzinfo))

    def _with_summary(self, incident: Incident, method: Callable[..., SlackResponse]) -> None:
        """Do something with each message that shows the summary."""
        query = sa.select(Delivery).join(Notice, Notice.id == Delivery.notice_id)
        with self.database.read() as session:
            found = list(session.scalars(query.where(Notice.key == f"summary:{incident.id}")))
        for ts in (one.receipt["ts"] for one in found if one.receipt.get("ts")):
            attempt(partial(call, method, channel=room_of(incident), timestamp=ts))

    def _set(self, incident_id: int, **values: object) -> None:
        with self.database.write() as session:
            session.execute(sa.update(Incident).where(Incident.id == incident_id).values(**values))

    def _say(self, incident: Incident, text: str, key: str | None = None) -> None:
        with self.database.write() as session:
            ledger.append(session, key=key, kind="incident.room", actor="holdfast", text=text, incident_id=incident.id)

    def _enqueue_archive(self, incident: Incident, closed: datetime, due: datetime, tries: int) -> None:
        with self.database.write() as session:
            self.notices.engine.enqueue(
                session, ARCHIVE, incident.id, closed.isoformat(), tries,
                key=f"{ARCHIVE}-{incident.id}-{closed.isoformat()}-{tries}", delay_s=seconds_until(due, self.clock()),
            )  # fmt: skip


def enqueue_follow(
    session: Session, notices: Notices, incident: Incident, change: str, person: str, seq: int, tries: int = 0
) -> None:
    """Have the room follow a change, which the ledger knows as entry `seq`."""
    delay_s = RETRY_S[min(tries, len(RETRY_S)) - 1] if tries else 0.0
    notices.engine.enqueue(
        session, FOLLOW, incident.id, change, person, seq, tries,
        key=f"{FOLLOW}-{incident.id}-{seq}-{change}-{tries}", delay_s=delay_s,
    )  # fmt: skip
