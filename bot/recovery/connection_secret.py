"""The secret that an application finds its database by: where it leads, where it is to lead, what that would lose.

Both values stay inside the process; what is stored and shown of them is host, port, database and a fingerprint.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr

from bot.outcome import Failed, Refused
from bot.policy import Application, Database
from bot.recovery.action import World
from bot.recovery.backups import settings_of
from bot.recovery.instances import RegionChoice, name_region, refuse_unready
from bot.recovery.loss import find_newer
from bot.store.documents import Loss
from bot.systems.doors import Door
from bot.systems.postgres import connect, database_of
from bot.systems.rds import Rds
from bot.systems.rds_database import count_clients, count_rows, is_in_recovery
from bot.systems.secrets import PENDING, Secret, Secrets, move_secret_url, read_url

COUNT_TIMEOUT_S = 60


@dataclass(frozen=True)
class Connection:
    """The secret of a database's application, and what it leads to now."""

    secrets: Secrets
    secret: Secret
    settings: Database
    application: Application
    value: SecretStr

    @property
    def url(self) -> str:
        """With the application's role and password."""
        return read_url(self.value, self.secret.name)


def find_connection(
    world: World, database: str, region: RegionChoice = "primary", application: str | None = None
) -> Connection:
    """In a region, for the database's own application or another one. Raises `Refused` where it cannot be switched."""
    settings = settings_of(world, database)
    entry = world.policy.secrets.get(settings.connection_env)
    if entry is None:
        raise Refused(
            f"The policy's `secrets` has no {settings.connection_env}, so its secret is not known.", "Add it there."
        )
    key = application or settings.application
    if key not in world.policy.applications:
        raise Refused(
            f"{key!r} is not an application of the policy.", f"Known: {', '.join(world.policy.applications)}."
        )
    secrets = Secrets(name_region(world, region))
    secret = secrets.observe(entry.name)
    refuse_unusable(secret)
    value = secrets.read(secret.name, str(secret.current))
    return Connection(secrets, secret, settings, world.policy.applications[key], value)


def find_after(world: World, present: Connection, instance: str | None, version: str | None) -> SecretStr:
    """The value that the application is to get: the present one at an instance's address, or an earlier version."""
    if version is not None:
        return present.secrets.read(present.secret.name, version)
    found = Rds(present.secrets.region).observe(str(instance))
    refuse_unready(found)
    if found.source is not None:
        raise Refused(
            f"{found.identifier} is a read replica of {found.source} and takes no writes.",
            "`/dr plan rds_promote_replica` makes it an instance of its own.",
        )
    if found.address is None:
        raise Refused(f"{found.identifier} has no endpoint yet.", "Ask again in a minute.")
    return move_secret_url(present.value, present.secret.name, *found.address)


def refuse_unusable(secret: Secret) -> None:
    """A secret that is being deleted or rotated is nobody's to switch."""
    if secret.deleted_at is not None:
        raise Refused(
            f"Secret {secret.name} is scheduled for deletion.",
            f"`aws secretsmanager restore-secret --secret-id {secret.name}` brings it back; then ask again.",
        )
    if secret.current is None:
        raise Refused(f"Secret {secret.name} has no current version.", "Put its value first.")
    if secret.rotates and secret.find_version(PENDING) not in (None, secret.current):
        raise Refused(f"Secret {secret.name} is being rotated.", "Ask again when the rotation is over.")


def refuse_useless(old_url: str, new_url: str, door: Door | None = None) -> None:
    """The new database must be another one, and one that the application can log in and write to.

    Behind a shut `door` nobody can log in, so that it takes writes is seen from outside.
    """
    place = describe_place(new_url)
    if place == describe_place(old_url):
        raise Refused(f"The secret leads to {place} already.", "Restart the application if it does not use it.")
    if door and door.in_recovery:
        refuse_replica(place)
    if door and not door.open:
        return
    with connect(new_url, purpose="check", connect_timeout_s=5, statement_timeout_s=10) as connection:
        if is_in_recovery(connection):
            refuse_replica(place)


def refuse_replica(place: str) -> NoReturn:
    raise Refused(f"{place} is a replica and takes no writes.", "Promote it first.")


def describe_place(url: str) -> str:
    """Host, port and database; neither role nor password."""
    parts = conninfo_to_dict(url)
    return f"{parts.get('host', '?')}:{parts.get('port', 5432)}/{database_of(url)}"


def count_application(url: str) -> int | None:
    """Sessions of others than the bot on the database; None where it cannot be asked."""
    try:
        with connect(url, purpose="look for clients", connect_timeout_s=5, statement_timeout_s=10) as connection:
            return count_clients(connection)
    except (Refused, Failed):
        return None


def predict_loss(settings: Database, old_url: str, new_url: str) -> Loss:
    """What the present database has and the new one has not, by the policy's tables; the present one keeps it."""
    tables = settings.loss_tables
    try:
        with connect(new_url, purpose="loss", statement_timeout_s=COUNT_TIMEOUT_S) as connection:
            there = count_rows(connection, tables)
        if there is None or there.newest is None:
            return Loss(
                seconds=None, rows=None, words="unknown: the new database has none of the rows that are counted"
            )
        with connect(old_url, purpose="loss", connect_timeout_s=5, statement_timeout_s=COUNT_TIMEOUT_S) as connection:
            newer = find_newer(connection, tables, there.newest)
    except (Refused, Failed) as error:
        return Loss(seconds=None, rows=None, words=f"unknown: the rows cannot be counted ({error.reason})")
    if newer.rows is None:
        return Loss(seconds=None, rows=None, words="unknown: the present database has not all tables that are counted")
    seconds = (newer.last - there.newest).total_seconds() if newer.last else 0.0
    words = f"{newer.rows:,} rows that are only in the present database, which keeps them"
    return Loss(seconds=seconds, rows=newer.rows, words=words)
