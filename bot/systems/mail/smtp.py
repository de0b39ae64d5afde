"""E-mail through a mail server, with STARTTLS or TLS and a login (RFC 5321, 3207, 4954).

Until the server has been given the text nothing can have been sent. After that, an answer that does not come leaves it
open: SMTP has no way to ask.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from typing import Literal

from bot.systems.far_side import FarSideRefused, FarSideUnanswered
from bot.systems.mail import WIRE
from bot.words import cut

TIMEOUT_S = 10.0
PERMANENT = 500
SHOWN = 300


class SmtpTransport:
    """`user_env` is None where the server asks for no login. Whom to trust: SSL_CERT_FILE, else the system's list."""

    def __init__(
        self, host: str, port: int, security: Literal["starttls", "tls", "none"], environment: Mapping[str, str],
        *, user_env: str | None = None, password_env: str | None = None,
    ) -> None:  # fmt: skip
        self.host, self.port, self.security, self.environment = host, port, security, environment
        self.user_env, self.password_env = user_env, password_env

    def send(self, message: EmailMessage, recipient: str) -> dict[str, str]:
        """Give the server's words of acceptance, which name the message in its log."""
        content = message.as_bytes(policy=WIRE)
        with _unanswered(f"the mail server {self.host}", not_begun=True), self._open() as server:
            _require(server.mail(message["From"].addresses[0].addr_spec), "the sender")
            _require(server.rcpt(recipient), "the recipient", recipient_only=True)
            return self._hand_in(server, content)

    def _hand_in(self, server: smtplib.SMTP, content: bytes) -> dict[str, str]:
        with _unanswered(f"the mail server {self.host}", not_begun=False):
            answer = server.data(content)
        _require(answer, "the message")
        return {"server": cut(_words(answer[1]), SHOWN)}

    @contextmanager
    def _open(self) -> Iterator[smtplib.SMTP]:
        server = self._connect()
        try:
            self._log_in(server)
            yield server
        finally:
            # What is accepted is accepted, however the parting goes.
            with suppress(smtplib.SMTPException, OSError):
                server.quit()
            server.close()

    def _connect(self) -> smtplib.SMTP:
        if self.security == "tls":
            return smtplib.SMTP_SSL(self.host, self.port, timeout=TIMEOUT_S, context=self._context())
        server = smtplib.SMTP(self.host, self.port, timeout=TIMEOUT_S)
        if self.security == "starttls":
            try:
                server.starttls(context=self._context())
            except BaseException:
                server.close()
                raise
        return server

    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.environment.get("SSL_CERT_FILE") or None)

    def _log_in(self, server: smtplib.SMTP) -> None:
        if self.user_env is None:
            server.ehlo_or_helo_if_needed()
            return
        user = self.environment.get(self.user_env, "")
        password = self.environment.get(self.password_env or "", "")
        try:
            server.login(user, password)
        except smtplib.SMTPAuthenticationError as error:
            if error.smtp_code < PERMANENT:
                raise
            raise FarSideRefused(
                f"The mail server {self.host} does not accept the login: look at {self.user_env} and "
                f"{self.password_env}."
            ) from None


@contextmanager
def _unanswered(who: str, *, not_begun: bool) -> Iterator[None]:
    """smtplib's and the network's failures in our words. What is in their text may be a secret, or not for people."""
    try:
        yield
    except smtplib.SMTPNotSupportedError as error:
        raise FarSideRefused(f"{who[0].upper()}{who[1:]} cannot do what the policy asks of it: {error}") from error
    except smtplib.SMTPResponseException as error:
        if error.smtp_code >= PERMANENT:
            raise FarSideRefused(f"{who} said {error.smtp_code} {cut(_words(error.smtp_error), SHOWN)}") from error
        raise FarSideUnanswered(f"{who} said {error.smtp_code}", not_begun=True) from error
    except UnicodeError as error:
        raise FarSideRefused(f"{who} takes no address with such letters") from error
    except ssl.SSLCertVerificationError as error:
        raise FarSideUnanswered(f"{who} could not prove who it is (TLS certificate)", not_begun=True) from error
    except (smtplib.SMTPException, OSError) as error:
        how = "could not be reached" if not_begun else "did not say whether it took the message"
        raise FarSideUnanswered(f"{who} {how} ({type(error).__name__})", not_begun=not_begun) from error


def _require(answer: tuple[int, bytes], what: str, *, recipient_only: bool = False) -> None:
    code, said = answer
    if code in (250, 251):
        return
    words = f"the mail server did not take {what}: {code} {cut(_words(said), SHOWN)}"
    if code >= PERMANENT:
        raise FarSideRefused(words)
    raise FarSideUnanswered(words, not_begun=True, recipient_only=recipient_only)


def _words(said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return " ".join(text.split())
