"""Anything that can send JSON: our own small form, for one alert or for several at once in `alerts`.

    {"fingerprint": "disk-db-1", "title": "Disk almost full", "state": "firing", "at": "2026-03-01T12:00:00Z",
     "text": "97 % of /var", "severity": "critical", "labels": {"host": "db-1"}, "link": "https://…"}

Only `title` is needed. Without a fingerprint the title and the labels are one; without a state it fires.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from bot.alerts.alert import BadPayload, Incoming, State, Unverified, describe, make_incoming, need, read_time
from bot.alerts.call import Access, Call, is_same, sign

NAME = "generic"
HEADER = "X-Holdfast-Signature"
VERSION = "sha256="
STATES: dict[str, State] = {"firing": "firing", "resolved": "resolved"}
KNOWN = ("fingerprint", "title", "state", "at", "text", "severity", "labels", "link")


def verify(call: Call, access: Access) -> None:
    """An HMAC of the body in X-Holdfast-Signature, or the secret itself as bearer token."""
    signature = call.headers.get(HEADER.lower())
    if signature is None:
        call.require_bearer(access)
    elif not access.secret or not is_same(signature.strip(), VERSION + sign(access.secret, call.body)):
        raise Unverified(f"{HEADER} must be {VERSION} and the HMAC-SHA256 of the body in hexadecimal.")


def parse(payload: dict[str, Any], now: datetime) -> list[Incoming]:
    """One alert, or each of `alerts`."""
    if "alerts" not in payload:
        return [_parse_alert(payload, "", now)]
    return [_parse_alert(alert, f"alerts[{index}]", now) for index, alert in enumerate(need(payload, "alerts", list))]


def _parse_alert(alert: object, where: str, now: datetime) -> Incoming:
    if not isinstance(alert, dict):
        raise BadPayload(f"`{where}` is {describe(alert)}; it must be an object.")
    inside = f"{where}." if where else ""
    unknown = sorted(set(alert) - set(KNOWN))
    if unknown:
        raise BadPayload(f"`{inside}{unknown[0]:.60}` is unknown; an alert has: {', '.join(KNOWN)}.")
    labels = need(alert, "labels", dict, inside) if "labels" in alert else {}
    state = STATES.get(str(alert.get("state", "firing")))
    if state is None:
        raise BadPayload(f"`{inside}state` is {alert['state']!r:.40}; it must be firing or resolved.")
    title = need(alert, "title", str, inside)
    own = json.dumps([title, labels], sort_keys=True)
    return make_incoming(
        NAME,
        fingerprint=need(alert, "fingerprint", str, inside) if "fingerprint" in alert else own,
        title=title,
        state=state,
        at=read_time(alert.get("at"), now),
        text=alert.get("text"),
        severity=alert.get("severity"),
        labels=labels,
        link=alert.get("link"),
        payload=alert,
    )
