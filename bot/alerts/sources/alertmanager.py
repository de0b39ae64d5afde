"""Prometheus Alertmanager: its webhook, version 4 (prometheus.io/docs/alerting/latest/configuration/#webhook_config).

`http_config.authorization.credentials` of the receiver is the secret.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bot.alerts.alert import BadPayload, Incoming, State, describe, make_incoming, need, read_time
from bot.alerts.call import Access, Call

NAME = "alertmanager"
VERSION = "4"
STATES: dict[str, State] = {"firing": "firing", "resolved": "resolved"}


def verify(call: Call, access: Access) -> None:
    """A bearer token."""
    call.require_bearer(access)


def parse(payload: dict[str, Any], now: datetime) -> list[Incoming]:
    """One alert for each of `alerts`."""
    version = payload.get("version")
    if version != VERSION:
        raise BadPayload(f'`version` is {version!r:.40}; this is the webhook of version "{VERSION}".')
    return [_parse_alert(alert, index, now) for index, alert in enumerate(need(payload, "alerts", list))]


def _parse_alert(alert: object, index: int, now: datetime) -> Incoming:
    where = f"alerts[{index}]"
    if not isinstance(alert, dict):
        raise BadPayload(f"`{where}` is {describe(alert)}; it must be an object.")
    labels = need(alert, "labels", dict, f"{where}.")
    notes = alert.get("annotations")
    notes = notes if isinstance(notes, dict) else {}
    state = STATES.get(str(alert.get("status")))
    if state is None:
        raise BadPayload(f"`{where}.status` is {alert.get('status')!r:.40}; it must be firing or resolved.")
    return make_incoming(
        NAME,
        fingerprint=str(alert.get("fingerprint") or sorted(labels.items())),
        title=notes.get("summary") or labels.get("alertname"),
        state=state,
        at=read_time(alert.get("startsAt" if state == "firing" else "endsAt"), now),
        text=notes.get("description"),
        severity=labels.get("severity"),
        labels=labels,
        link=notes.get("runbook_url") or alert.get("generatorURL"),
        payload=alert,
    )
