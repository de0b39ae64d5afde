"""A real mail server with TLS and a login, which keeps what it takes and fails on demand."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, cast

import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from bot.sandbox.mailbox.smtp import serve_smtp

USER, PASSWORD = "incidents", "smtp-password-1"
Security = Literal["starttls", "tls", "none"]


@cache
def authority() -> trustme.CA:
    return trustme.CA()


@dataclass
class MailServer:
    """What came in, and what the next messages meet: an answer to RCPT or DATA, or a connection that ends there."""

    port: int = 0
    messages: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    at_rcpt: list[str] = field(default_factory=list)
    at_data: list[str] = field(default_factory=list)

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self.at_rcpt.pop(0) if self.at_rcpt else "250 OK"
        if answer == "hang up":
            _hang_up(server)
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        answer = self.at_data.pop(0) if self.at_data else "250 taken as 4711"
        if answer.startswith("250") or answer == "hang up":
            parser = BytesParser(EmailMessage, policy=policy.default)
            self.messages.append(parser.parsebytes(cast(bytes, envelope.content)))
            self.recipients += envelope.rcpt_tos
        if answer == "hang up":
            _hang_up(server)
        return answer

    def check_login(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        good = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=good, handled=False)


@contextmanager
def open_mail_server(security: Security = "starttls", *, offers_tls: bool = True) -> Iterator[MailServer]:
    """Serve on loopback until the block ends; a login is required where there is TLS."""
    mails = MailServer()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority().issue_cert("localhost").configure_cert(context)
    tls = security != "none" and offers_tls

    def make() -> SMTP:
        return SMTP(
            mails, hostname="localhost", tls_context=context if security == "starttls" and tls else None,
            require_starttls=security == "starttls" and tls, auth_required=tls, authenticator=mails.check_login,
            auth_require_tls=security == "starttls",
        )  # fmt: skip

    with serve_smtp(make, context if security == "tls" else None) as port:
        mails.port = port
        yield mails


@contextmanager
def trusted() -> Iterator[str]:
    """A file with the certificate of the authority, for SSL_CERT_FILE."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "authority.pem"
        authority().cert_pem.write_to_path(str(path))
        yield str(path)


def _hang_up(server: SMTP) -> None:
    assert isinstance(server.transport, asyncio.Transport)
    server.transport.abort()
