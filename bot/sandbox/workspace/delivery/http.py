"""Delivery to a request URL, signed as Slack signs (docs.slack.dev, "Verifying requests from Slack")."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import requests

from bot.sandbox.workspace.delivery.envelope import DeliveryFailed, Envelope
from bot.sandbox.workspace.identifiers import Clock
from bot.sandbox.workspace.vendor import Json

_FORM = "application/x-www-form-urlencoded"
_RETRY_REASONS = {"timeout": "http_timeout", "no_connection": "connection_failed", "http_error": "http_error"}


def sign(secret: str, timestamp: str, body: str) -> str:
    """Slack's v0 signature of a body sent at `timestamp` (seconds since the epoch, as text)."""
    digest = hmac.new(secret.encode(), f"v0:{timestamp}:{body}".encode(), hashlib.sha256).hexdigest()
    return f"v0={digest}"


class HttpDelivery:
    """Posts every payload to `request_url`, which may be set later than the rest."""

    def __init__(self, request_url: str, signing_secret: str, clock: Clock = time.time) -> None:
        self.request_url = request_url
        self._secret = signing_secret
        self._clock = clock
        self._pool = ThreadPoolExecutor(max_workers=32, thread_name_prefix="slack-http")

    async def deliver(self, envelope: Envelope, ack_s: float) -> Json:
        """See Delivery. An answer other than 2xx is http_error."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, self._post, envelope, ack_s)

    async def verify_url(self) -> bool:
        """Send the url_verification challenge that Slack sends when a request URL is entered: was it echoed?"""
        challenge = hashlib.sha256(str(self._clock()).encode()).hexdigest()
        payload: Json = {"type": "url_verification", "token": "sandbox", "challenge": challenge}
        try:
            answer = await self.deliver(Envelope("events_api", payload), 3.0)
        except DeliveryFailed:
            return False
        return challenge in (answer.get("challenge"), answer.get("text"))

    def _post(self, envelope: Envelope, ack_s: float) -> Json:
        content_type, body = _encode(envelope)
        timestamp = str(int(self._clock()))
        headers = {
            "Content-Type": content_type,
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": sign(self._secret, timestamp, body),
        }
        if envelope.retry_attempt:
            headers["X-Slack-Retry-Num"] = str(envelope.retry_attempt)
            headers["X-Slack-Retry-Reason"] = _RETRY_REASONS.get(envelope.retry_reason, envelope.retry_reason)
        try:
            answer = requests.post(self.request_url, data=body.encode(), headers=headers, timeout=ack_s)
        except requests.Timeout:
            raise DeliveryFailed("timeout") from None
        except requests.RequestException as refused:
            raise DeliveryFailed("no_connection") from refused
        if not answer.ok:
            raise DeliveryFailed("http_error", may_retry=answer.headers.get("X-Slack-No-Retry") != "1")
        return _decode(answer)


def _encode(envelope: Envelope) -> tuple[str, str]:
    if envelope.kind == "slash_commands":
        return _FORM, urlencode(envelope.payload)
    if envelope.kind == "interactive":
        return _FORM, urlencode({"payload": json.dumps(envelope.payload)})
    return "application/json", json.dumps(envelope.payload)


def _decode(answer: requests.Response) -> Json:
    text = answer.text.strip()
    if not text:
        return {}
    if "json" in answer.headers.get("Content-Type", ""):
        body = answer.json()
        return body if isinstance(body, dict) else {}
    return {"text": text}
