"""Opsgenie, Alert API v2: a matter is one open alert under its alias, however often it is sent (202 with a requestId).

That only says that it will be looked at; what became of it is asked for by that id, for a few seconds. An alert that
was not made rings nobody, so that is a refusal.

Limits: a message of 130 characters, a description of 15,000, an alias of 512.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from bot.comms.channels import NotSetUp, Wiring
from bot.comms.deliveries import ChannelRefused, Parcel, Receipt
from bot.comms.outgoing import Outgoing, OutgoingPage, calls_somebody, find_alias, is_over
from bot.comms.phrasing import Phrasing
from bot.comms.sending import far_side_outcomes, open_parcel
from bot.policy import OpsgenieSettings
from bot.systems.far_side import FarSide, FarSideRefused, FarSideUnanswered, look, post, write_json
from bot.words import cut

log = logging.getLogger(__name__)

NAME = "opsgenie"
MESSAGE_LIMIT = 130
DESCRIPTION_LIMIT = 15_000
SOURCE = "Holdfast"
LOOKS_AFTER_S = (0.2, 0.8, 2.0)
"""Opsgenie takes a moment; 404 says that it has not come to it yet (docs.opsgenie.com, Get Request Status)."""


class Opsgenie:
    """Creates and closes. `settings` name the variable with the key of the API integration."""

    name = NAME

    def __init__(self, wiring: Wiring, settings: OpsgenieSettings, sleep: Callable[[float], None] = time.sleep) -> None:
        self.wiring, self.settings, self.sleep = wiring, settings, sleep
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
        request_id = str(accepted.body.get("requestId") or "")
        done = self._look_up(request_id, headers)
        if done.get("isSuccess") is False and not over:  # what is to be closed may be closed already
            raise ChannelRefused(f"Opsgenie took it, and then made no alert of it: {done.get('status')}")
        status = str(done.get("status") or "not known yet")
        return {"alias": alias, "request_id": request_id or "not given", "status": status}

    def _look_up(self, request_id: str, headers: Mapping[str, str]) -> Mapping[str, Any]:
        """What became of a request; empty while that is not known. It was taken: trouble in asking changes nothing."""
        for wait_s in LOOKS_AFTER_S if request_id else ():
            self.sleep(wait_s)
            try:
                found = look(self.far_side, f"{self.url}/requests/{quote(request_id, safe='')}", headers)
            except (FarSideRefused, FarSideUnanswered) as trouble:
                log.warning("what became of Opsgenie's request %s is not known: %s", request_id, trouble)
                return {}
            data = found.body.get("data") if found else None
            if isinstance(data, dict) and "isSuccess" in data:
                return data
        return {}

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
