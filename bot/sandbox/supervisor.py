"""The supervisor of the sandbox's host: takes what `bot.sandbox.service` asks for, one thing at a time."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from pathlib import Path

from bot.sandbox.children import Child, ChildFailed

TIMEOUT_S = 5.0


class Supervisor:
    """Listens on a Unix socket in a thread of its own until it is closed."""

    def __init__(self, path: Path, child: Callable[[], Child], start: Callable[[], None]) -> None:
        """`start` starts the child and waits until it is healthy; it raises ChildFailed."""
        self.path, self._child, self._start = path, child, start
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(str(path))
        self._socket.listen()
        self._thread = threading.Thread(target=self._serve, name="supervisor", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening; what is being done is done first."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(timeout=TIMEOUT_S)
        self.path.unlink(missing_ok=True)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:  # closed
                return
            with connection:
                connection.settimeout(TIMEOUT_S)
                try:
                    verb = connection.makefile(encoding="utf-8").readline().strip()
                    connection.sendall(self._obey(verb).encode())
                except OSError:  # whoever asked is gone
                    continue

    def _obey(self, verb: str) -> str:
        child = self._child()
        if verb == "restart":
            try:
                child.stop()
                self._start()
            except ChildFailed as error:
                return f"1 {error}"
            return "0 restarted"
        if verb == "is-running":
            return "0 active" if child.running else "3 inactive"
        if verb == "started":
            return f"0 {child.pid if child.running else 'none'}"
        return f"2 {verb} is not known"
