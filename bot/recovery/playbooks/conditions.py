"""Conditions of playbook steps: each looks at the world when the step's turn comes; the policy names them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.diagnostics.checks.database_rows import SHRUNK_TOLD
from bot.outcome import Failed
from bot.policy import ConditionName
from bot.recovery.backups import find_backup, maintenance_url, recovery_url, settings_of
from bot.recovery.failed_servers import list_failed
from bot.recovery.instances import open_region, open_second_rds
from bot.recovery.playbooks.references import Occasion, find_backup_before
from bot.systems.databases import find_database
from bot.systems.fingerprints import count_rows
from bot.systems.postgres import connect
from bot.systems.queries import list_queries, why_spared
from bot.words import show_duration


@dataclass(frozen=True)
class Answer:
    """Whether it is so, and what was seen."""

    met: bool
    words: str


def ask_condition(name: ConditionName, occasion: Occasion) -> Answer:
    """Look now. Raises `Refused` or `Failed` where it cannot be told: nobody guesses what the world is like."""
    return CONDITIONS[name](occasion)


def _always(_occasion: Occasion) -> Answer:
    return Answer(True, "")


def _is_present(occasion: Occasion) -> Answer:
    there = _exists(occasion)
    return Answer(there, f"{occasion.database} is there" if there else f"there is no database {occasion.database}")


def _is_missing(occasion: Occasion) -> Answer:
    there = _exists(occasion)
    return Answer(not there, f"{occasion.database} is there" if there else f"there is no database {occasion.database}")


def _has_lost_rows(occasion: Occasion) -> Answer:
    """Against the backup from before the trouble: the newest may be one that the playbook took of the damage."""
    world, database = occasion.world, occasion.database
    if not _exists(occasion):
        return Answer(True, f"there is no database {database}")
    manifest = find_backup(world, database, find_backup_before(occasion))
    url, before = recovery_url(world.environment, database, settings_of(world, database)), manifest.fingerprint
    found = count_rows(url, trees=before.trees, statement_timeout_s=10)
    shrunk = [
        f"{name}: {rows:,} in {manifest.key}, {found.get(name, 0):,} now"
        for name, rows in before.counts.items()
        if name not in found or found[name] < rows * (1 - SHRUNK_TOLD)
    ]
    return Answer(bool(shrunk), "; ".join(shrunk) or f"no table has shrunk since {manifest.key}")


def _has_long_queries(occasion: Occasion) -> Answer:
    """Those that `end_queries` would end: older than the policy's limit, and not protected."""
    settings = settings_of(occasion.world, occasion.database)
    with connect(_maintenance(occasion), purpose="condition") as connection:
        queries = [one for one in list_queries(connection) if one.database == occasion.database]
    limit_s = settings.terminate_query_after.total_seconds()
    old = [one for one in queries if one.seconds > limit_s and not why_spared(one, settings.protected_sessions)]
    return Answer(bool(old), f"{len(old) or 'none'} of {len(queries)} queries over {show_duration(limit_s)}")


def _has_failed_server(occasion: Occasion) -> Answer:
    failed = list_failed(occasion.world)
    return Answer(bool(failed), "; ".join(words for _, words in failed) or "every server is healthy or coming up")


def _has_second_replica(occasion: Occasion) -> Answer:
    return _look_for_replica(occasion, wanted=True)


def _has_no_second_replica(occasion: Occasion) -> Answer:
    return _look_for_replica(occasion, wanted=False)


def _look_for_replica(occasion: Occasion, *, wanted: bool) -> Answer:
    """One that was promoted already counts: what the playbook has just done makes no other way of it."""
    name = occasion.world.policy.infrastructure.rds.read_replica
    rds = open_second_rds(occasion.world)
    there = rds.find(name) is not None
    return Answer(there == wanted, f"{name} is {'' if there else 'not '}in {rds.region}")


def _primary_answers(occasion: Occasion) -> Answer:
    """Asked briefly: its silence is what a region outage is about."""
    rds, name = open_region(occasion.world, "primary", brief=True), occasion.world.policy.infrastructure.rds.instance
    try:
        found = rds.find(name)
    except Failed as away:
        return Answer(False, f"{rds.region} does not answer: {away.reason}")
    return Answer(found is not None, f"{rds.region} answers; {name} is {found.status if found else 'not there'}")


def _exists(occasion: Occasion) -> bool:
    with connect(_maintenance(occasion), purpose="condition") as connection:
        return find_database(connection, occasion.database) is not None


def _maintenance(occasion: Occasion) -> str:
    settings = settings_of(occasion.world, occasion.database)
    return maintenance_url(occasion.world.environment, occasion.database, settings)


CONDITIONS: dict[ConditionName, Callable[[Occasion], Answer]] = {
    "always": _always,
    "database_present": _is_present,
    "database_missing": _is_missing,
    "rows_lost": _has_lost_rows,
    "long_queries": _has_long_queries,
    "server_failed": _has_failed_server,
    "second_region_replica": _has_second_replica,
    "no_second_region_replica": _has_no_second_replica,
    "primary_region_answers": _primary_answers,
}
