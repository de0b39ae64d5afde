"""How the stage's parts are doing, each in one line; measured from outside, as their users would."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, TypedDict

import psycopg
import requests
from botocore.exceptions import BotoCoreError, ClientError

from bot.sandbox.children import Child, get_local
from bot.sandbox.cloud import BUCKET, Cloud
from bot.sandbox.fleet import Application

State = Literal["ok", "warning", "down"]
TIMEOUT_S = 2.0
QUIET_AFTER = timedelta(seconds=15)
DATABASES = """
SELECT datname, pg_size_pretty(pg_database_size(datname)), current_setting('server_version'),
       (SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock')
FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres' ORDER BY datname
"""


@dataclass(frozen=True)
class Light:
    """One part's state, for people."""

    name: str
    state: State
    detail: str


class LastBag(TypedDict):
    """The newest bag, as the warehouse tells it."""

    created_at: str


class Stats(TypedDict):
    """What the warehouse answers to /api/stats."""

    total_bags: int
    total_bills: int
    last_bag: LastBag | None


def warehouse_light(application: Application, url: str, *, expected_bags: int, writes: bool) -> Light:
    """Ask the application as a user would. `expected_bags`: how many were there at the beginning."""
    name = "Warehouse"
    if not application.running:
        return Light(name, "down", "the application does not run")
    try:
        health = get_local(f"{url}/health", TIMEOUT_S)
        if not health.ok:
            is_its_own = health.headers.get("Content-Type", "").startswith("application/json")  # not the balancer's
            words = health.json().get("reason", "unhealthy") if is_its_own else f"it answers {health.status_code}"
            return Light(name, "down", words)
        answer = get_local(f"{url}/api/stats", TIMEOUT_S)
        answer.raise_for_status()
        return _judge(name, answer.json(), expected_bags, writes=writes)
    except requests.RequestException as error:
        return Light(name, "down", f"no proper answer: {type(error).__name__}")


def _judge(name: str, stats: Stats, expected_bags: int, *, writes: bool) -> Light:
    count = f"{stats['total_bags']:,} bags"
    if stats["total_bags"] < expected_bags:
        return Light(name, "warning", f"{count}; there were {expected_bags:,}")
    last = stats["last_bag"]
    quiet = last is None or datetime.now(UTC) - datetime.fromisoformat(last["created_at"]) > QUIET_AFTER
    if writes and quiet:
        return Light(name, "warning", f"{count}; no new one for {QUIET_AFTER.seconds} seconds")
    return Light(name, "ok", f"{count}, {stats['total_bills']:,} bills")


def database_light(admin_url: str, database: str) -> Light:
    """Ask the server for its databases and for sessions that wait for a lock."""
    name = "Database"
    try:
        with psycopg.connect(admin_url, connect_timeout=2) as connection:
            rows = connection.execute(DATABASES).fetchall()
    except psycopg.OperationalError:
        return Light(name, "down", "PostgreSQL does not answer")
    sizes = {row[0]: row[1] for row in rows}
    if database not in sizes:
        return Light(name, "down", f"there is no database {database}")
    version, waiting = rows[0][2].split()[0], rows[0][3]
    others = "".join(f", {other} {size}" for other, size in sizes.items() if other != database)
    if waiting:
        return Light(name, "warning", f"{waiting} {'session waits' if waiting == 1 else 'sessions wait'} for a lock")
    return Light(name, "ok", f"PostgreSQL {version}, {database} {sizes[database]}{others}")


def storage_light(cloud: Cloud) -> Light:
    """Ask S3 what is in the bucket; a page of a thousand objects is enough to know."""
    name = "Backup storage"
    try:
        objects = cloud.s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])
    except (BotoCoreError, ClientError) as error:
        return Light(name, "down", f"S3 does not answer: {type(error).__name__}")
    size_mb = sum(entry["Size"] for entry in objects) / 1e6
    return Light(name, "ok", f"{BUCKET}: {len(objects)} objects, {size_mb:,.1f} MB")


def bot_light(bot: Child) -> Light:
    """Whether the bot's process runs, and how often it had to be started again."""
    restarts = bot.starts - 1
    again = f"; started again {'once' if restarts == 1 else f'{restarts} times'}" if restarts > 0 else ""
    return Light("Bot", "ok", f"running{again}") if bot.running else Light("Bot", "down", f"not running{again}")
