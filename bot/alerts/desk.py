"""The alert desk: alerts come in, become one card and at most one incident, and go out again.

What is received is committed first (`receive`); card, timeline and incident follow in a workflow (`tend`), at most one
waiting for each group, so that a storm costs little.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

import sqlalchemy as sa
from pydantic import JsonValue
from sqlalchemy.orm import Session

from bot.alerts.alert import Incoming
from bot.alerts.intake import take
from bot.alerts.reading import AlertReading, is_muted, select_visible
from bot.alerts.timeline import ACTOR, FLAPPING, tell_changes
from bot.clock import Clock, utc_now
from bot.comms.notices import Notices, incident_room, slack_channel
from bot.engine import seconds_until
from bot.incidents.desk import Change, Desk
from bot.outcome import Refused
from bot.policy import Person, Policy, format_duration
from bot.store import ledger
from bot.store.database import Database
from bot.store.tables import Alert, AlertGroup, Incident, Notice

WORKFLOW = "tend-alerts"
TOGETHER_S = 1.0
"""What comes within this time of the first change is told together with it."""
OVERDUE = timedelta(minutes=1)
"""A turn that has not come by then is asked for once more, whatever became of it."""
LONGEST_MUTE = timedelta(days=7)
SHOWN_TO = ("resolved", "reopened", "severity", "details", "privacy", "merged", "closed")
"""Changes of an incident that its groups' cards show."""


class Taken(Refused):
    """The alerts have an incident already."""

    def __init__(self) -> None:
        super().__init__("Somebody has taken care of these alerts already.", "The card shows what came of it.")


class CeilingReached(Exception):
    """Alerts have declared as many incidents by themselves as the policy lets them."""


