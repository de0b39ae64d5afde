"""The certificate that a server shows: read whatever is wrong with it, so that it can be said what is wrong.

Nothing is sent to a server whose certificate is read so; trust is asked for on a connection of its own.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from bot.systems.outcomes import SystemFailed

TIMEOUT_S = 5.0
DATES = (9, 10)
"""OpenSSL's verdicts on dates (X509_V_ERR_CERT_NOT_YET_VALID, _HAS_EXPIRED), which can be read off them."""


@dataclass(frozen=True)
class Certificate:
    """What it says: from when until when it is good (UTC), for which names and addresses, and who says so."""

    begins_at: datetime
    ends_at: datetime
    names: tuple[str, ...]
    issuer: str
    distrust: str | None
    """Why this machine does not trust whoever issued it; None where it does."""

    def fits(self, host: str) -> bool:
        """Whether it is for this name or address. A star stands for the whole first label (RFC 6125, 6.4.3)."""
        host = _to_ascii(host.rstrip(".").lower())
        return any(_matches(name.lower(), host) for name in self.names)


def read_certificate(host: str, port: int) -> Certificate:
    """What a server shows who is asked for `host` (SNI). Raises SystemFailed where it shows none."""
    try:
        der = _fetch(host, port)
        parsed = x509.load_der_x509_certificate(der)
        distrust = _find_distrust(host, port)
    except (OSError, ValueError) as error:
        raise SystemFailed(f"{host}:{port} shows no certificate: {_explain(error)}.") from error
    return Certificate(
        parsed.not_valid_before_utc,
        parsed.not_valid_after_utc,
        _list_names(parsed),
        parsed.issuer.rfc4514_string(),
        distrust,
    )


def _fetch(host: str, port: int) -> bytes:
    """In DER, without judging it."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection((host, port), timeout=TIMEOUT_S) as plain,
        context.wrap_socket(plain, server_hostname=host) as secure,
    ):
        found = secure.getpeercert(binary_form=True)
    if found is None:
        raise ValueError("an empty handshake")
    return found


def _find_distrust(host: str, port: int) -> str | None:
    context = ssl.create_default_context()
    context.check_hostname = False
    try:
        with (
            socket.create_connection((host, port), timeout=TIMEOUT_S) as plain,
            context.wrap_socket(plain, server_hostname=host),
        ):
            return None
    except ssl.SSLCertVerificationError as error:
        return None if error.verify_code in DATES else error.verify_message


def _list_names(parsed: x509.Certificate) -> tuple[str, ...]:
    try:
        names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()  # clients have not looked at the common name for years (RFC 6125, 6.4.4)
    addresses = [str(one) for one in names.get_values_for_type(x509.IPAddress)]
    return (*names.get_values_for_type(x509.DNSName), *addresses)


def _matches(name: str, host: str) -> bool:
    if name == host:
        return True
    label, _, rest = host.partition(".")
    return bool(label) and "." in rest and name == f"*.{rest}" and not _is_address(host)


def _to_ascii(host: str) -> str:
    """As certificates write a name with letters beyond ASCII."""
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        return host


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _explain(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
