"""An SSM that runs what it is told on this machine, and shows what the real one does: nothing yet, pending, the end.

Answers by the JSON 1.1 protocol as the SSM API reference has it.
"""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = dict[str, Any]
OUTPUT_LIMIT, ERRORS_LIMIT = 24_000, 8_000


@dataclass
class Ssm:
    """`unseen`: how often an invocation is not there yet. `detail`: how delivery fails. `refusal`: of SendCommand."""

    url: str = ""
    unseen: int = 2
    detail: str = ""
    refusal: str = ""
    never_ends: bool = False
    sent: list[Json] = field(default_factory=list)
    looked: int = 0
    cancelled: bool = False

    def answer(self, action: str, asked: Json) -> tuple[int, Json]:
        return {"SendCommand": self._send, "GetCommandInvocation": self._show, "CancelCommand": self._cancel}[action](
            asked
        )

    def _send(self, asked: Json) -> tuple[int, Json]:
        if self.refusal:
            return 400, {"__type": self.refusal, "message": "no"}
        self.sent.append(asked)
        self.looked = 0
        return 200, {"Command": {"CommandId": f"{len(self.sent):036d}", "Status": "Pending"}}

    def _show(self, asked: Json) -> tuple[int, Json]:
        self.looked += 1
        if self.looked <= self.unseen:
            return 400, {"__type": "InvocationDoesNotExist", "message": ""}
        if self.detail:
            return 200, {"Status": "Failed", "StatusDetails": self.detail, "ResponseCode": -1}
        if self.cancelled:
            return 200, {"Status": "Cancelled", "StatusDetails": "Cancelled", "ResponseCode": -1}
        if self.never_ends or self.looked == self.unseen + 1:
            return 200, {"Status": "InProgress", "StatusDetails": "InProgress", "ResponseCode": -1}
        script = self.sent[int(asked["CommandId"]) - 1]["Parameters"]["commands"]
        done = subprocess.run(["/bin/sh", "-c", "\n".join(script)], capture_output=True, text=True, check=False)
        word = "Success" if done.returncode == 0 else "Failed"
        return 200, {
            "Status": word, "StatusDetails": word, "ResponseCode": done.returncode,
            "StandardOutputContent": done.stdout[:OUTPUT_LIMIT], "StandardErrorContent": done.stderr[:ERRORS_LIMIT],
        }  # fmt: skip

    def _cancel(self, asked: Json) -> tuple[int, Json]:
        self.cancelled = True
        return 200, {}


@contextmanager
def serve_ssm(ssm: Ssm) -> Iterator[Ssm]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, answer = ssm.answer(str(self.headers["X-Amz-Target"]).partition(".")[2], body)
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    ssm.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield ssm
    finally:
        server.shutdown()
        server.server_close()
