"""The product's addresses on the web, as the policy has them."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from urllib.parse import urlsplit

from bot.diagnostics.points import Point
from bot.policy import Policy

PLACEHOLDERS = ("example", "example.com", "example.net", "example.org", "test", "invalid")
"""Names that are for documents and tests, and nobody's (RFC 6761)."""
PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Address:
    """One of them: what it is for, and its parts."""

    purpose: str
    url: str
    vital: bool = True
    """Whether users are hurt when it is away: the backup is for later."""

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        parts = urlsplit(self.url)
        return parts.port or PORTS[parts.scheme]

    @property
    def secure(self) -> bool:
        return urlsplit(self.url).scheme == "https"

    @property
    def is_number(self) -> bool:
        """Whether the host is an IP address, for which no name has to be asked."""
        try:
            ipaddress.ip_address(self.host)
        except ValueError:
            return False
        return True

    @property
    def is_placeholder(self) -> bool:
        return any(self.host == name or self.host.endswith(f".{name}") for name in PLACEHOLDERS)


def list_addresses(policy: Policy) -> list[Address]:
    """Of each application, then the primary and the backup of the DNS failover; each host and port once."""
    dns = policy.infrastructure.dns
    applications = policy.applications.values()
    found = [Address(one.title, str(one.url)) for one in applications if not one.standby]
    found += [Address("DNS primary", str(dns.primary)), Address("DNS backup", str(dns.backup), vital=False)]
    found += [Address(one.title, str(one.url), vital=False) for one in applications if one.standby]
    return list({(one.host, one.port): one for one in reversed(found)}.values())[::-1]


def ask_each(
    addresses: Sequence[Address], judge: Callable[[Address], Sequence[Point]], limit_s: float
) -> Iterator[Point]:
    """The points of each address, side by side; one that hangs is unknown, and holds no other up."""
    pool = ThreadPoolExecutor(max_workers=max(1, len(addresses)), thread_name_prefix="address")
    asked = {pool.submit(judge, one): one for one in addresses if not one.is_placeholder}
    answered, hanging = wait(asked, timeout=limit_s)
    pool.shutdown(wait=False, cancel_futures=True)
    for future in asked:
        if future in answered:
            yield from future.result()
    for future in hanging:
        yield Point("unknown", f"{asked[future].purpose}: no answer from {asked[future].host} within {limit_s:.0f} s.")
    for one in addresses:
        if one.is_placeholder:
            yield Point("unknown", f"{one.purpose}: {one.host} is a name for examples; put yours into the policy.")
