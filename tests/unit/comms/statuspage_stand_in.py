"""Statuspage as its documentation describes it, over real HTTP, strict about what it is sent; fails on request."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

from tests.unit.comms.channels.published import list_problems

Json = dict[str, Any]
KEY = "sp-key-1"
PAGE = "p1"
COMPONENTS = {"cdatabase", "capplication", "cother"}
STATUSES = {"investigating", "identified", "monitoring", "resolved"}
Fault = int | Literal["no answer", "lost answer", "hang after acting", "not json", "no incident"]
"""A status to answer with before acting, or a way to fail; `lost answer` and `hang after acting` act first."""


class Wrong(Exception):
    """The request is not as documented; the message is what Statuspage would say."""


@dataclass
class StandIn:
    """`incidents` as they are on the page, oldest first; `asked` is every request; `faults` are used up in order."""

    incidents: list[Json] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    retry_after: str | None = None
    closed_for_good: bool = False
    """Whether what is resolved takes no update any more."""
    states: dict[str, str] = field(default_factory=lambda: dict.fromkeys(COMPONENTS, "operational"))
    url: str = ""
    released: threading.Event = field(default_factory=threading.Event)

    def handle(self, method: str, path: str, key: str, body: Json | None) -> tuple[int, Any]:
        if key != f"OAuth {KEY}":
            return 401, {"error": "Could not authenticate"}
        route, _, _query = path.partition("?")
        prefix = f"/v1/pages/{PAGE}/incidents"
        if not route.startswith(prefix):
            return 404, {"error": "Not found"}
        name = route.removeprefix(prefix).strip("/")
        try:
            return self._route(method, name, body)
        except Wrong as wrong:
            return 422, {"error": [str(wrong)]}

    def _route(self, method: str, name: str, body: Json | None) -> tuple[int, Any]:
        if method == "GET" and name == "unresolved":
            return 200, [one for one in reversed(self.incidents) if one["status"] != "resolved"]
        if method == "GET" and not name:
            return 200, self.incidents[::-1]
        if method == "POST" and not name:
            made: Json = {
                "id": f"i{len(self.incidents) + 1}",
                "shortlink": f"https://stspg.io/{len(self.incidents) + 1}",
            }
            made |= {"page_id": PAGE, "incident_updates": [], "metadata": {}}
            self._apply(made, check("create", body))
            self.incidents.append(made)
            return 201, made
        known = next((one for one in self.incidents if one["id"] == name), None)
        if known is None:
            return 404, {"error": "Not found"}
        if method == "PATCH":
            if known["status"] == "resolved" and self.closed_for_good:
                raise Wrong("This incident is resolved")
            self._apply(known, check("update", body))
        return 200, known

    def _apply(self, incident: Json, given: Json) -> None:
        for name in ("name", "status", "impact_override", "metadata"):
            incident[name] = given.get(name, incident.get(name))
        incident["incident_updates"].insert(0, {"body": given["body"], "status": given["status"]})
        self.states |= given.get("components", {})


def check(operation: str, body: Json | None) -> Json:
    """The incident in a request's body, as `create` and `update` are described. Raises `Wrong`."""
    problems = list_problems("statuspage", operation, body)
    given: Json = (body or {}).get("incident") or {}
    if not {*given.get("component_ids", []), *given.get("components", {})} <= COMPONENTS:
        problems.append("component_ids, components is invalid")
    if given.get("status") not in STATUSES:
        problems.append("status is invalid")
    if problems:
        raise Wrong("; ".join(problems))
    return dict(given)


@contextmanager
def serve_stand_in() -> Iterator[StandIn]:
    stand_in = StandIn()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _make_handler(stand_in))
    server.daemon_threads = True
    stand_in.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield stand_in
    finally:
        stand_in.released.set()
        server.shutdown()
        server.server_close()


def _make_handler(stand_in: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            stand_in.asked.append((self.command, self.path))
            fault = stand_in.faults.pop(0) if stand_in.faults else None
            if isinstance(fault, int):
                self._answer(fault, b'{"error": "out of order"}')
                return
            if fault == "no answer":
                self.close_connection = True
                return
            status, shape = stand_in.handle(self.command, self.path, self.headers.get("Authorization", ""), body)
            if fault == "hang after acting":
                stand_in.released.wait(30)
            if fault in ("lost answer", "hang after acting"):
                self.close_connection = True
                return
            odd = {"not json": b"<html>", "no incident": b"[]"}
            self._answer(status, odd.get(fault or "", json.dumps(shape).encode()))

        do_GET = do_POST = do_PATCH = do_any

        def _answer(self, status: int, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            if stand_in.retry_after is not None:
                self.send_header("Retry-After", stand_in.retry_after)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    return Handler