class AlertDesk(AlertReading):
    """Keeps alerts, and decides what becomes of them."""

    def __init__(
        self, database: Database, policy: Policy, notices: Notices, desk: Desk, clock: Clock = utc_now
    ) -> None:
        super().__init__(database, policy, clock)
        self.notices, self.desk = notices, desk

    def receive(self, alerts: Sequence[Incoming]) -> None:
        """Keep what was sent; once this returns it cannot be lost."""
        with self.database.write() as session:
            self.receive_in(session, alerts)

    def receive_in(self, session: Session, alerts: Sequence[Incoming]) -> None:
        """The same in the caller's transaction."""
        take(session, self.policy.alerts, alerts, self.clock(), self._wake)

    def tend(self, group_id: int) -> None:
        """The workflow: bring everything in line with the alerts of a group. Again does no harm."""
        with self.database.write() as session:
            self._lock(session, group_id).waiting_since = None  # from here on a change asks for another turn
        self._declare_by_rule(group_id)
        with self.database.write() as session:
            group = self._lock(session, group_id)
            self._tell(session, group)
            self._show(session, group)

    def claim(
        self, group_id: int, components: Sequence[str] = (), *, by_rule: bool = False
    ) -> Callable[[Session, Incident], None]:
        """For `Desk.declare`: the incident is that of the group, of which there is one. It raises `Taken`."""

        def keep(session: Session, incident: Incident) -> None:
            group = self._lock(session, group_id)
            if self._open_incident(session, group) is not None:
                raise Taken
            group.incident_id = incident.id
            incident.components = list(components)
            if by_rule:
                self._refuse_storm(session)
                group.declared_at = self.clock()
            else:
                self._wake(session, group, at_once=True)

        return keep

    def attach(self, group_id: int, incident_id: int, person: Person) -> Incident:
        """Make a group part of an open incident that the person may know of."""
        with self.database.write() as session:
            group, incident = self._lock(session, group_id), self._find_incident(session, incident_id, person.key)
            if self._open_incident(session, group) is not None:
                raise Taken
            self._join(session, group, incident, person.key, f"Attached the alerts “{group.title}”")
            return incident

    def mute(self, group_id: int, person: Person, how_long: timedelta) -> AlertGroup:
        """Keep a group quiet for a while: no changes of its card, no incident by a rule."""
        if not timedelta(0) < how_long <= LONGEST_MUTE:
            raise Refused(f"Alerts can be muted for up to {format_duration(LONGEST_MUTE)}.", "Example: 4h.")
        with self.database.write() as session:
            group = self._lock(session, group_id)
            group.muted_until, group.muted_by = self.clock() + how_long, person.key
            self._note(session, group, "alerts.muted", person.key, f"Muted for {format_duration(how_long)}")
            self.notices.refresh(session, card_key(group_id))
            key = f"{WORKFLOW}-unmute-{group_id}-{group.muted_until.timestamp()}"
            delay_s = seconds_until(group.muted_until, self.clock()) + 1
            self.notices.engine.enqueue(session, WORKFLOW, group_id, key=key, delay_s=delay_s)
            return group

    def unmute(self, group_id: int, person: Person) -> AlertGroup:
        """Let a group be heard again."""
        with self.database.write() as session:
            group = self._lock(session, group_id)
            if not is_muted(group, self.clock()):
                raise Refused("These alerts are not muted.", "Nothing was changed.")
            group.muted_until, group.muted_by = None, None
            self._note(session, group, "alerts.unmuted", person.key, "Not muted any more")
            self._wake(session, group, at_once=True)
            return group

    def incident_changed(self, session: Session, incident: Incident, change: Change) -> None:
        """The desk's listener: cards follow their incidents, and alerts follow one that is merged into another."""
        if change not in SHOWN_TO:
            return
        groups = list(session.scalars(sa.select(AlertGroup).where(AlertGroup.incident_id == incident.id)))
        for group in groups:
            if change == "merged" and incident.merged_into_id:
                group.incident_id = incident.merged_into_id
        self.notices.refresh(session, *(card_key(group.id) for group in groups))

    def _wake(self, session: Session, group: AlertGroup, *, at_once: bool = False) -> None:
        """Ask for a turn of the workflow, unless one is still to come; `at_once` where a person looks at the card."""
        now = self.clock()
        if group.waiting_since and now - group.waiting_since < OVERDUE:
            return
        group.waiting_since, group.turns = now, group.turns + 1
        delay_s = 0.0 if at_once or group.turns == 1 else TOGETHER_S
        key = f"{WORKFLOW}-{group.id}-{group.turns}"
        self.notices.engine.enqueue(session, WORKFLOW, group.id, key=key, delay_s=delay_s)

    def _declare_by_rule(self, group_id: int) -> None:
        with self.database.read() as session:
            group = self._known(session, group_id)
            rule = self.rule_of(group)
            if rule is None or not rule.declare or not self._is_waited_for(group):
                return
            components = self._components(session, group)
        detected_at = self.began_at(group_id)
        try:
            self.desk.declare(
                actor=ACTOR, severity=rule.severity or "", title=group.title, category=rule.category,
                detected_at=detected_at, confirmed=True, claim=self.claim(group_id, components, by_rule=True),
            )  # fmt: skip
        except Taken:
            return
        except CeilingReached:
            self._join_newest(group_id)

    def _is_waited_for(self, group: AlertGroup) -> bool:
        return group.incident_id is None and group.closed_at is None and not is_muted(group, self.clock())

    def _refuse_storm(self, session: Session) -> None:
        ceiling = self.policy.alerts.ceiling
        since = self.clock() - ceiling.within
        declared = sa.select(sa.func.count()).select_from(AlertGroup).where(AlertGroup.declared_at > since)
        if (session.scalar(declared) or 0) >= ceiling.at_most:
            raise CeilingReached

    def _join_newest(self, group_id: int) -> None:
        """To the newest incident that alerts declared by themselves, if it is still open; else it stays a card."""
        declared = sa.select(AlertGroup.incident_id).where(AlertGroup.declared_at.is_not(None))
        newest = sa.select(Incident).where(Incident.id.in_(declared), Incident.resolved_at.is_(None))
        with self.database.write() as session:
            group = self._lock(session, group_id)
            incident = session.scalar(newest.order_by(Incident.id.desc()).limit(1))
            if incident is not None and group.incident_id is None:
                ceiling = self.policy.alerts.ceiling
                limit = f"{ceiling.at_most} within {format_duration(ceiling.within)}"
                words = f"The alerts “{group.title}” joined: alerts declare no more incidents than {limit}"
                self._join(session, group, incident, ACTOR, words)

    def _join(self, session: Session, group: AlertGroup, incident: Incident, actor: str, words: str) -> None:
        group.incident_id = incident.id
        session.execute(sa.update(Alert).where(Alert.group_id == group.id).values(told="", tellings=0))
        self._note(session, group, "alerts.attached", actor, words)
        self._wake(session, group, at_once=True)

    def _tell(self, session: Session, group: AlertGroup) -> None:
        incident = self._open_incident(session, group)
        if incident is None:
            return
        resolved, held_back = tell_changes(session, group, incident, self.clock())
        if held_back:
            key = f"{WORKFLOW}-later-{group.id}-{group.turns}"
            self.notices.engine.enqueue(session, WORKFLOW, group.id, key=key, delay_s=FLAPPING.total_seconds() + 1)
        still = sa.select(AlertGroup.id).where(AlertGroup.incident_id == incident.id, AlertGroup.closed_at.is_(None))
        if resolved and session.scalar(still.limit(1)) is None:
            entry = ledger.read_newest(session, incident.id, "alerts.resolved")
            self.notices.say(
                session, "alerts_resolved", key=f"alerts-resolved:{entry.seq}", to=[incident_room(incident.id)],
                incident_id=incident.id,
            )  # fmt: skip

    def _show(self, session: Session, group: AlertGroup) -> None:
        """The card: from the first alert that fires on; a muted one stays as it is."""
        key = card_key(group.id)
        if session.scalar(sa.select(Notice.id).where(Notice.key == key)) is not None:
            if not is_muted(group, self.clock()):
                self.notices.refresh(session, key)
        elif group.closed_at is None or group.incident_id is not None:
            lobby = slack_channel(self.policy.slack.incidents_channel)
            self.notices.say(session, "alert_card", key=key, to=[lobby], subject_id=group.id)

    def _note(self, session: Session, group: AlertGroup, kind: str, actor: str, words: str) -> None:
        data: dict[str, JsonValue] = {"group": group.id, "title": group.title}
        if group.incident_id is None:
            words = f"{words}: the alerts “{group.title}”"
        ledger.append(
            session, kind=kind, actor=actor, text=words, at=self.clock(), incident_id=group.incident_id, data=data
        )

    def _open_incident(self, session: Session, group: AlertGroup) -> Incident | None:
        incident = session.get(Incident, group.incident_id) if group.incident_id else None
        return incident if incident and incident.is_open else None

    def _find_incident(self, session: Session, incident_id: int, viewer: str) -> Incident:
        incident = session.scalar(select_visible(viewer).where(Incident.id == incident_id).with_for_update())
        if incident is None or not incident.is_open:
            raise Refused(f"There is no open incident #{incident_id}.", "`/incident list` shows those that are open.")
        return incident

    def _lock(self, session: Session, group_id: int) -> AlertGroup:
        return self._known(session, group_id, lock=True)


def card_key(group_id: int) -> str:
    """Key of the notice that is a group's card."""
    return f"alerts:{group_id}"
