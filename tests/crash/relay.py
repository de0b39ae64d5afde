"""A wire between a bot and its store that can be cut: nothing more comes through, and nobody is told."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

CHUNK_BYTES = 65536


class Relay:
    """Listens on a port of its own and passes on to another, until it is cut."""

    def __init__(self, host: str, port: int) -> None:
        self._there = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._far_sides: list[socket.socket] = []
        self._near_sides: list[socket.socket] = []
        self.is_cut = False
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def cut(self) -> None:
        """The far side sees its peers gone at once; the near side is answered by nothing at all."""
        self.is_cut = True
        for far in self._far_sides:
            with contextlib.suppress(OSError):
                far.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        for one in (self._listener, *self._far_sides, *self._near_sides):
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            self._near_sides.append(near)
            if not self.is_cut:
                far = socket.create_connection(self._there)
                self._far_sides.append(far)
                threading.Thread(target=self._pass_on, args=(near, far), daemon=True).start()
                threading.Thread(target=self._pass_on, args=(far, near), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(CHUNK_BYTES):
                if self.is_cut:
                    return
                sink.sendall(data)
            if not self.is_cut:
                sink.shutdown(socket.SHUT_WR)


@contextmanager
def open_relay(url: str) -> Iterator[tuple[Relay, str]]:
    """A relay before the server of a database URL, and the URL through it."""
    parts = urlsplit(url)
    relay = Relay(parts.hostname or "127.0.0.1", parts.port or 5432)
    account = parts.netloc.rpartition("@")[0]
    try:
        yield relay, urlunsplit(parts._replace(netloc=f"{account}@127.0.0.1:{relay.port}"))
    finally:
        relay.close()
