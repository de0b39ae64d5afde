"""Would an application that starts now get into its database? The URL in its secret, tried against the real server.

The value is held in memory for the moment of the login, and shown nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator

from psycopg.conninfo import conninfo_to_dict

from bot.diagnostics.check import NO_WAY_IN, Surroundings, open_reader
from bot.diagnostics.points import Point, PointCheck
from bot.diagnostics.refusals import explain_refusal
from bot.systems.postgres import database_of
from bot.systems.secrets import Secrets, SecretUnusable, read_url

STORAGE = "secrets manager"
CONNECT_S = 5.0


class SecretsDatabaseLogin(PointCheck):
    name = "secrets_database_login"
    title = "Login with the secret's URL"
    scope = "secrets"
    permissions = ("secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue")
    once = False
    timeout_s = 30.0

    def look(self, surroundings: Surroundings) -> Iterator[Point]:
        policy, variable = surroundings.policy, surroundings.settings.connection_env
        named = policy.secrets.get(variable)
        if named is None or STORAGE not in named.storage.lower():
            yield Point("ok", f"{variable} is not kept in Secrets Manager.")
            return
        secrets = Secrets(policy.infrastructure.regions.primary)
        try:
            found = secrets.observe(named.name)
            if found.deleted_at is not None or found.current is None:
                yield Point("ok", f"{named.name} cannot be read now; see the inventory of secrets.")
                return
            url = read_url(secrets.read(named.name, found.current), named.name)
        except SecretUnusable as error:
            yield _explain_unusable(named.name, error)
            return
        yield _try(named.name, url)
        yield from _compare(surroundings, named.name, url)


def _explain_unusable(name: str, error: SecretUnusable) -> Point:
    """One that is not there is the inventory's; one that holds something else than a URL is ours."""
    if "not a PostgreSQL URL" in error.reason:
        return Point("critical", f"{error.reason} An application that starts now finds no database.",
                     signs=("secret wrong",), normal="It is the database's URL.")  # fmt: skip
    return Point("ok", f"{name} is not to be had here; see the inventory of secrets.")


def _try(name: str, url: str) -> Point:
    try:
        with open_reader(url, CONNECT_S) as connection:
            connection.execute("SELECT 1")
    except NO_WAY_IN as error:
        refusal = explain_refusal(error)
        words = f"The URL in {name} does not log in. {refusal.words}. An application that starts now finds no database."
        return Point("critical", words, signs=("secret wrong",), normal="It logs in.")
    return Point("ok", f"The URL in {name} logs in.", normal="It logs in.")


def _compare(surroundings: Surroundings, name: str, url: str) -> Iterator[Point]:
    ours = surroundings.environment.get(surroundings.settings.connection_env)
    if ours and (_place(ours) != _place(url)):
        words = f"The URL in {name} leads to {_place(url)}, the one that the bot was given to {_place(ours)}."
        yield Point("warning", words, signs=("wrong address",), normal="Both lead to the same database.")


def _place(url: str) -> str:
    parts = conninfo_to_dict(url)
    return f"{parts.get('host') or 'this machine'}:{parts.get('port') or 5432}/{database_of(url)}"


CHECK = SecretsDatabaseLogin()
