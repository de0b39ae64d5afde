"""The bot's way into an incident's room: people may have archived it, or taken the bot out of it.

A public channel is joined again. Into a private one, or out of an archive that Slack leaves to people, only they can
let us in; they are asked for it, once.
"""

from __future__ import annotations

from slack_sdk import WebClient

from bot.comms.notices import Notices, direct_message, slack_channel
from bot.incidents.members import list_members
from bot.policy import Policy
from bot.slack.client import SlackRefusal, call
from bot.store import ledger
from bot.store.database import Database
from bot.store.tables import Incident

ARCHIVED = ("is_archived", "is_inactive")
"""What Slack answers there: to what is new, and to a change of what was said."""
OUTSIDE = ("not_in_channel", "channel_not_found", "invalid_channel")
"""What it answers to those who are not in a channel; a private one is not even there for them."""
SHUT = (*ARCHIVED, *OUTSIDE)


class ShutOut(Exception):
    """Only people can let us in, and they have been asked to; what is to be said there waits."""


class RoomDoor:
    """Opens the room of an incident that we did not leave by ourselves.

    `cause` names the occasion: being back is noted once for each.
    """

    def __init__(self, database: Database, policy: Policy, notices: Notices, client: WebClient) -> None:
        self.database, self.policy, self.notices, self.client = database, policy, notices, client

    def enter(self, incident: Incident, cause: str) -> None:
        """Be in the room; one that is archived stays so. Raises `ShutOut`, `SlackRefusal` or `SlackUnavailable`."""
        try:
            found = call(self.client.conversations_info, channel=room_of(incident))["channel"]
        except SlackRefusal as refusal:
            if refusal.code not in OUTSIDE:
                raise
            self._join(incident, refusal.code, cause)
        else:
            if not found.get("is_member", True) and not found.get("is_archived"):
                self._join(incident, "not_in_channel", cause)

    def open(self, incident: Incident, code: str, cause: str) -> None:
        """Change what made Slack answer one of `SHUT`. Raises `ShutOut` or `SlackUnavailable`."""
        if code in ARCHIVED:
            self.take_out_of_archive(incident, cause)
        else:
            self._join(incident, code, cause)

    def take_out_of_archive(self, incident: Incident, cause: str) -> None:
        """Raises `ShutOut` or `SlackUnavailable`."""
        try:
            call(self.client.conversations_unarchive, channel=room_of(incident))
        except SlackRefusal as refusal:
            if refusal.code == "not_archived":  # somebody was faster
                return
            lost = f"#{incident.channel_name} was archived, and Slack lets only people take it back"
            wanted = "Please unarchive it there, and bring Holdfast back with /invite @holdfast"
            raise self._ask_people(incident, refusal.code, lost, wanted) from refusal
        self._note(incident, f"room.unarchived:{cause}", "The channel was archived; it is back")

    def _join(self, incident: Incident, code: str, cause: str) -> None:
        lost = f"Holdfast is not in #{incident.channel_name} any more and cannot come back by itself"
        wanted = "Please bring it back with /invite @holdfast in that channel"
        if incident.private:
            raise self._ask_people(incident, code, lost, wanted)
        try:
            call(self.client.conversations_join, channel=room_of(incident))
        except SlackRefusal as refusal:
            if refusal.code in ARCHIVED:
                self.take_out_of_archive(incident, cause)
                return
            raise self._ask_people(incident, refusal.code, lost, wanted) from refusal
        self._note(incident, f"room.joined:{cause}", "Holdfast was taken out of the channel; it has joined it again")

    def _ask_people(self, incident: Incident, code: str, what: str, wanted: str) -> ShutOut:
        """On the timeline, and where they see it: the members of a private incident, else the incidents channel."""
        text = f"{what} ({code}). What is to be said there waits. {wanted}"
        with self.database.write() as session:
            entry = ledger.append(
                session, key=f"room.shut:{incident.id}:{code}", kind="incident.room", actor="holdfast", text=text,
                incident_id=incident.id,
            )  # fmt: skip
            members = [direct_message(key) for key in list_members(session, incident.id)]
            self.notices.say(
                session, "incident_entry", key=f"entry:{entry.seq}",
                to=members if incident.private else [slack_channel(self.policy.slack.incidents_channel)],
                incident_id=incident.id, data={"seq": entry.seq},
            )  # fmt: skip
        return ShutOut(f"{what} ({code})")

    def _note(self, incident: Incident, key: str, text: str) -> None:
        with self.database.write() as session:
            ledger.append(session, key=key, kind="incident.room", actor="holdfast", text=text, incident_id=incident.id)


def room_of(incident: Incident) -> str:
    """The id of its channel, which is open by now."""
    assert incident.channel_id is not None
    return incident.channel_id
