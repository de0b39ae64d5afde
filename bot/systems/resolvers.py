"""What name servers of our choice answer; the resolver of this machine remembers, or is told things of its own."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

import dns.exception
import dns.resolver
import urllib3

PORT = 53
ANSWER_S = 5.0
HTTP_S = 10.0


@dataclass(frozen=True)
class Answer:
    """What one of them says of a name; without addresses, why."""

    server: str
    addresses: tuple[str, ...]
    words: str


def ask_servers(hostname: str, servers: Sequence[str]) -> list[Answer]:
    """What each says; a server is an address, with `:port` where it is not 53, or a name."""
    return [_ask(hostname, server) for server in servers]


def is_number(host: str) -> bool:
    """Whether it is an IP address already."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def get_at(address: str, *, hostname: str, port: int, path: str, secure: bool) -> tuple[bool, str]:
    """A GET to a name at the address that a name server said, as whoever believes it would: whether 200, and words."""
    host = f"{hostname}:{port}"
    try:
        pool = (
            urllib3.HTTPSConnectionPool(address, port, server_hostname=hostname, assert_hostname=hostname)
            if secure
            else urllib3.HTTPConnectionPool(address, port)
        )
        with pool:
            answer = pool.request("GET", path, headers={"Host": host}, timeout=HTTP_S, retries=False, redirect=False)
    except urllib3.exceptions.HTTPError as error:
        return False, f"{address} does not answer: {type(error).__name__}"
    return answer.status == HTTPStatus.OK, f"{address} answers {answer.status}"


def _ask(hostname: str, server: str) -> Answer:
    host, port = _split(server)
    resolver = dns.resolver.Resolver(configure=False)
    try:
        resolver.nameservers = [host if is_number(host) else _address_of(host)]
        resolver.port, resolver.lifetime = port, ANSWER_S
        found: list[str] = []
        for kind in ("A", "AAAA"):
            try:
                found += [str(one) for one in resolver.resolve(hostname, kind, search=False)]
            except dns.resolver.NoAnswer:
                continue
    except (dns.exception.DNSException, OSError) as error:
        return Answer(server, (), f"{server} does not know: {type(error).__name__}")
    return Answer(server, tuple(sorted(found)), f"{server} says {', '.join(sorted(found)) or 'nothing'}")


def _address_of(name: str) -> str:
    """Of a name server, by this machine's resolver."""
    return str(next(iter(dns.resolver.resolve(name, "A", lifetime=ANSWER_S))))


def _split(server: str) -> tuple[str, int]:
    if server.count(":") == 1:
        host, _, port = server.partition(":")
        return host, int(port)
    return server, PORT
