"""Datadog: its webhook, whose payload one writes oneself (docs.datadoghq.com/integrations/webhooks).

What to enter there as payload and as custom header is in docs/alerts.md.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bot.alerts.alert import BadPayload, Incoming, State, Unverified, make_incoming, need, read_time
from bot.alerts.call import Access, Call, is_same

NAME = "datadog"
HEADER = "X-Holdfast-Secret"
TRANSITIONS: dict[str, State] = {
    "triggered": "firing",
    "re-triggered": "firing",
    "renotify": "firing",
    "warn": "firing",
    "re-warn": "firing",
    "no data": "firing",
    "re-no data": "firing",
    "recovered": "resolved",
}
"""What `$ALERT_TRANSITION` says."""
PRIORITIES = {"p1": "critical", "p2": "error", "p3": "warning", "p4": "info", "p5": "info"}


def verify(call: Call, access: Access) -> None:
    """A secret in a header of its own."""
    if not is_same(call.headers.get(HEADER.lower(), ""), access.secret):
        raise Unverified(f"The header {HEADER} must hold the secret of this source.")


def parse(payload: dict[str, Any], now: datetime) -> list[Incoming]:
    """One alert: that of the monitor, for its group."""
    transition = need(payload, "transition", str)
    state = TRANSITIONS.get(transition.strip().lower())
    if state is None:
        known = ", ".join(TRANSITIONS)
        raise BadPayload(f"`transition` is {transition!r:.60}; $ALERT_TRANSITION is one of: {known}.")
    tags = read_tags(str(payload.get("tags") or ""))
    monitor, host = payload.get("alert_id"), payload.get("host")
    own = {"monitor": monitor, "scope": payload.get("scope"), "host": host, "priority": payload.get("priority")}
    return [
        make_incoming(
            NAME,
            fingerprint=need(payload, "aggregation_key", str),
            title=need(payload, "title", str),
            state=state,
            at=read_time(payload.get("date"), now),
            text=payload.get("text"),
            severity=PRIORITIES.get(str(payload.get("priority")).lower(), ""),
            labels={**tags, **{name: value for name, value in own.items() if value}},
            link=payload.get("link"),
            payload=payload,
        )
    ]


def read_tags(tags: str) -> dict[str, str]:
    """`env:production, service:web` by name; a tag without a value is true."""
    pairs = (tag.strip().partition(":") for tag in tags.split(",") if tag.strip())
    return {name: value or "true" for name, _, value in pairs if name}
