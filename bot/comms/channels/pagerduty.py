"""PagerDuty, Events API v2: a matter is an alert under its dedup_key, however often it is sent (POST /v2/enqueue, 202).

Limits: a summary of 1,024 characters, a dedup_key of 255, 512 kB in all.
"""

from __future__ import annotations

from typing import Any

from bot.comms.channels import NotSetUp, Wiring
from bot.comms.deliveries import Parcel, Receipt
from bot.comms.outgoing import Outgoing, OutgoingPage, calls_somebody, find_alias, is_over
from bot.comms.phrasing import Phrasing
from bot.comms.sending import far_side_outcomes, open_parcel
from bot.policy import PagerDutySettings
from bot.systems.far_side import FarSide, post, write_json
from bot.words import cut

NAME = "pagerduty"
SUMMARY_LIMIT = 1024
DETAILS_LIMIT = 20_000
SEVERITIES = {"P1": "critical", "P2": "error", "P3": "warning", "P4": "info"}


class PagerDuty:
    """Triggers and resolves. `settings` name the variable with the routing key."""

    name = NAME

    def __init__(self, wiring: Wiring, settings: PagerDutySettings) -> None:
        self.wiring, self.settings = wiring, settings
        self.phrasing = Phrasing(wiring.policy, wiring.prose)
        self.far_side = FarSide("PagerDuty", settings.routing_key_env)
        self.url = f"{settings.api_url.rstrip('/')}/v2/enqueue"

    def send(self, parcel: Parcel) -> Receipt:
        if parcel.sent_before:
            return parcel.delivery.receipt
        outgoing = open_parcel(self.wiring.database, parcel)
        if not calls_somebody(outgoing):
            return {"skipped": "an update calls nobody"}
        alias = find_alias(outgoing, parcel.incident)
        event = self._event(outgoing, alias)
        with far_side_outcomes():
            accepted = post(self.far_side, self.url, write_json(event), {})
        return {"dedup_key": str(accepted.body.get("dedup_key") or alias), "event": event["event_action"]}

    def _event(self, outgoing: Outgoing, alias: str) -> dict[str, Any]:
        key = {"routing_key": self.wiring.secret(self.settings.routing_key_env), "dedup_key": alias}
        if is_over(outgoing):
            return {**key, "event_action": "resolve"}
        summary = self.phrasing.line("sms", "summary.txt", outgoing)
        details = self.phrasing.text("sms", "details.txt", outgoing)
        payload = {
            "summary": cut(summary, SUMMARY_LIMIT),
            "source": self.wiring.policy.product,
            "severity": _severity(outgoing),
            "custom_details": {"details": cut(details.strip(), DETAILS_LIMIT)},
        }
        return {**key, "event_action": "trigger", "payload": payload, "client": "Holdfast"}


def _severity(outgoing: Outgoing) -> str:
    return "critical" if isinstance(outgoing, OutgoingPage) else SEVERITIES[outgoing.statement.severity]


def build(wiring: Wiring) -> PagerDuty:
    """Raises `NotSetUp` without a routing key."""
    settings = wiring.policy.channels.pagerduty
    if settings is None:
        raise NotSetUp("the policy does not set it up")
    wiring.require(settings.routing_key_env)
    return PagerDuty(wiring, settings)
