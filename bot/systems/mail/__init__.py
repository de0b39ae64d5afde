"""Ways to hand in e-mail, one a file: each takes a whole message and one recipient."""

from __future__ import annotations

from email import policy
from email.message import EmailMessage
from typing import Protocol

WIRE = policy.SMTP.clone(max_line_length=500)
"""As it is sent. Within RFC 5322's 998, and long enough that no Message-ID is ever broken or encoded."""


class MailTransport(Protocol):
    """Hands in one message for one recipient."""

    def send(self, message: EmailMessage, recipient: str) -> dict[str, str]:
        """Give what the other side calls it. Raises `FarSideRefused` or `FarSideUnanswered`."""
