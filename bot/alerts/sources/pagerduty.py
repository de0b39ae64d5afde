"""PagerDuty: webhooks v3, signed (developer.pagerduty.com/docs: webhooks-overview, verifying-webhook-signatures).

Its incidents are our alerts: triggered ones fire until they are resolved. Those that we called somebody to ourselves
are not: an incident of ours must not come back as an alert, and declare another one that pages again.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bot.alerts.alert import Incoming, State, Unverified, make_incoming, need, read_time
from bot.alerts.call import Access, Call, is_same, sign
from bot.comms.outgoing import OURS

NAME = "pagerduty"
HEADER = "X-PagerDuty-Signature"
VERSION = "v1="
STATES: dict[str, State] = {
    "incident.triggered": "firing",
    "incident.reopened": "firing",
    "incident.resolved": "resolved",
}
"""The events that change something; the others of its incidents (acknowledged, reassigned, …) are taken and left."""


def verify(call: Call, access: Access) -> None:
    """At least one signature of several is made with the secret; there are two while secrets are exchanged."""
    expected = sign(access.secret, call.body) if access.secret else ""
    given = [one.strip() for one in call.headers.get(HEADER.lower(), "").split(",")]
    signatures = [one.removeprefix(VERSION) for one in given if one.startswith(VERSION)]
    if not any([is_same(one, expected) for one in signatures]):  # noqa: C419 (all of them, in the same time)
        raise Unverified(f"No signature in {HEADER} fits the body and the secret of this source.")


def parse(payload: dict[str, Any], now: datetime) -> list[Incoming]:
    """The incident that the event is about; nothing for events of other kinds, and for our own pages."""
    event = need(payload, "event", dict)
    state = STATES.get(need(event, "event_type", str, "event."))
    if state is None:
        return []
    incident = need(event, "data", dict, "event.")
    if str(incident.get("incident_key") or "").startswith(OURS):
        return []
    named = {name: _summary(incident.get(name)) for name in ("service", "escalation_policy", "priority")}
    own = {"number": incident.get("number"), "urgency": incident.get("urgency")}
    return [
        make_incoming(
            NAME,
            fingerprint=need(incident, "id", str, "event.data."),
            title=incident.get("title"),
            state=state,
            at=read_time(event.get("occurred_at"), now),
            severity="critical" if incident.get("urgency") == "high" else "warning",
            labels={name: value for name, value in {**named, **own}.items() if value},
            link=incident.get("html_url"),
            payload=payload,
        )
    ]


def _summary(reference: object) -> str:
    return str(reference.get("summary") or "") if isinstance(reference, dict) else ""
