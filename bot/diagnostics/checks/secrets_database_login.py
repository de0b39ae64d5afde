"""Would an application that starts now get into its database? The URL in its secret, tried against the real server.

The value is held in memory for the moment of the login, and shown nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from bot.diagnostics.check import NO_WAY_IN, Surroundings, open_reader
from bot.diagnostics.points import Point, PointCheck
from bot.diagnostics.refusals import explain_refusal
from bot.diagnostics.secret_traits import leads_here, list_former, suggest_version
from bot.store.documents import Suggestion
from bot.systems.aws import AwsRefused, AwsUnclear
from bot.systems.postgres import database_of
from bot.systems.role_password import logs_in
from bot.systems.secrets import Secret, Secrets, SecretUnusable, read_url

CONNECT_S = 5.0
NORMAL = "It logs in."
FORMER_TRIED = 2
"""A server that does not answer takes its time with each."""


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
        if named is None or not named.in_secrets_manager:
            yield Point("ok", f"{variable} is not kept in Secrets Manager.")
            return
        secrets = Secrets(policy.infrastructure.regions.primary)
        try:
            found = secrets.observe(named.name)
            if found.deleted_at is not None or found.current is None:
                yield Point("ok", f"{named.name} cannot be read now; see the inventory of secrets.")
                return
            points = list(_judge(surroundings, secrets, found))
        except SecretUnusable:
            yield Point("ok", f"{named.name} is not to be had here; see the inventory of secrets.")
            return
        back = _suggest_former(surroundings, secrets, found) if any(one.state != "ok" for one in points) else ()
        yield from (one if one.state == "ok" else replace(one, suggests=back) for one in points)


def _judge(surroundings: Surroundings, secrets: Secrets, secret: Secret) -> Iterator[Point]:
    """The URL that readers get. Raises SecretUnusable where the value cannot be had."""
    value = secrets.read(secret.name, str(secret.current))
    try:
        url = read_url(value, secret.name)
        conninfo_to_dict(url)
    except (SecretUnusable, ProgrammingError):  # whose text may hold the value
        words = f"Secret {secret.name} is not a PostgreSQL URL. An application that starts now finds no database."
        yield Point("critical", words, signs=("secret wrong",), normal="It is the database's URL.")
        return
    if leads_here(url) and not _is_at_home(surroundings):
        words = f"The URL in {secret.name} leads to {_place(url)}: on a server, that is the server itself."
        yield Point("critical", f"{words} An application that starts now finds no database.",
                    signs=("secret wrong",), normal="It leads to the database.")  # fmt: skip
        return
    yield _try(secret.name, url)
    yield from _compare(surroundings, secret.name, url)


def _is_at_home(surroundings: Surroundings) -> bool:
    """Whether the database is on the machine that asks for it: where the bot's own way leads there, or its hosts are
    this machine.
    """
    settings = surroundings.settings
    ours = [surroundings.environment.get(name) for name in (settings.connection_env, settings.recovery_env)]
    known = [leads_here(url) for url in ours if url]
    hosts = [one for one in surroundings.policy.hosts.values() if one.application == settings.application]
    return any(known) if known else all(one.reach == "local" for one in hosts)


def _suggest_former(surroundings: Surroundings, secrets: Secrets, secret: Secret) -> tuple[Suggestion, ...]:
    """The first version before that logs in. What cannot be had is no way back."""
    variable = surroundings.settings.connection_env
    for version in list_former(secret)[:FORMER_TRIED]:
        try:
            url = read_url(secrets.read(secret.name, version), secret.name)
            if (_is_at_home(surroundings) or not leads_here(url)) and logs_in(url):
                return (suggest_version(variable, version),)
        except (SecretUnusable, AwsRefused, AwsUnclear, ProgrammingError):
            continue
    return ()


def _try(name: str, url: str) -> Point:
    try:
        with open_reader(url, CONNECT_S) as connection:
            connection.execute("SELECT 1")
    except NO_WAY_IN as error:
        refusal = explain_refusal(error)
        words = f"The URL in {name} does not log in. {refusal.words}. An application that starts now finds no database."
        return Point("critical", words, signs=("secret wrong",), normal=NORMAL)
    return Point("ok", f"The URL in {name} logs in.", normal=NORMAL)


def _compare(surroundings: Surroundings, name: str, url: str) -> Iterator[Point]:
    """With the bot's own way there; without one, the database's name with that of the policy."""
    ours = surroundings.environment.get(surroundings.settings.connection_env)
    if ours and _place(ours) != _place(url):
        words = f"The URL in {name} leads to {_place(url)}, the one that the bot was given to {_place(ours)}."
        yield Point("warning", words, signs=("wrong address",), normal="Both lead to the same database.")
    elif not ours and database_of(url) != surroundings.database:
        words = f"The URL in {name} leads to {_place(url)}; the policy's database is {surroundings.database}."
        yield Point("warning", words, signs=("wrong address",), normal="It leads to the policy's database.")


def _place(url: str) -> str:
    parts = conninfo_to_dict(url)
    return f"{parts.get('host') or 'this machine'}:{parts.get('port') or 5432}/{database_of(url)}"


CHECK = SecretsDatabaseLogin()
