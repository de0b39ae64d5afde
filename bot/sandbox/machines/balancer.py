"""A small load balancer: an HTTP proxy on loopback that sends requests to targets whose health path answers.

As an Application Load Balancer does (ELB User Guide, target group health checks): a new target is `initial` until its
first good probe; one that fails several times in a row is `unhealthy`, and needs several good ones to come back. One
that is taken out is `draining` for a while and gets no new requests. Where no target is healthy, all of them get
requests; where there is none, the answer is 503; where the target does not answer, 502. A client stays with a target
while that is able, by a cookie, where the group is sticky.
"""

from __future__ import annotations

import http.client
import http.cookies
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

State = Literal["initial", "healthy", "unhealthy", "draining"]
Probed = tuple[str, str]
"""Why a target is ill, as AWS has it: a code and its words (ELB API reference, TargetHealth)."""
WELL: Probed = "", ""
PROBE_TIMEOUT_S = 1.0
ANSWER_TIMEOUT_S = 60.0
COOKIE = "AWSALB"
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "upgrade", "te", "trailer", "host", "content-length"}
"""Headers that are between two neighbours (RFC 9110, 7.6.1), and those that are made anew."""


@dataclass
class Target:
    """One server; `streak`: probes in a row that said another thing than its state."""

    name: str
    port: int
    state: State = "initial"
    reason: str = "Elb.InitialHealthChecking"
    told: str = ""
    """Of an unhealthy one, in AWS's words."""
    streak: int = 0
    until_s: float = 0.0
    """When its draining is over."""

    def judge(self, probed: Probed, healthy_after: int, unhealthy_after: int) -> None:
        """Take a probe's answer."""
        good = probed is WELL
        if not good and self.state == "unhealthy":
            self.reason, self.told = probed
        if good == {"healthy": True, "unhealthy": False}.get(self.state):
            self.streak = 0
            return
        self.streak += 1
        needed = 1 if good and self.state == "initial" else healthy_after if good else unhealthy_after
        if self.streak >= needed:
            self.state, self.streak = ("healthy" if good else "unhealthy"), 0
            self.reason, self.told = probed


class Balancer:
    """Targets of one group, probed by `probe`, and served by a proxy once `serve` was called."""

    def __init__(self, health_path: str, *, healthy_after: int = 5, unhealthy_after: int = 2) -> None:
        self.health_path, self.sticky = health_path, False
        self._healthy_after, self._unhealthy_after = healthy_after, unhealthy_after
        self._lock = threading.Lock()
        self._targets: dict[str, Target] = {}
        self._turn = 0
        self._server: ThreadingHTTPServer | None = None

    def sync(self, wanted: Mapping[str, int], drained_after_s: float) -> None:
        """Take in who is registered now, by name and port; who is not any more drains."""
        now = time.monotonic()
        with self._lock:
            for name, port in wanted.items():
                known = self._targets.get(name)
                if known is None or known.state == "draining" or known.port != port:
                    self._targets[name] = Target(name, port)
            for name in self._targets.keys() - wanted.keys():
                target = self._targets[name]
                if target.state != "draining":
                    target.state, target.reason = "draining", "Target.DeregistrationInProgress"
                    target.until_s = now + drained_after_s
                elif now >= target.until_s:
                    del self._targets[name]

    def list_targets(self) -> list[Target]:
        with self._lock:
            return list(self._targets.values())

    def probe(self) -> None:
        """Ask every target once."""
        for target in self.list_targets():
            if target.state != "draining":
                target.judge(self._ask(target), self._healthy_after, self._unhealthy_after)

    def choose(self, before: str | None = None) -> Target | None:
        """Who gets the next request; the one that had the client's request `before`, where it is able."""
        with self._lock:
            staying = [one for one in self._targets.values() if one.state != "draining"]
            able = [one for one in staying if one.state == "healthy"] or staying
            same = [one for one in able if one.name == before]
            if same:
                return same[0]
            self._turn += 1
            return able[self._turn % len(able)] if able else None

    def serve(self, port: int) -> None:
        """Answer on a port of the loopback interface."""
        handler = type("Handler", (_Proxy,), {"balancer": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", port), handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, name="load balancer", daemon=True).start()

    def close(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def _ask(self, target: Target) -> Probed:
        connection = http.client.HTTPConnection("127.0.0.1", target.port, timeout=PROBE_TIMEOUT_S)
        try:
            connection.request("GET", self.health_path, headers={"User-Agent": "ELB-HealthChecker/2.0"})
            status = connection.getresponse().status
        except TimeoutError:
            return "Target.Timeout", "Request timed out"
        except (OSError, http.client.HTTPException):
            return "Target.FailedHealthChecks", "Health checks failed"
        finally:
            connection.close()
        if status == http.HTTPStatus.OK:
            return WELL
        return "Target.ResponseCodeMismatch", f"Health checks failed with these codes: [{status}]"


class _Proxy(BaseHTTPRequestHandler):
    """One client's connection."""

    protocol_version = "HTTP/1.1"
    balancer: Balancer

    def do_GET(self) -> None:
        self._pass_on()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """The application has its own log."""

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        target = self.balancer.choose(self._find_before() if self.balancer.sticky else None)
        if target is None:
            self._answer(http.HTTPStatus.SERVICE_UNAVAILABLE, [], b"no targets")
            return
        connection = http.client.HTTPConnection("127.0.0.1", target.port, timeout=ANSWER_TIMEOUT_S)
        try:
            headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
            headers["X-Forwarded-For"] = str(self.client_address[0])
            connection.request(self.command, self.path, body=body or None, headers=headers)
            answer = connection.getresponse()
            content, got = answer.read(), answer.getheaders()
            kept = [("Set-Cookie", f"{COOKIE}={target.name}; Path=/")] if self.balancer.sticky else []
            self._answer(answer.status, [*got, *kept], content)
        except (OSError, http.client.HTTPException):
            self._answer(http.HTTPStatus.BAD_GATEWAY, [], b"the target does not answer")
        finally:
            connection.close()

    def _find_before(self) -> str | None:
        """Who had this client's last request."""
        cookies: http.cookies.SimpleCookie = http.cookies.SimpleCookie(self.headers.get("Cookie", ""))
        return cookies[COOKIE].value if COOKIE in cookies else None

    def _answer(self, status: int, headers: Iterable[tuple[str, str]], content: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
