"""Taking alerts in: each is kept once by its fingerprint, and put into the group that it belongs to.

Inside the caller's transaction; what is told of it follows (`bot.alerts.desk`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.alerts.alert import Incoming
from bot.alerts.rules import UNRULED, choose_rule, group_key, title_of
from bot.policy import AlertRule, Alerts
from bot.store import ledger
from bot.store.tables import Alert, AlertGroup, Incident

AT_ONCE = 500
"""Alerts that are looked up by one query."""
Wake = Callable[[Session, AlertGroup], None]


def take(session: Session, policy: Alerts, alerts: Sequence[Incoming], now: datetime, wake: Wake) -> None:
    """Keep alerts, and `wake` the groups in which something has changed.

    The same again changes nothing but counts; what is older than what is known does not either.
    """
    ledger.hold(session)  # of two replicas that hear of the same alert, the second sees what the first has kept
    for start in range(0, len(alerts), AT_ONCE):
        _Taking(session, policy, now, wake).take(alerts[start : start + AT_ONCE])


@dataclass
class _Taking:
    session: Session
    policy: Alerts
    now: datetime
    wake: Wake
    known: dict[tuple[str, str], Alert] = field(default_factory=dict)
    changed: dict[int, AlertGroup] = field(default_factory=dict)
    newest: dict[str, AlertGroup | None] = field(default_factory=dict)

    def take(self, alerts: Sequence[Incoming]) -> None:
        self.known = {(row.source, row.fingerprint): row for row in self._read_newest(alerts)}
        for alert in alerts:
            self._take_one(alert)
        self.session.flush()
        for group in self.changed.values():
            self._settle(group)

    def _read_newest(self, alerts: Sequence[Incoming]) -> Iterable[Alert]:
        """The last row of each fingerprint; earlier ones belong to groups that are over."""
        wanted = {alert.fingerprint for alert in alerts}
        last = sa.select(sa.func.max(Alert.id)).where(Alert.fingerprint.in_(wanted))
        return self.session.scalars(
            sa.select(Alert).where(Alert.id.in_(last.group_by(Alert.source, Alert.fingerprint)))
        )

    def _take_one(self, alert: Incoming) -> None:
        row = self.known.get((alert.source, alert.fingerprint))
        if row is None:
            self._add(alert)
            return
        group = self.session.get_one(AlertGroup, row.group_id)
        if not _is_news(row, alert):
            self._count(row, group, alert)
        elif alert.state == "resolved" or self._takes_more(group):
            self._change(row, group, alert)
        else:
            self._add(alert)

    def _add(self, alert: Incoming) -> None:
        rule = choose_rule(self.policy, alert)
        group = self._find_group(rule, alert)
        row = Alert(
            group_id=group.id, source=alert.source, fingerprint=alert.fingerprint, title=alert.title, text=alert.text,
            state=alert.state, severity=alert.severity, labels=alert.labels, link=alert.link, began_at=alert.at,
            received=1, last_at=self.now, as_of=alert.at, resolved_at=alert.at if alert.state == "resolved" else None,
            payload=alert.payload, told="", tellings=0,
        )  # fmt: skip
        self.session.add(row)
        self.known[alert.source, alert.fingerprint] = row
        group.last_at = self.now
        self.changed[group.id] = group

    def _count(self, row: Alert, group: AlertGroup, alert: Incoming) -> None:
        row.received += 1
        row.last_at, row.as_of = self.now, max(row.as_of, alert.at)
        if alert.state == "firing":
            group.last_at = self.now

    def _change(self, row: Alert, group: AlertGroup, alert: Incoming) -> None:
        self._count(row, group, alert)
        row.state = alert.state
        if alert.state == "firing":
            row.began_at, row.resolved_at = alert.at, None
            row.title, row.text, row.link, row.labels = alert.title, alert.text, alert.link, alert.labels
        else:
            row.resolved_at = alert.at
        self.changed[group.id] = group

    def _find_group(self, rule: AlertRule | None, alert: Incoming) -> AlertGroup:
        """The newest one of its kind while that takes more, else a new one."""
        key = group_key(rule, alert)
        if key not in self.newest:
            query = sa.select(AlertGroup).where(AlertGroup.key == key).order_by(AlertGroup.id.desc()).limit(1)
            self.newest[key] = self.session.scalar(query)
        group = self.newest[key]
        if group is None or not self._takes_more(group):
            group = self.newest[key] = self._open_group(key, rule, alert)
        return group

    def _open_group(self, key: str, rule: AlertRule | None, alert: Incoming) -> AlertGroup:
        group = AlertGroup(
            key=key, rule=rule.name if rule else UNRULED, title=title_of(rule, alert), opened_at=self.now,
            last_at=self.now, turns=0,
        )  # fmt: skip
        self.session.add(group)
        self.session.flush()
        return group

    def _takes_more(self, group: AlertGroup) -> bool:
        """While its incident is open; without one while it is muted, or the last alert was not long ago."""
        if group.incident_id is not None:
            incident = self.session.get(Incident, group.incident_id)
            return incident is not None and incident.is_open
        if group.muted_until and group.muted_until > self.now:
            return True
        return self.now - group.last_at <= self.policy.group_within

    def _settle(self, group: AlertGroup) -> None:
        group.closed_at = None if self._fires(group) else (group.closed_at or self.now)
        rule = self.policy.rule(group.rule)
        if rule is None or not rule.mute:
            self.wake(self.session, group)

    def _fires(self, group: AlertGroup) -> bool:
        """What was just taken may answer without asking the store."""
        if any(row.group_id == group.id and row.state == "firing" for row in self.known.values()):
            return True
        firing = sa.select(Alert.id).where(Alert.group_id == group.id, Alert.state == "firing").limit(1)
        return self.session.scalar(firing) is not None


def _is_news(row: Alert, alert: Incoming) -> bool:
    """Whether the alert tells of another state than we know, and of a later time.

    Deliveries overtake one another: a repeated "firing" may come after the "resolved" that ended it. Of two states at
    the same moment the end counts.
    """
    if row.state == alert.state:
        return False
    return alert.at > row.as_of or (alert.at == row.as_of and alert.state == "resolved")
