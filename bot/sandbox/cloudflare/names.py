"""The name server of the stand-in: answers over UDP what the account has at that moment, as Cloudflare would."""

from __future__ import annotations

import ipaddress
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from bot.sandbox.cloudflare.account import AUTOMATIC, Account, Object

EDGE = "127.0.0.1"
"""What is answered for a name that is proxied: an address of Cloudflare itself."""
AUTOMATIC_TTL_S = 300


@dataclass
class NameServer:
    """Where it listens; `stale` makes it go on answering what it knew, as a resolver does that remembers."""

    account: Account
    address: str = ""
    stale: dict[str, list[str]] | None = None

    def remember(self, *names: str) -> None:
        """From now on answer what these names are at this moment."""
        self.stale = {name: self.find(name) for name in names}

    def find(self, name: str) -> list[str]:
        """Addresses of a name."""
        with self.account.lock:
            balancer = next((one for one in self.account.balancers.values() if one["name"] == name), None)
            if balancer and balancer["enabled"]:
                return [EDGE] if balancer["proxied"] else self._resolve(self._origins(balancer))
            records = [one for one in self.account.records.values() if one["name"] == name]
            if any(one["proxied"] for one in records):
                return [EDGE]
            return self._resolve([str(one["content"]) for one in records])

    def find_ttl_s(self, name: str) -> int:
        ttls = [int(one["ttl"]) for one in self.account.records.values() if one["name"] == name]
        return min((AUTOMATIC_TTL_S if ttl == AUTOMATIC else ttl for ttl in ttls), default=30)

    def _origins(self, balancer: Object) -> list[str]:
        """Of the first pool that is on."""
        pools = [self.account.pools[one] for one in (*balancer["default_pools"], balancer["fallback_pool"])]
        chosen: dict[str, Any] = next((one for one in pools if one["enabled"]), pools[-1])
        return [str(origin["address"]) for origin in chosen["origins"]]

    def _resolve(self, contents: list[str]) -> list[str]:
        found: list[str] = []
        for content in contents:
            found += [content] if _is_number(content) else self.find(content)
        return found

    def answer(self, request: bytes) -> bytes:
        question = dns.message.from_wire(request)
        asked = question.question[0]
        name = asked.name.to_text(omit_final_dot=True)
        known = self.find(name) if self.stale is None else self.stale.get(name, [])
        wanted = {dns.rdatatype.A: 4, dns.rdatatype.AAAA: 6}.get(asked.rdtype)
        found = [one for one in known if ipaddress.ip_address(one).version == wanted]
        reply = dns.message.make_response(question)
        reply.flags |= dns.flags.AA
        if found:
            reply.answer.append(dns.rrset.from_text(asked.name, self.find_ttl_s(name), "IN", asked.rdtype, *found))
        elif not known:
            reply.set_rcode(dns.rcode.NXDOMAIN)
        return reply.to_wire()


@contextmanager
def serve_names(account: Account) -> Iterator[NameServer]:
    """On loopback, until the block ends."""
    names = NameServer(account)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            request, socket = self.request
            socket.sendto(names.answer(request), self.client_address)

    with socketserver.ThreadingUDPServer(("127.0.0.1", 0), Handler) as server:
        names.address = f"127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield names
        finally:
            server.shutdown()
            thread.join()


def _is_number(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
