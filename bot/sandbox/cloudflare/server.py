"""Cloudflare's API on loopback, for one account and one token."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from bot.sandbox.cloudflare.account import Account, Object, Put, Refused

PREFIX = "/client/v4/"


@dataclass
class Api:
    """The account, who may, what was asked, and what is to go wrong."""

    account: Account
    token: str
    url: str = ""
    changes: list[tuple[str, str, Object]] = field(default_factory=list)
    """Method, path and body of every request that could have changed something and was let in."""
    limited: list[str] = field(default_factory=list)
    """A Retry-After for each of the next requests, which are refused with 429."""
    lost: int = 0
    """So many of the next changes happen, and the connection ends without an answer."""

    def answer(self, method: str, path: str, query: Mapping[str, str], body: Object, token: str) -> Any:
        """What the API has to say. Raises Refused."""
        if token != self.token:
            raise Refused(HTTPStatus.FORBIDDEN, 10000, "Authentication error")
        parts = path.removeprefix(PREFIX).strip("/").split("/")
        if parts == ["zones"] and method == "GET":
            wanted = query.get("name")
            return [self.account.zone] if wanted in (None, self.account.zone_name) else []
        among, put = self._find(parts)
        if method == "GET":
            return self._read(among, parts, query)
        self.changes.append((method, "/".join(parts), body))
        before = among.get(parts[-1])
        if method != "PATCH" or before is None:
            raise Refused(HTTPStatus.NOT_FOUND, 7003, f"Could not route to /{'/'.join(parts)}")
        return put(body, before)

    def _find(self, parts: list[str]) -> tuple[dict[str, Object], Put]:
        account = self.account
        places: dict[tuple[str, ...], tuple[dict[str, Object], Put]] = {
            ("zones", account.zone_id, "dns_records"): (account.records, account.put_record),
            ("zones", account.zone_id, "load_balancers"): (account.balancers, account.put_balancer),
            ("accounts", account.id, "load_balancers", "pools"): (account.pools, account.put_pool),
            ("accounts", account.id, "load_balancers", "monitors"): (account.monitors, account.put_monitor),
        }
        for place, found in places.items():
            if tuple(parts[: len(place)]) == place and len(parts) - len(place) in (0, 1):
                return found
        raise Refused(HTTPStatus.NOT_FOUND, 7003, f"Could not route to /{'/'.join(parts)}")

    def _read(self, among: dict[str, Object], parts: list[str], query: Mapping[str, str]) -> Any:
        if parts[-1] in among:
            return among[parts[-1]]
        if parts[-1] not in ("dns_records", "load_balancers", "pools", "monitors"):
            raise Refused(HTTPStatus.NOT_FOUND, 1001, "not found")
        wanted = {name: query[name] for name in ("name", "type") if name in query}
        return [one for one in among.values() if all(one.get(name) == value for name, value in wanted.items())]


@contextmanager
def serve_api(account: Account, token: str) -> Iterator[Api]:
    """Until the block ends."""
    api = Api(account, token)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer("GET")

        def do_PATCH(self) -> None:
            self._answer("PATCH")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def _answer(self, method: str) -> None:
            size_bytes = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(size_bytes) or b"{}")
            parts = urlsplit(self.path)
            if api.limited:
                self._send(HTTPStatus.TOO_MANY_REQUESTS, _refusal(971, "Please wait"), api.limited.pop(0))
                return
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            try:
                with account.lock:
                    result = api.answer(method, parts.path, dict(parse_qsl(parts.query)), body, token)
            except Refused as refusal:
                self._send(refusal.status, _refusal(refusal.code, refusal.message))
                return
            if method != "GET" and api.lost:
                api.lost -= 1
                self.close_connection = True
                return
            pages = {"result_info": {"page": 1, "total_pages": 1, "count": len(result)}} if type(result) is list else {}
            self._send(HTTPStatus.OK, {"success": True, "errors": [], "messages": [], "result": result, **pages})

        def _send(self, status: HTTPStatus, answer: Object, retry_after: str = "") -> None:
            encoded = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(encoded)))
            if retry_after:
                self.send_header("Retry-After", retry_after)
            self.end_headers()
            self.wfile.write(encoded)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        api.url = f"http://127.0.0.1:{server.server_port}{PREFIX.rstrip('/')}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield api
        finally:
            server.shutdown()
            thread.join()


def _refusal(code: int, message: str) -> Object:
    return {"success": False, "errors": [{"code": code, "message": message}], "messages": [], "result": None}
