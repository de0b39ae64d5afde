"""Where the product's name leads at Cloudflare, where it is to lead, and whether it would fail over by itself.

A load balancer on a host name comes before its records: where there is one, its pools are what counts, and editing the
record would do nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from pydantic import JsonValue

from bot.policy import DnsFailover
from bot.systems.cloudflare import Cloudflare, CloudflareRefused, LoadBalancer, Monitor, Pool, Record, Zone

Side = Literal["primary", "backup"]


@dataclass(frozen=True)
class Setup:
    """What Cloudflare has for the name."""

    hostname: str
    zone: Zone
    balancer: LoadBalancer | None
    pools: Mapping[Side, Pool | None]
    records: list[Record]
    backup_records: list[Record]
    known_pools: tuple[Pool, ...] = ()
    """All of the account."""

    @property
    def proxied(self) -> bool:
        """Whether resolvers are told Cloudflare's own addresses."""
        return self.balancer.proxied if self.balancer else any(one.proxied for one in self.records)

    @property
    def ttl(self) -> int:
        """As Cloudflare has it: seconds, or 1 for automatic."""
        return self.balancer.ttl if self.balancer else max((one.ttl for one in self.records), default=1)


@dataclass(frozen=True)
class Direction:
    """Where a name leads, or is to lead: pools and the fallback by id, or what its records hold, by type."""

    pools: tuple[str, ...] = ()
    fallback: str = ""
    records: tuple[tuple[str, str], ...] = ()


def open_cloudflare(dns: DnsFailover, environment: Mapping[str, str]) -> Cloudflare:
    """Raises CloudflareRefused where there is no token."""
    if not environment.get(dns.token_env):
        raise CloudflareRefused(f"{dns.token_env} is not set.", "Give the bot a token of Cloudflare's API in it.")
    return Cloudflare(dns.api_url, lambda: environment.get(dns.token_env, ""))


def observe_setup(cloudflare: Cloudflare, dns: DnsFailover) -> Setup:
    """Read everything that concerns the name."""
    hostname, backup = host_of(dns.primary), host_of(dns.backup)
    zone = cloudflare.find_zone(hostname)
    balancer = cloudflare.find_load_balancer(zone, hostname)
    found = cloudflare.list_records(zone, backup) if is_in(backup, zone) else []
    if balancer is None:
        records = cloudflare.list_records(zone, hostname)
        return Setup(hostname, zone, None, {"primary": None, "backup": None}, records, found)
    addresses = {backup, *(one.content for one in found)}
    known = cloudflare.list_pools(zone)
    return Setup(hostname, zone, balancer, _find_pools(known, balancer, dns, addresses), [], found, tuple(known))


def host_of(address: str) -> str:
    return urlsplit(address).hostname or ""


def is_in(hostname: str, zone: Zone) -> bool:
    return hostname == zone.name or hostname.endswith(f".{zone.name}")


def find_present(setup: Setup) -> Direction:
    """Where it leads now."""
    if setup.balancer:
        return Direction(setup.balancer.default_pools, setup.balancer.fallback_pool)
    return Direction(records=tuple(sorted((one.type, one.content) for one in setup.records)))


def list_before(present: Direction) -> list[tuple[str, str]]:
    """What has to be known for the way back: a pool that is not used any more is not seen to be the primary's."""
    return [("pool", present.pools[0])] if present.pools else list(present.records)


def find_wanted(setup: Setup, dns: DnsFailover, side: Side, kept: Mapping[str, str]) -> Direction:
    """Where it is to lead. Raises CloudflareRefused where that cannot be told, or would do nothing.

    `kept`: what was before a failover, as `list_before` had it.
    """
    if setup.balancer:
        before = next((one for one in setup.known_pools if one.id == kept.get("pool")), None)
        pools = {**setup.pools, "primary": before} if before else setup.pools
        return _find_pool_order(setup.balancer, pools, side)
    _refuse_several(setup)
    normal: dict[str, str] = dict(dns.primary_records.items())
    contents = _list_backup_contents(setup, dns) if side == "backup" else normal | dict(kept)
    missing = [one.type for one in setup.records if one.type not in contents]
    if missing:
        known = "of the backup" if side == "backup" else "of normal times (`infrastructure.dns.primary_records`)"
        raise CloudflareRefused(
            f"{setup.hostname} has a record {missing[0]}, and there is none {known}: some users would stay behind.",
            "Give both names records of the same types.",
        )
    return Direction(records=tuple(sorted((one.type, contents[one.type]) for one in setup.records)))


def point(cloudflare: Cloudflare, setup: Setup, wanted: Direction) -> None:
    """Let the name lead there; what does already is left alone."""
    if setup.balancer:
        cloudflare.point_load_balancer(setup.zone, setup.balancer, list(wanted.pools), wanted.fallback)
        return
    contents = dict(wanted.records)
    for record in setup.records:
        if record.content != contents[record.type]:
            cloudflare.point_record(setup.zone, record, contents[record.type])


def list_targets(setup: Setup, wanted: Direction) -> list[str]:
    """Addresses and names of what answers users then."""
    if not setup.balancer:
        return [content for _, content in wanted.records]
    first = next((pool for pool in setup.known_pools if pool.id == wanted.pools[0]), None)
    return list(first.addresses) if first else []


