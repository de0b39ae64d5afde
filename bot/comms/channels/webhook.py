"""Any other system: JSON by POST, signed with HMAC-SHA256 over the time and the body. docs/webhook.md describes it.

The header Idempotency-Key is the same for every attempt at one delivery, so the other side can tell a repetition.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from bot.clock import Clock, utc_now
from bot.comms.channels import NotSetUp, Wiring
from bot.comms.deliveries import Parcel, Receipt
from bot.comms.outgoing import Outgoing, OutgoingPage, find_alias
from bot.comms.sending import far_side_outcomes, open_parcel
from bot.policy import WebhookSettings
from bot.systems.far_side import FarSide, post, write_json

NAME = "webhook"
VERSION = 1


class Webhook:
    """Posts to one address."""

    name = NAME

    def __init__(self, wiring: Wiring, settings: WebhookSettings, now: Clock = utc_now) -> None:
        self.wiring, self.settings, self.now = wiring, settings, now
        self.far_side = FarSide("The webhook", settings.secret_env)

    def send(self, parcel: Parcel) -> Receipt:
        if parcel.sent_before:
            return parcel.delivery.receipt
        outgoing = open_parcel(self.wiring.database, parcel)
        content = write_json(describe(parcel, outgoing, self.wiring.policy.product))
        headers = self._sign(content, key=f"{parcel.notice.created_at:%Y%m%dT%H%M%SZ}-{parcel.delivery.id}")
        with far_side_outcomes():
            accepted = post(self.far_side, self.settings.url, content, headers)
        return {"status": accepted.status, "idempotency_key": headers["Idempotency-Key"]}

    def _sign(self, content: bytes, *, key: str) -> dict[str, str]:
        timestamp = str(int(self.now().timestamp()))
        secret = self.wiring.secret(self.settings.secret_env)
        return {
            "Idempotency-Key": key,
            "X-Holdfast-Timestamp": timestamp,
            "X-Holdfast-Signature": sign(secret, timestamp, content),
        }


def sign(secret: str, timestamp: str, content: bytes) -> str:
    """The signature that the other side must find, too."""
    digest = hmac.new(secret.encode(), timestamp.encode() + b"." + content, hashlib.sha256)
    return f"sha256={digest.hexdigest()}"


def describe(parcel: Parcel, outgoing: Outgoing, product: str) -> dict[str, Any]:
    """The body, the same at every attempt."""
    common = {
        "version": VERSION,
        "product": product,
        "incident": outgoing.incident_id,
        "alias": find_alias(outgoing, parcel.incident),
        "said_at": parcel.notice.created_at.isoformat(),
    }
    if isinstance(outgoing, OutgoingPage):
        page = {"summary": outgoing.summary, "details": outgoing.details, "resolved": outgoing.resolved}
        return {"event": "page", **common, "page": page}
    statement = outgoing.statement.model_dump(mode="json")
    return {"event": "bulletin", **common, "stage": outgoing.stage, "statement": statement}


def build(wiring: Wiring) -> Webhook:
    """Raises `NotSetUp` without the secret."""
    settings = wiring.policy.channels.webhook
    if settings is None:
        raise NotSetUp("the policy does not set it up")
    wiring.require(settings.secret_env)
    return Webhook(wiring, settings)
