"""Opsgenie, Alert API v2: a matter is one open alert under its alias, however often it is sent (202 with a requestId).

Limits: a message of 130 characters, a description of 15,000, an alias of 512.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from bot.comms.channels import NotSetUp, Wiring
from bot.comms.deliveries import Parcel, Receipt
from bot.comms.outgoing import Outgoing, OutgoingPage, calls_somebody, find_alias, is_over
from bot.comms.phrasing import Phrasing
from bot.comms.sending import far_side_outcomes, open_parcel
from bot.policy import OpsgenieSettings
from bot.systems.far_side import FarSide, post, write_json
from bot.words import cut

NAME = "opsgenie"
MESSAGE_LIMIT = 130
DESCRIPTION_LIMIT = 15_000
SOURCE = "Holdfast"


class Opsgenie:
    """Creates and closes. `settings` name the variable with the key of the API integration."""

    name = NAME

    def __init__(self, wiring: Wiring, settings: OpsgenieSettings) -> None:
        self.wiring, self.settings = wiring, settings
        self.phrasing = Phrasing(wiring.policy, wiring.prose)
        self.far_side = FarSide("Opsgenie", settings.api_key_env)
        self.url = f"{settings.api_url.rstrip('/')}/v2/alerts"

    def send(self, parcel: Parcel) -> Receipt:
        if parcel.sent_before:
            return parcel.delivery.receipt
        outgoing = open_parcel(self.wiring.database, parcel)
        if not calls_somebody(outgoing):
            return {"skipped": "an update calls nobody"}
        alias = find_alias(outgoing, parcel.incident)
        over = is_over(outgoing)
        url = f"{self.url}/{quote(alias, safe='')}/close?identifierType=alias" if over else self.url
        body = {"source": SOURCE, "note": "It is over."} if over else self._alert(outgoing, alias)
        headers = {"Authorization": f"GenieKey {self.wiring.secret(self.settings.api_key_env)}"}
        with far_side_outcomes():
            accepted = post(self.far_side, url, write_json(body), headers)
        return {"alias": alias, "request_id": str(accepted.body.get("requestId") or "not given")}

    def _alert(self, outgoing: Outgoing, alias: str) -> dict[str, Any]:
        return {
            "message": cut(self.phrasing.line("sms", "summary.txt", outgoing), MESSAGE_LIMIT),
            "alias": alias,
            "description": cut(self.phrasing.text("sms", "details.txt", outgoing).strip(), DESCRIPTION_LIMIT),
            "priority": "P1" if isinstance(outgoing, OutgoingPage) else outgoing.statement.severity,
            "source": SOURCE,
        }


def build(wiring: Wiring) -> Opsgenie:
    """Raises `NotSetUp` without a key."""
    settings = wiring.policy.channels.opsgenie
    if settings is None:
        raise NotSetUp("the policy does not set it up")
    wiring.require(settings.api_key_env)
    return Opsgenie(wiring, settings)
