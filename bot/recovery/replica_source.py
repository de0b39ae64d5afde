"""The source that a replica follows: how far the replica is behind it, and whether it still answers."""

from __future__ import annotations

from bot.outcome import Failed, Refused
from bot.policy import Database
from bot.recovery.action import World
from bot.recovery.instances import (
    RegionChoice,
    database_behind,
    instance_url,
    open_region,
)
from bot.systems.cloudwatch import read_replica_lag
from bot.systems.postgres import connect
from bot.systems.rds import Instance, Rds
from bot.systems.rds_database import count_rows
from bot.words import show_duration


def find_lag(world: World, rds: Rds, replica: Instance, *, any_lag: bool) -> float | None:
    """Seconds; None where they are unknown and that is accepted. Raises `Refused` where it is not, or too long."""
    limit = world.policy.infrastructure.rds.replica_lag_at_most
    lag_s = read_replica_lag(rds.region, replica.identifier, world.now())
    if any_lag:
        return lag_s
    if lag_s is None:
        raise Refused(
            f"How far {replica.identifier} is behind is not known: replication does not run, or CloudWatch says "
            "nothing.",
            "Look at its replication; to accept an unknown loss, ask again with `any_lag=true`.",
        )
    if lag_s > limit.total_seconds():
        raise Refused(
            f"{replica.identifier} is {show_duration(lag_s)} behind; the policy allows {show_duration(limit)}.",
            "Wait until it has caught up, restore with `/dr plan rds_restore_to_time`, or accept it: `any_lag=true`.",
        )
    return lag_s


def find_source(world: World, rds: Rds, source: str) -> Instance | None:
    """The instance that it follows: in the region of its ARN, which may be gone; then None."""
    region = source.split(":")[3] if source.startswith("arn:") else rds.region
    try:
        return Rds(region, brief=True).find(source.rpartition(":")[2])
    except Failed:
        return None


def count_behind(world: World, instance: str, region: RegionChoice, source: str) -> int | None:
    """Rows that the source has and the replica has not yet; None where either cannot be asked."""
    settings, rds = database_behind(world)[1], open_region(world, region)
    behind = _count(world, settings, rds.find(instance))
    ahead = _count(world, settings, find_source(world, rds, source))
    return max(0, ahead - behind) if ahead is not None and behind is not None else None


def is_silent(world: World, source: Instance) -> bool:
    """Whether it takes no connection, or will not before long."""
    return source.status in ("stopped", "deleting") or not _answers(world, source)


def describe_source(world: World, source: Instance | None) -> str:
    """How it is, and whether it has yet to be fenced; `source` is None where it cannot be seen."""
    if source is None:
        return "not to be seen from here: fence it as soon as it can be reached"
    takes = "and takes connections: fence it" if not is_silent(world, source) else "and takes no connection"
    return f"{source.status}, {takes}"


def _count(world: World, settings: Database, instance: Instance | None) -> int | None:
    if instance is None:
        return None
    try:
        url = instance_url(world, instance)
        with connect(url, purpose="loss", connect_timeout_s=5, statement_timeout_s=30) as connection:
            rows = count_rows(connection, settings.loss_tables)
    except (Refused, Failed):
        return None
    return rows.count if rows else None


def _answers(world: World, source: Instance) -> bool:
    try:
        with connect(instance_url(world, source), purpose="is it fenced", connect_timeout_s=5):
            return True
    except (Refused, Failed):
        return False
