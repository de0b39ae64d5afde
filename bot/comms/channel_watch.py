"""Whether channels work: one that stays silent for some minutes is reported on another, and once more when it is back.

What is watched is the channel, not one delivery: whatever gets through on it ends the silence.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.comms.audiences import Audiences
from bot.comms.notices import SLACK, Address, Notices, incident_room, slack_channel
from bot.comms.outgoing import PAGE
from bot.store import ledger
from bot.store.tables import ChannelSilence, Delivery, Incident, Notice
from bot.words import show_duration

SILENT_FOR = timedelta(minutes=3)
KIND = "channel_silence"
TITLES = {
    "slack": "Slack", "email": "E-mail", "pagerduty": "PagerDuty", "opsgenie": "Opsgenie", "teams": "Microsoft Teams",
    "webhook": "The webhook", "statuspage": "Statuspage", "status_site": "The status page",
}  # fmt: skip


class ChannelWatch:
    """Told of every attempt by the deliveries, in the transaction in which they record it."""

    def __init__(self, notices: Notices, audiences: Audiences) -> None:
        self.notices, self.audiences, self.clock = notices, audiences, notices.clock

    def answered(self, session: Session, delivery: Delivery) -> None:
        """The channel works."""
        for silence in session.scalars(_open_silences(delivery.channel)).all():
            silence.ended_at = self.clock()
            if silence.reported_at is not None:
                self._report(session, silence, self.clock())

    def unanswered(self, session: Session, delivery: Delivery, error: str) -> None:
        """An attempt on the channel came to nothing."""
        silence = session.scalars(_open_silences(delivery.channel)).first()
        if silence is None:
            silence = ChannelSilence(channel=delivery.channel, began_at=self.clock(), error=error)
            session.add(silence)
            session.flush()
        silence.error = error
        if silence.reported_at is None and self.clock() - silence.began_at >= SILENT_FOR:
            silence.reported_at = self.clock()
            silence.incident_id = session.get_one(Notice, delivery.notice_id).incident_id
            self._report(session, silence, self.clock())

    def _report(self, session: Session, silence: ChannelSilence, now: datetime) -> None:
        session.flush()
        summary, details = describe(silence, now)
        over = silence.ended_at is not None
        key = f"silence:{silence.id}:{'over' if over else 'on'}"
        ledger.append(
            session, key=key, kind=f"channel.{'back' if over else 'silent'}", actor="holdfast",
            text=f"{summary} {details}", incident_id=silence.incident_id,
        )  # fmt: skip
        if silence.channel == SLACK:
            self._tell_elsewhere(session, key, silence, summary, details)
        else:
            self.notices.say(
                session, KIND, key=key, to=[self._place(session, silence)], incident_id=silence.incident_id,
                data={"summary": summary, "details": details, "over": over},
            )  # fmt: skip

    def _tell_elsewhere(self, session: Session, key: str, silence: ChannelSilence, summary: str, details: str) -> None:
        """Slack itself is silent: those who rely on it hear of it by e-mail and pager, and nothing of an incident."""
        self.notices.say(
            session, PAGE, key=key, to=self._others(session),
            data={
                "alias": f"silence-{silence.id}-{int(silence.began_at.timestamp())}",
                "summary": summary, "details": details, "resolved": silence.ended_at is not None,
            },
        )  # fmt: skip

    def _others(self, session: Session) -> list[Address]:
        return [
            one for one in self.audiences.relying_on_slack() if not session.scalars(_open_silences(one.channel)).first()
        ]

    def _place(self, session: Session, silence: ChannelSilence) -> str:
        """The room of the incident whose delivery waits; the lobby where there is none that is open."""
        incident = session.get(Incident, silence.incident_id) if silence.incident_id else None
        if incident and incident.is_open:
            return incident_room(incident.id)
        return slack_channel(self.audiences.policy.slack.incidents_channel)


def _open_silences(channel: str) -> sa.Select[ChannelSilence]:
    query = sa.select(ChannelSilence).where(ChannelSilence.channel == channel, ChannelSilence.ended_at.is_(None))
    return query.order_by(ChannelSilence.id).with_for_update()


def describe(silence: ChannelSilence, now: datetime) -> tuple[str, str]:
    """What happened in a line, and what it means."""
    title = title_of_channel(silence.channel)
    if silence.ended_at is not None:
        lasted = show_duration(silence.ended_at - silence.began_at)
        return (
            f"{title} works again, after {lasted}.",
            f"Nothing could be delivered since {silence.began_at:%Y-%m-%d %H:%M} UTC. What waited is delivered now.",
        )
    waits = f"What is to be said there waits, and is tried again: {silence.error}."
    urgent = "Tell people another way if it is urgent; /incident deliveries shows what waits."
    return f"{title} has not worked for {show_duration(now - silence.began_at)}.", f"{waits} {urgent}"


def title_of_channel(channel: str) -> str:
    """A channel's name for people, as a sentence begins with it."""
    return TITLES.get(channel, channel)
