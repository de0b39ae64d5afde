"""E-mail through SendGrid's v3 API: POST /v3/mail/send, 202 with an empty body and X-Message-Id.

It knows no key for doing a thing once, so a lost answer leaves it open whether the mail was sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from email.header import Header
from email.message import EmailMessage
from typing import Any

from bot.systems.far_side import FarSide, post, write_json

OWN_HEADERS = ("from", "to", "subject", "content-type", "content-transfer-encoding", "mime-version", "date")
"""SendGrid writes these itself, from other fields, and refuses most of them among `headers`."""
LONGEST_LINE = 998
UNTRACKED = {"click_tracking": {"enable": False}, "open_tracking": {"enable": False}}


class SendGridTransport:
    """`key_env`: environment variable with the key."""

    def __init__(self, api_url: str, key_env: str, environment: Mapping[str, str]) -> None:
        self.url, self.key_env, self.environment = f"{api_url.rstrip('/')}/v3/mail/send", key_env, environment
        self.far_side = FarSide("SendGrid", key_env)

    def send(self, message: EmailMessage, recipient: str) -> dict[str, str]:
        """Give the id under which SendGrid's activity feed shows it."""
        key = self.environment.get(self.key_env, "")
        accepted = post(
            self.far_side, self.url, write_json(describe(message, recipient)), {"Authorization": f"Bearer {key}"}
        )
        headers = {name.lower(): value for name, value in accepted.headers.items()}
        return {"sendgrid_id": headers.get("x-message-id", "not given")}


def describe(message: EmailMessage, recipient: str) -> dict[str, Any]:
    """A message as SendGrid takes it; plain text comes before HTML."""
    sender = message["From"].addresses[0]
    parts = [part for part in message.walk() if not part.is_multipart()]
    return {
        "personalizations": [{"to": [{"email": recipient}]}],
        "from": {"email": sender.addr_spec, "name": sender.display_name or sender.addr_spec},
        "subject": str(message["Subject"]),
        "content": [{"type": part.get_content_type(), "value": part.get_content()} for part in parts],
        "headers": {name: _encode(str(value)) for name, value in message.items() if name.lower() not in OWN_HEADERS},
        "tracking_settings": UNTRACKED,
    }


def _encode(value: str) -> str:
    """SendGrid takes headers as they stand in the mail: what is not ASCII as RFC 2047 writes it."""
    return value if value.isascii() else Header(value, "utf-8", maxlinelen=LONGEST_LINE).encode()
