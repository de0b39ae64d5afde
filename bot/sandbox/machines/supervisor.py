"""What takes the orders of `bot.sandbox.service` on a machine, one at a time."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

from bot.sandbox.children import ChildFailed, http_answers
from bot.sandbox.machines.service import Service

TIMEOUT_S = 5.0
HEALTHY_DEADLINE_S = 30.0


class Supervisor:
    """Listens on a Unix socket in a thread of its own until it is closed."""

    def __init__(self, path: Path, service: Service) -> None:
        self.path, self._service = path, service
        path.unlink(missing_ok=True)
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
        service = self._service
        if verb in ("start", "restart"):
            return self._start(again=verb == "restart")
        if verb in ("stop", "kill"):
            service.stop() if verb == "stop" else service.kill()
            return "0 inactive"
        if verb == "is-running":
            return "0 active" if service.running else "3 inactive"
        if verb == "is-healthy":
            return "0 healthy" if http_answers(service.health_url) else f"1 {service.health_url} does not answer well"
        if verb in ("started", "workers"):
            shown = f"{service.pid} {' '.join(service.argv)}" if verb == "workers" else f"{service.pid}"
            return f"0 {shown}" if service.running else ("1 none" if verb == "workers" else "0 none")
        return f"2 {verb} is not known"

    def _start(self, *, again: bool) -> str:
        try:
            if again:
                self._service.stop()
            self._service.start()
            self._service.wait_until(lambda: http_answers(self._service.health_url), "healthy", HEALTHY_DEADLINE_S)
        except ChildFailed as error:
            return f"1 {error}"
        return "0 restarted" if again else "0 started"
