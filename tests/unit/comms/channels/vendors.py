"""Stand-ins for vendors over HTTP: each checks requests against what the vendor documents, and fails on demand."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

from tests.unit.comms.channels.published import list_problems

Json = dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """What comes back. `act`: it is carried out; `cut`: the answer ends in its middle; `silent`: there is none.

    `after`: the answer waits for this.
    """

    status: int = 202
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    act: bool = True
    cut: bool = False
    silent: bool = False
    after: threading.Event | None = None


LOST = Reply(silent=True)
"""It acts, and the connection ends without an answer."""
BROKEN = Reply(body=b'{"status": "succ')
HALF = Reply(body=b'{"status": "success"', cut=True)


class Vendor:
    """Keeps what it was asked; `effects` is what people would see of it."""

    answer: ClassVar[Reply] = Reply()

    def __init__(self) -> None:
        self.requests: list[Json] = []
        self.problems: list[str] = []
        self.effects: list[Any] = []
        self.replies: list[Reply] = []
        self.url = ""

    def take(self, path: str, headers: Mapping[str, str], content: bytes) -> Reply:
        self.requests.append({"path": path, "headers": dict(headers), "content": content})
        reply = self.replies.pop(0) if self.replies else self.answer
        self._check(headers.get("Content-Type", "").startswith("application/json"), "JSON is expected")
        if reply.act:
            self.act(path, headers, json.loads(content))
        return reply

    def act(self, path: str, headers: Mapping[str, str], body: Json) -> None:
        raise NotImplementedError

    def look(self, path: str, headers: Mapping[str, str]) -> Reply:
        """What a GET finds; nothing may be asked of most."""
        raise NotImplementedError

    def _check(self, good: bool, problem: str) -> None:
        if not good:
            self.problems.append(problem)


class PagerDutyStandIn(Vendor):
    """developer.pagerduty.com, Events API v2: one open alert for a dedup_key."""

    key = "a" * 32
    answer = Reply(body=b'{"status":"success","message":"Event processed","dedup_key":"as sent"}')

    def __init__(self) -> None:
        super().__init__()
        self.open: dict[str, int] = {}

    def act(self, path: str, headers: Mapping[str, str], body: Json) -> None:
        self._check(path == "/v2/enqueue", path)
        self.problems += list_problems("pagerduty", "event", body)
        self._check(body["routing_key"] == self.key, "routing_key")
        if body["event_action"] == "resolve":
            self.effects += [("resolved", body["dedup_key"])] if self.open.pop(body["dedup_key"], 0) else []
            return
        if body["dedup_key"] not in self.open:
            self.effects.append(("triggered", body["dedup_key"]))
        self.open[body["dedup_key"]] = self.open.get(body["dedup_key"], 0) + 1


class OpsgenieStandIn(Vendor):
    """docs.opsgenie.com, Alert API: one open alert for an alias. Whether it was done has to be asked later."""

    key = "genie-key-1"
    answer = Reply(body=b'{"result":"Request will be processed","took":0.1,"requestId":"r-1"}')
    unknown = Reply(
        404, b'{"message":"Request not found. It might not be processed, yet.","took":0.1,"requestId":"r-2"}'
    )

    def __init__(self) -> None:
        super().__init__()
        self.open: set[str] = set()
        self.done = {"isSuccess": True, "status": "Created alert"}
        self.not_yet = 0
        """How often it does not know yet what became of a request."""

    def look(self, path: str, headers: Mapping[str, str]) -> Reply:
        self._check(headers.get("Authorization") == f"GenieKey {self.key}", "Authorization")
        self._check(path == "/v2/alerts/requests/r-1", path)
        if self.not_yet:
            self.not_yet -= 1
            return self.unknown
        return Reply(200, json.dumps({"data": self.done, "took": 0.02, "requestId": "r-3"}).encode())

    def act(self, path: str, headers: Mapping[str, str], body: Json) -> None:
        self._check(headers.get("Authorization") == f"GenieKey {self.key}", "Authorization")
        parts = urlsplit(path)
        if parts.path != "/v2/alerts":
            _, _, _, identifier, verb = parts.path.split("/")
            self.problems += list_problems("opsgenie", "close", body)
            self._check((verb, parse_qs(parts.query)) == ("close", {"identifierType": ["alias"]}), path)
            alias = unquote(identifier)
            self.effects += [("closed", alias)] if alias in self.open else []
            self.open.discard(alias)
            return
        self.problems += list_problems("opsgenie", "create", body)
        if body["alias"] not in self.open:
            self.effects.append(("created", body["alias"]))
        self.open.add(body["alias"])


class SendGridStandIn(Vendor):
    """docs.sendgrid.com, POST /v3/mail/send."""

    key = "SG.key"
    answer = Reply(body=b"", headers={"X-Message-Id": "sg-1"})
    reserved = (
        "x-sg-id x-sg-eid received dkim-signature content-type content-transfer-encoding to from "
        "subject reply-to cc bcc"
    )

    def act(self, path: str, headers: Mapping[str, str], body: Json) -> None:
        self._check(path == "/v3/mail/send", path)
        self._check(headers.get("Authorization") == f"Bearer {self.key}", "Authorization")
        self.problems += list_problems("sendgrid", "send", body)
        self._check([one["type"] for one in body["content"]] == ["text/plain", "text/html"], "order of content")
        self._check(not {name.lower() for name in body["headers"]} & set(self.reserved.split()), "reserved header")
        self._check("\n" not in body["subject"], "subject")
        self.effects += [to["email"] for one in body["personalizations"] for to in one["to"]]


class TeamsStandIn(Vendor):
    """learn.microsoft.com: an incoming webhook that takes adaptive cards."""

    path = "/workflows/abc/triggers/manual?sig=very-secret-signature"

    def act(self, path: str, headers: Mapping[str, str], body: Json) -> None:
        self._check(path == self.path, path)
        self._check(len(self.requests[-1]["content"]) <= 21_000, "more than Teams was seen to take of its 28 kB")
        self._check(body["type"] == "message", "type")
        (attachment,) = body["attachments"]
        self._check(attachment["contentType"] == "application/vnd.microsoft.card.adaptive", "contentType")
        card = attachment["content"]
        self._check(card["type"] == "AdaptiveCard" and card["version"] == "1.4", "card")
        for element in card["body"]:
            self._check(element["type"] in ("TextBlock", "FactSet"), element["type"])
        self.effects.append(card)


class WebhookStandIn(Vendor):
    """Somebody who reads docs/webhook.md: looks at the signature, and drops what has been there before."""

    secret = "webhook-secret-1"

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def act(self, path: str, headers: Mapping[str, str], body: Json) -> None:
        content, timestamp = self.requests[-1]["content"], headers["X-Holdfast-Timestamp"]
        digest = hmac.new(self.secret.encode(), timestamp.encode() + b"." + content, hashlib.sha256).hexdigest()
        self._check(headers["X-Holdfast-Signature"] == f"sha256={digest}", "signature")
        if headers["Idempotency-Key"] not in self.seen:
            self.effects.append(body)
        self.seen.add(headers["Idempotency-Key"])


@contextmanager
def open_vendor(vendor: Vendor) -> Iterator[None]:
    """Serve a stand-in until the block ends; its address is in `url`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            try:
                reply = vendor.take(self.path, dict(self.headers.items()), content)
            except Exception as error:  # noqa: BLE001 (a request that cannot be read is a problem of the sender)
                vendor.problems.append(f"{type(error).__name__}: {error}")
                reply = Reply(400)
            self._answer(reply)

        def do_GET(self) -> None:
            try:
                reply = vendor.look(self.path, dict(self.headers.items()))
            except Exception as error:  # noqa: BLE001
                vendor.problems.append(f"{type(error).__name__}: {error}")
                reply = Reply(400)
            self._answer(reply)

        def _answer(self, reply: Reply) -> None:
            self.close_connection = True
            if reply.after:
                reply.after.wait(60)
            if reply.silent:
                return
            self.send_response(reply.status)
            self.send_header("Content-Length", str(len(reply.body) + (500 if reply.cut else 0)))
            self.send_header("Connection", "close")
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    vendor.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
