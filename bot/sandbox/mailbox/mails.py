"""Takes every mail, whoever it is for, and puts it into the mailbox."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from typing import cast

from aiosmtpd.smtp import SMTP, Envelope, Session

from bot.sandbox.mailbox.letters import Mailbox
from bot.sandbox.mailbox.smtp import serve_smtp


@contextmanager
def catch_mails(mailbox: Mailbox) -> Iterator[int]:
    """Serve until the block ends; yields the port of the mail server."""
    with serve_smtp(lambda: SMTP(_Catcher(mailbox), hostname="sandbox")) as port:
        yield port


class _Catcher:
    def __init__(self, mailbox: Mailbox) -> None:
        self.mailbox = mailbox

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        parser = BytesParser(EmailMessage, policy=policy.default)
        message = parser.parsebytes(cast(bytes, envelope.content))
        for recipient in envelope.rcpt_tos:
            letter = self.mailbox.put(
                "mail", recipient, str(message["Subject"] or ""), _part(message, "plain"), html=_part(message, "html"),
                thread=str(message["References"] or message["Message-ID"] or ""),
                headers={name: str(value) for name, value in message.items()},
            )  # fmt: skip
        return f"250 kept as letter {letter.id}"


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return str(part.get_content()) if part else ""
