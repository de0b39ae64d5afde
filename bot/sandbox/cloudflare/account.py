"""One account at Cloudflare: a zone with its records, load balancers, pools and monitors, and what they are refused.

Fields and limits: https://developers.cloudflare.com/api (zones, dns records, load balancers, pools, monitors).
"""

from __future__ import annotations

import ipaddress
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

Object = dict[str, Any]
RECORD_FIELDS = {"type", "name", "content", "ttl", "proxied", "comment", "tags", "settings", "priority", "data"}
BALANCER_FIELDS = {
    *("name", "description", "default_pools", "fallback_pool", "enabled", "proxied", "ttl", "steering_policy"),
    *("region_pools", "country_pools", "pop_pools", "rules", "session_affinity", "adaptive_routing", "networks"),
    *("random_steering", "location_strategy", "session_affinity_attributes", "session_affinity_ttl"),
}
POOL_FIELDS = {
    *("name", "description", "enabled", "origins", "monitor", "minimum_origins", "latitude", "longitude"),
    *("check_regions", "notification_email", "notification_filter", "load_shedding", "origin_steering", "networks"),
}
MONITOR_FIELDS = {
    *("type", "description", "method", "path", "header", "port", "timeout", "retries", "interval", "expected_body"),
    *("expected_codes", "follow_redirects", "allow_insecure", "consecutive_up", "consecutive_down", "probe_zone"),
}
MONITOR_DEFAULTS: Object = {
    "type": "http", "method": "GET", "path": "/", "timeout": 5, "retries": 2, "interval": 60, "consecutive_down": 0,
    "consecutive_up": 0, "expected_codes": "200", "follow_redirects": False, "allow_insecure": False, "description": "",
}  # fmt: skip
AUTOMATIC, SHORTEST_TTL_S, LONGEST_TTL_S = 1, 60, 86_400
PROXIABLE = ("A", "AAAA", "CNAME")


class Refused(Exception):
    """What Cloudflare answers instead of doing it."""

    def __init__(self, status: HTTPStatus, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def bad(code: int, message: str) -> Refused:
    return Refused(HTTPStatus.BAD_REQUEST, code, message)


@dataclass
class Account:
    """Everything in it, by id. Whoever reads or changes holds `lock`."""

    zone_name: str
    name_servers: list[str]
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    zone_id: str = field(default_factory=lambda: secrets.token_hex(16))
    records: dict[str, Object] = field(default_factory=dict)
    balancers: dict[str, Object] = field(default_factory=dict)
    pools: dict[str, Object] = field(default_factory=dict)
    monitors: dict[str, Object] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def zone(self) -> Object:
        return {
            "id": self.zone_id, "name": self.zone_name, "status": "active", "paused": False, "type": "full",
            "name_servers": self.name_servers, "account": {"id": self.id, "name": "The sandbox"},
        }  # fmt: skip

    def put_record(self, change: Mapping[str, Any], before: Object | None = None) -> Object:
        """Create one, or change `before`. Raises Refused."""
        _refuse_unknown(change, RECORD_FIELDS)
        record = {"ttl": AUTOMATIC, "proxied": False, **(before or {}), **change}
        _check_record(record)
        others = [one for one in self.records.values() if one["name"] == record["name"] and one is not before]
        if any("CNAME" in (one["type"], record["type"]) for one in others):
            raise bad(81053, "An A, AAAA, or CNAME record with that host already exists.")
        return _keep(self.records, record, before)

    def put_balancer(self, change: Mapping[str, Any], before: Object | None = None) -> Object:
        """As `put_record`."""
        _refuse_unknown(change, BALANCER_FIELDS)
        balancer = {"enabled": True, "proxied": False, "ttl": 30, "steering_policy": "off", **(before or {}), **change}
        pools = balancer.get("default_pools")
        if not isinstance(pools, list) or not pools or not balancer.get("fallback_pool"):
            raise bad(1002, "default_pools and fallback_pool are required")
        for pool in (*pools, balancer["fallback_pool"]):
            if pool not in self.pools:
                raise bad(1002, f"pool {pool} not found: validation failed")
        return _keep(self.balancers, balancer, before)

    def put_pool(self, change: Mapping[str, Any], before: Object | None = None) -> Object:
        """As `put_record`."""
        _refuse_unknown(change, POOL_FIELDS)
        pool = {"enabled": True, "minimum_origins": 1, "monitor": "", **(before or {}), **change}
        if pool["monitor"] and pool["monitor"] not in self.monitors:
            raise bad(1002, f"monitor {pool['monitor']} not found: validation failed")
        if not pool.get("origins"):
            raise bad(1002, "origins: at least one origin is required")
        return _keep(self.pools, pool, before)

    def put_monitor(self, change: Mapping[str, Any], before: Object | None = None) -> Object:
        """As `put_record`."""
        _refuse_unknown(change, MONITOR_FIELDS)
        monitor = {**MONITOR_DEFAULTS, **(before or {}), **change}
        if not str(monitor["path"]).startswith("/"):
            raise bad(1002, "path must start with /")
        if monitor["interval"] <= monitor["timeout"] * (monitor["retries"] + 1):
            raise bad(1002, "interval must be larger than timeout * (retries + 1)")
        return _keep(self.monitors, monitor, before)


Put = Callable[[Mapping[str, Any], Object | None], Object]


def _keep(among: dict[str, Object], one: Object, before: Object | None) -> Object:
    one.setdefault("id", secrets.token_hex(16))
    if before is None:
        among[one["id"]] = one
    else:
        before.update(one)
    return among[one["id"]]


def _refuse_unknown(change: Mapping[str, Any], known: set[str]) -> None:
    unknown = sorted(set(change) - known)
    if unknown:
        raise bad(1002, f'json: unknown field "{unknown[0]}"')


def _check_record(record: Object) -> None:
    ttl = record["ttl"]
    if not isinstance(ttl, int) or (ttl != AUTOMATIC and not SHORTEST_TTL_S <= ttl <= LONGEST_TTL_S):
        raise bad(9021, "Invalid TTL. Must be between 60 and 86400 seconds, or 1 for Automatic.")
    if record["proxied"] and record["type"] not in PROXIABLE:
        raise bad(9004, "This record type cannot be proxied.")
    version = {"A": 4, "AAAA": 6}.get(str(record.get("type")))
    try:
        wrong = version is not None and ipaddress.ip_address(str(record["content"])).version != version
    except ValueError:
        wrong = True
    if wrong:
        raise bad(9005 if version == 4 else 9006, f"Content for {record['type']} record is not a valid address.")
