"""A server that shows a certificate of our own making, good or bad, and remembers for which name it was asked."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme


@dataclass
class TlsServer:
    port: int
    file: Path
    """The certificate of its issuer, in PEM."""
    asked_for: list[str | None] = field(default_factory=list)


@contextmanager
def serve_tls(
    folder: Path, names: Sequence[str] = ("localhost",), *, days: float = 90, since_days: float = 30
) -> Iterator[TlsServer]:
    """With a certificate that is good from so many days ago for so many days from now."""
    now = datetime.now(UTC)
    issuer, file = trustme.CA(), folder / "issuer.pem"
    issuer.cert_pem.write_to_path(str(file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issuer.issue_cert(
        *names, not_before=now - timedelta(days=since_days), not_after=now + timedelta(days=days)
    ).configure_cert(context)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = TlsServer(listener.getsockname()[1], file)
        context.sni_callback = lambda _socket, name, _context: server.asked_for.append(name)
        thread = threading.Thread(target=_answer_all, args=(listener, context), daemon=True)
        thread.start()
        yield server
        listener.shutdown(socket.SHUT_RDWR)  # wakes the thread
    thread.join()


def _answer_all(listener: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        try:
            plain, _ = listener.accept()
        except OSError:
            return
        with contextlib.suppress(OSError), plain, context.wrap_socket(plain, server_side=True) as secure:
            secure.settimeout(5)
            secure.recv(1)
