"""What do the product's names resolve to, and does something answer there? (Document: DNS Failover.)"""

from __future__ import annotations

import socket
from collections.abc import Iterator

import requests

from bot.diagnostics.addresses import Address, ask_each, list_addresses
from bot.diagnostics.check import Surroundings
from bot.diagnostics.points import Point, PointCheck
from bot.store.documents import FindingState
from bot.systems.web_application import tell_no_answer

ANSWER_S = 5.0
LIMIT_S = 12.0
SHOWN = 8
FAULT = 500


class NetworkDns(PointCheck):
    name = "network_dns"
    title = "Names and what answers there"
    scope = "network"
    timeout_s = 15.0

    def look(self, surroundings: Surroundings) -> Iterator[Point]:
        return ask_each(list_addresses(surroundings.policy), look_up, LIMIT_S)


def look_up(address: Address) -> list[Point]:
    """Its name by the system's resolver, then a GET. What is wrong with a backup hurts nobody yet."""
    bad: FindingState = "critical" if address.vital else "warning"
    who = f"{address.purpose}: {address.host}"
    if not address.is_number:
        try:
            numbers = resolve(address.host, address.port)
        except OSError as error:
            return [Point(bad, f"{who} does not resolve: {error.strerror or type(error).__name__}.",
                          signs=("name lost",))]  # fmt: skip
        who += f" is {', '.join(numbers[:SHOWN])}"
    try:
        with requests.get(address.url, timeout=ANSWER_S, allow_redirects=False, stream=True) as answer:
            status = answer.status_code
    except requests.exceptions.SSLError:
        return [
            Point(
                bad,
                f"{who}; it answers, but its certificate is refused (see Certificates).",
                signs=("certificate bad",),
            )
        ]
    except requests.RequestException as error:
        return [Point(bad, f"{who}; {address.url} does not answer: {tell_no_answer(error)}.",
                      signs=("application down",) if address.vital else ())]  # fmt: skip
    signs = ("application unhealthy",) if address.vital else ()
    return [Point("warning" if status >= FAULT else "ok", f"{who}; {address.url} answers with {status}.", signs=signs)]


def resolve(host: str, port: int) -> list[str]:
    """IPv4 and IPv6 addresses of a name, in the resolver's order. Raises OSError where it does not resolve."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # a label that is too long or empty never reaches the resolver
        raise OSError(0, str(error)) from error
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


CHECK = NetworkDns()
