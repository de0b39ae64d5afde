"""Cloudflare's API, version 4: zones, DNS records, load balancers with their pools and monitors.

Source: https://developers.cloudflare.com/api. Every answer has `success`, `errors` and `result`, whatever its status;
a PATCH changes what it names and nothing else. 1,200 requests in five minutes are allowed; beyond it the answer is 429
with a Retry-After.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import requests
from pydantic import JsonValue

from bot.systems.outcomes import SystemFailed, SystemRefused
from bot.words import cut

TIMEOUT_S = (5.0, 20.0)
"""To connect, and to answer."""
WRONG_TOKEN = (401, 403)
LIMITED = 429
WAIT_AT_MOST_S, WAIT_WITHOUT_WORD_S, TRIES = 20.0, 2.0, 4
PAGE = 100
SHOWN = 300
AUTOMATIC_TTL, AUTOMATIC_TTL_S = 1, 300.0
"""The TTL that means "automatic", and what that is."""
OVERRIDES = ("region_pools", "country_pools", "pop_pools", "rules")
"""What of a load balancer comes before its default pools."""


class CloudflareRefused(SystemRefused):
    """Cloudflare said no, and did nothing."""


class CloudflareUnclear(SystemFailed):
    """No answer, or one that says nothing: whether it was done has to be seen."""


@dataclass(frozen=True)
class Zone:
    """A domain at Cloudflare. `name_servers` are those that answer for it."""

    id: str
    name: str
    account_id: str
    name_servers: tuple[str, ...]


@dataclass(frozen=True)
class Record:
    """One DNS record; `proxied`: resolvers are told Cloudflare's own addresses instead of its content."""

    id: str
    type: str
    name: str
    content: str
    ttl: int
    proxied: bool


@dataclass(frozen=True)
class LoadBalancer:
    """A load balancer on a host name, before which the name's records are nothing."""

    id: str
    name: str
    default_pools: tuple[str, ...]
    fallback_pool: str
    proxied: bool
    enabled: bool
    steering: str
    overrides: tuple[str, ...]
    """Which settings would come before the default pools."""
    ttl: int


@dataclass(frozen=True)
class Pool:
    """Origins that a load balancer sends users to, and the monitor that looks after them."""

    id: str
    name: str
    enabled: bool
    addresses: tuple[str, ...]
    monitor: str | None


@dataclass(frozen=True)
class Monitor:
    """How origins are watched. `consecutive_down`: so many failed checks in a row mean ill; 0 stands for one."""

    id: str
    type: str
    path: str
    interval_s: int
    consecutive_down: int
    retries: int