def describe(setup: Setup, direction: Direction) -> str:
    """In words."""
    if not setup.balancer:
        return ", ".join(f"{kind} {content}" for kind, content in direction.records) or "no record"
    names = {pool.id: pool.name for pool in setup.known_pools}
    order = ", then ".join(names.get(one, one) for one in direction.pools)
    return f"pool {order}; fallback {names.get(direction.fallback, direction.fallback)}"


def find_monitor(cloudflare: Cloudflare, setup: Setup) -> Monitor | None:
    """The one that looks after the primary's pool."""
    primary = setup.pools["primary"]
    return cloudflare.find_monitor(setup.zone, primary.monitor) if primary and primary.monitor else None


def list_wrong(dns: DnsFailover, setup: Setup, monitor: Monitor | None) -> dict[str, tuple[str, str]]:
    """What is not as the policy has it, by name: what is wanted and what was found. Needs a load balancer."""
    backup = setup.pools["backup"]
    wrong = {name: (str(wanted), str(found)) for name, wanted, found in _compare(dns, monitor) if wanted != found}
    if setup.balancer and backup and setup.balancer.fallback_pool != backup.id:
        wrong["fallback_pool"] = (backup.name, setup.balancer.fallback_pool)
    if setup.balancer and not setup.balancer.enabled:
        wrong["enabled"] = ("True", "False")
    return wrong


def list_changes(dns: DnsFailover, monitor: Monitor) -> dict[str, JsonValue]:
    """What of the monitor has to be changed, as Cloudflare names it."""
    return {name: wanted for name, wanted, found in _compare(dns, monitor) if wanted != found}


def _compare(dns: DnsFailover, monitor: Monitor | None) -> list[tuple[str, JsonValue, JsonValue]]:
    if monitor is None:
        return [("monitor", "one that looks at the primary's pool", "none")]
    path = urlsplit(dns.primary).path or "/"
    return [
        ("path", path, monitor.path),
        ("interval", round(dns.check_interval.total_seconds()), monitor.interval_s),
        ("consecutive_down", dns.failure_threshold, monitor.consecutive_down),
    ]


def _find_pools(
    pools: list[Pool], balancer: LoadBalancer, dns: DnsFailover, backup_addresses: set[str]
) -> dict[Side, Pool | None]:
    """By the policy's names; else the backup is known by its addresses, and the primary is the balancer's other one."""
    used = {*balancer.default_pools, balancer.fallback_pool}
    if dns.backup_pool:
        backup = next((one for one in pools if one.name == dns.backup_pool), None)
    else:
        backup = next((one for one in pools if backup_addresses & {*one.addresses}), None)
    others = [one for one in pools if one.id in used and one != backup]
    primary = next((one for one in pools if one.name == dns.primary_pool), None) if dns.primary_pool else None
    if not dns.primary_pool and len(others) == 1:
        primary = others[0]
    return {"primary": primary, "backup": backup}


def _find_pool_order(balancer: LoadBalancer, pools: Mapping[Side, Pool | None], side: Side) -> Direction:
    """To the backup alone, so that nobody is sent back to what is fenced; home with the backup behind, as before."""
    if balancer.overrides:
        raise CloudflareRefused(
            f"The load balancer of {balancer.name} has {', '.join(balancer.overrides)}, which come before its default "
            "pools: moving those would not move everybody.",
            "Move them in Cloudflare's dashboard.",
        )
    primary, backup = pools["primary"], pools["backup"]
    if backup is None or (side == "primary" and primary is None):
        which = "backup" if backup is None else "primary"
        raise CloudflareRefused(
            f"Which pool of {balancer.name} is the {which}'s is not known.",
            f"Name it in the policy: `infrastructure.dns.{which}_pool`.",
        )
    chosen = backup if side == "backup" else primary
    assert chosen is not None
    if not chosen.enabled:
        raise CloudflareRefused(f"Pool {chosen.name} is switched off.", "Switch it on in Cloudflare's dashboard.")
    if not balancer.enabled:
        raise CloudflareRefused(f"The load balancer of {balancer.name} is switched off.", "Switch it on first.")
    order = (backup.id,) if side == "backup" else (chosen.id, backup.id)
    return Direction(order, backup.id)


def _list_backup_contents(setup: Setup, dns: DnsFailover) -> dict[str, str]:
    """By type; a CNAME simply names the backup."""
    contents = {one.type: one.content for one in setup.backup_records if one.type != "CNAME"}
    return {**contents, "CNAME": host_of(dns.backup)}


def _refuse_several(setup: Setup) -> None:
    if not setup.records:
        raise CloudflareRefused(
            f"{setup.hostname} has neither a load balancer nor a record at Cloudflare.", "Check the policy's `dns`."
        )
    kinds = [[one.type for one in records] for records in (setup.records, setup.backup_records)]
    if any(len(one) != len(set(one)) for one in kinds):
        raise CloudflareRefused(
            "One of the names has several records of one type: which is to become which is not known.",
            "Move them in Cloudflare's dashboard, or put a load balancer before them.",
        )
