"""How long are the certificates of the product's addresses good, and are they for these names?

(Document: DNS Failover.)
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from bot.diagnostics.addresses import Address, ask_each, list_addresses
from bot.diagnostics.check import Surroundings
from bot.diagnostics.points import Point, PointCheck
from bot.outcome import Failed
from bot.systems.certificates import Certificate, read_certificate
from bot.words import cut, show_duration

WARN, CRITICAL = timedelta(days=21), timedelta(days=7)
LIMIT_S = 12.0
NAMES_SHOWN = 3


class NetworkCertificate(PointCheck):
    name = "network_certificate"
    title = "Certificates"
    scope = "network"
    timeout_s = 15.0

    def look(self, surroundings: Surroundings) -> Iterator[Point]:
        addresses = list_addresses(surroundings.policy)
        secure = [one for one in addresses if one.secure]
        yield from (
            Point("ok", f"{one.purpose}: {one.url} is not https, so there is no certificate.")
            for one in addresses
            if not one.secure
        )
        yield from ask_each(secure, lambda one: [_look_at(one, surroundings.now())], LIMIT_S)


def _look_at(address: Address, now: datetime) -> Point:
    try:
        certificate = read_certificate(address.host, address.port)
    except Failed as trouble:
        return Point("unknown", f"{address.purpose}: {trouble.reason}")
    return judge_certificate(address, certificate, now)


def judge_certificate(address: Address, certificate: Certificate, now: datetime) -> Point:
    """What makes browsers turn users away is critical, and so is what will within a week."""
    who = f"{address.purpose}: the certificate of {address.host}"
    left = certificate.ends_at - now
    if left <= timedelta(0):
        return Point("critical", f"{who} ran out {show_duration(-left)} ago, {_show(certificate.ends_at)}.")
    if certificate.begins_at > now:
        return Point("critical", f"{who} is not good before {_show(certificate.begins_at)}.")
    if not certificate.fits(address.host):
        names = ", ".join(certificate.names[:NAMES_SHOWN]) or "no name at all"
        return Point("critical", f"{who} is for {cut(names, 200)}, not for that name.")
    words = f"{who} runs out in {show_duration(left)}, {_show(certificate.ends_at)}"
    if left < CRITICAL:
        return Point("critical", f"{words}.")
    if certificate.distrust:
        return Point("warning", f"{words}; the bot's machine does not trust its issuer: {certificate.distrust}.")
    return Point("warning" if left < WARN else "ok", f"{words}.")


def _show(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


CHECK = NetworkCertificate()