class Cloudflare:
    """One account. `read_token` is asked at each request, so a renewed token needs no restart."""

    def __init__(
        self, api_url: str, read_token: Callable[[], str], *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._base, self._read_token, self._sleep = api_url.rstrip("/"), read_token, sleep

    def find_zone(self, hostname: str) -> Zone:
        """The zone of a host name: the longest that it ends with. Raises CloudflareRefused where there is none."""
        labels = hostname.split(".")
        for start in range(len(labels) - 1):
            name = ".".join(labels[start:])
            for one in self._list("zones", name=name):
                return Zone(one["id"], one["name"], one["account"]["id"], tuple(one.get("name_servers") or ()))
        raise CloudflareRefused(
            f"Cloudflare shows no zone for {hostname}.", "Check the name, and that the token may read the zone."
        )

    def list_records(self, zone: Zone, hostname: str) -> list[Record]:
        """Records of a name that say where it leads."""
        found = [_read_record(one) for one in self._list(f"zones/{zone.id}/dns_records", name=hostname)]
        return [one for one in found if one.type in ("A", "AAAA", "CNAME")]

    def find_load_balancer(self, zone: Zone, hostname: str) -> LoadBalancer | None:
        """The one on a host name."""
        found = [_read_load_balancer(one) for one in self._list(f"zones/{zone.id}/load_balancers")]
        return next((one for one in found if one.name == hostname), None)

    def list_pools(self, zone: Zone) -> list[Pool]:
        return [_read_pool(one) for one in self._list(f"accounts/{zone.account_id}/load_balancers/pools")]

    def find_monitor(self, zone: Zone, monitor: str) -> Monitor:
        answer = self._ask("GET", f"accounts/{zone.account_id}/load_balancers/monitors/{monitor}")
        return _read_monitor(answer["result"])

    def point_record(self, zone: Zone, record: Record, content: str) -> None:
        """Let a record hold something else; its TTL and whether it is proxied stay. Doing it twice does no harm."""
        self._ask("PATCH", f"zones/{zone.id}/dns_records/{record.id}", {"content": content})

    def point_load_balancer(self, zone: Zone, balancer: LoadBalancer, pools: list[str], fallback: str) -> None:
        """Let a load balancer use these pools, in this order."""
        body: dict[str, JsonValue] = {"default_pools": list(pools), "fallback_pool": fallback}
        self._ask("PATCH", f"zones/{zone.id}/load_balancers/{balancer.id}", body)

    def change_monitor(self, zone: Zone, monitor: str, changes: dict[str, JsonValue]) -> None:
        self._ask("PATCH", f"accounts/{zone.account_id}/load_balancers/monitors/{monitor}", changes)

    def _list(self, path: str, **query: str) -> Iterator[dict[str, Any]]:
        page = 1
        while True:
            answer = self._ask("GET", path, query={**query, "page": str(page), "per_page": str(PAGE)})
            yield from answer["result"] or []
            if page >= int((answer.get("result_info") or {}).get("total_pages", 1)):
                return
            page += 1

    def _ask(
        self, method: str, path: str, body: dict[str, JsonValue] | None = None, query: dict[str, str] | None = None
    ) -> dict[str, Any]:
        """Raises CloudflareRefused, CloudflareUnclear. Where Cloudflare asks to wait, that was nothing done."""
        for _ in range(TRIES):
            try:
                answer = requests.request(
                    method, f"{self._base}/{path}", json=body, params=query, timeout=TIMEOUT_S, allow_redirects=False,
                    headers={"Authorization": f"Bearer {self._read_token().strip()}"},
                )  # fmt: skip
            except requests.RequestException as error:
                raise CloudflareUnclear(
                    f"Cloudflare did not answer: {type(error).__name__}.", "", "Ask again in a minute."
                ) from error
            if answer.status_code != LIMITED:
                return _read_answer(answer)
            self._sleep(_read_wait(answer))
        raise CloudflareRefused("Cloudflare takes no more requests for now (429).", "Ask again in five minutes.")


def ttl_s(ttl: int) -> float:
    """Seconds that resolvers may keep an answer for."""
    return AUTOMATIC_TTL_S if ttl == AUTOMATIC_TTL else float(ttl)


def _read_wait(answer: requests.Response) -> float:
    """Raises CloudflareRefused where it would be too long for somebody who waits."""
    text = answer.headers.get("Retry-After", "")
    wait_s = float(text) if text.isdigit() else WAIT_WITHOUT_WORD_S
    if wait_s > WAIT_AT_MOST_S:
        raise CloudflareRefused(f"Cloudflare takes no requests for {wait_s:.0f} s (429).", "Ask again then.")
    return wait_s


def _read_answer(answer: requests.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        body = None
    if not isinstance(body, dict) or "success" not in body:
        raise CloudflareUnclear(f"Cloudflare answered {answer.status_code} and no JSON of its own.", "", "Ask again.")
    if body["success"] is True and answer.ok:
        return body
    said = "; ".join(f"{one.get('message', '?')} ({one.get('code', '?')})" for one in body.get("errors") or [])
    words = f"Cloudflare refused, {answer.status_code}: {cut(said or 'it does not say why', SHOWN)}."
    if answer.status_code >= requests.codes.server_error:
        raise CloudflareUnclear(words, "", "Ask again in a minute.")
    advice = "Check the token: it needs Zone Read, DNS Edit, Load Balancers Edit, and Monitors And Pools Edit."
    raise CloudflareRefused(words, advice if answer.status_code in WRONG_TOKEN else "")


def _read_record(one: dict[str, Any]) -> Record:
    return Record(one["id"], one["type"], one["name"], one["content"], int(one["ttl"]), bool(one.get("proxied")))


def _read_load_balancer(one: dict[str, Any]) -> LoadBalancer:
    overrides = tuple(name for name in OVERRIDES if one.get(name))
    return LoadBalancer(
        one["id"], one["name"], tuple(one["default_pools"]), one["fallback_pool"], bool(one.get("proxied")),
        bool(one.get("enabled", True)), one.get("steering_policy") or "off", overrides, int(one.get("ttl") or 30),
    )  # fmt: skip


def _read_pool(one: dict[str, Any]) -> Pool:
    addresses = tuple(str(origin["address"]) for origin in one.get("origins") or [])
    return Pool(one["id"], one["name"], bool(one.get("enabled", True)), addresses, one.get("monitor") or None)


def _read_monitor(one: dict[str, Any]) -> Monitor:
    return Monitor(
        one["id"], one.get("type") or "http", one.get("path") or "/", int(one.get("interval") or 60),
        int(one.get("consecutive_down") or 0), int(one.get("retries") or 0),
    )  # fmt: skip
