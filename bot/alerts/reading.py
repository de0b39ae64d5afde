"""What there is of alerts: groups as people may see them, their rules, and what they are about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.alerts.rules import affected_components
from bot.clock import Clock, utc_now
from bot.outcome import Refused
from bot.policy import AlertRule, Policy
from bot.store.database import Database
from bot.store.tables import Alert, AlertGroup, Incident, IncidentMember

LISTED = 20


@dataclass(frozen=True)
class Described:
    """A group as a person may see it: its alerts by state, its incident if they may know of it, and that in words."""

    group: AlertGroup
    counts: dict[str, int]
    incident_id: int | None
    became: str


class AlertReading:
    """Reads alerts; a person sees of incidents what they may know of."""

    def __init__(self, database: Database, policy: Policy, clock: Clock = utc_now) -> None:
        self.database, self.policy, self.clock = database, policy, clock

    def find(self, group_id: int) -> AlertGroup:
        """Raises `Refused` where there is no such group."""
        with self.database.read() as session:
            return self._known(session, group_id)

    def rule_of(self, group: AlertGroup) -> AlertRule | None:
        """None where no rule fits, or the rule has left the policy."""
        return self.policy.alerts.rule(group.rule)

    def components_of(self, group_id: int) -> list[str]:
        """The components that a group's alerts are about."""
        with self.database.read() as session:
            return self._components(session, self._known(session, group_id))

    def describe_groups(self, viewer: str, *, everything: bool = False) -> list[Described]:
        """Groups with alerts that fire, the newest first; or the recent ones, too."""
        query = sa.select(AlertGroup).order_by(AlertGroup.id.desc()).limit(LISTED)
        with self.database.read() as session:
            groups = session.scalars(query if everything else query.where(AlertGroup.closed_at.is_(None)))
            return [self._describe(session, group, viewer) for group in groups]

    def list_open_incidents(self, viewer: str) -> list[Incident]:
        """Those that a person may know of."""
        query = (
            select_visible(viewer).where(Incident.resolved_at.is_(None)).order_by(Incident.severity, Incident.id.desc())
        )
        with self.database.read() as session:
            return list(session.scalars(query))

    def began_at(self, group_id: int) -> datetime | None:
        """When the first of those that fire began: the moment from which a recovery is measured; None where none do."""
        with self.database.read() as session:
            return session.scalar(select_firing(group_id).with_only_columns(sa.func.min(Alert.began_at)))

    def _describe(self, session: Session, group: AlertGroup, viewer: str) -> Described:
        counted = sa.select(Alert.state, sa.func.count()).where(Alert.group_id == group.id).group_by(Alert.state)
        incident = session.scalar(select_visible(viewer).where(Incident.id == group.incident_id))
        became = f"#{incident.id}, {incident.status}" if incident else ""
        if is_muted(group, self.clock()):
            became = f"muted until {group.muted_until:%Y-%m-%d %H:%M} UTC by {group.muted_by}"
        counts = {state: number for state, number in session.execute(counted)}  # noqa: C416 (typed)
        return Described(group, counts, incident.id if incident else None, became)

    def _components(self, session: Session, group: AlertGroup) -> list[str]:
        labels = session.scalars(select_firing(group.id).with_only_columns(Alert.labels))
        return affected_components(self.rule_of(group), labels, self.policy.components)

    def _known(self, session: Session, group_id: int, *, lock: bool = False) -> AlertGroup:
        possible = 0 < group_id < 2**31
        group = session.get(AlertGroup, group_id, with_for_update=lock) if possible else None
        if group is None:
            raise Refused(f"There is no group of alerts {group_id}.", "`/incident alerts` lists them.")
        return group


def is_muted(group: AlertGroup, now: datetime) -> bool:
    """Whether it is to be quiet now."""
    return group.muted_until is not None and group.muted_until > now


def select_firing(group_id: int) -> sa.Select[Alert]:
    """Alerts of a group that fire now."""
    return sa.select(Alert).where(Alert.group_id == group_id, Alert.state == "firing")


def select_visible(viewer: str) -> sa.Select[Incident]:
    """Incidents that a person may know of: the private ones are their members'."""
    mine = sa.select(IncidentMember.incident_id).where(IncidentMember.person == viewer)
    return sa.select(Incident).where(sa.or_(Incident.private.is_(False), Incident.id.in_(mine)))
