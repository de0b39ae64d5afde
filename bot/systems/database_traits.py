"""What belongs to a database and not to its content: a dump leaves it out, so it is carried over by hand."""

from __future__ import annotations

import re
from typing import TypeAlias

import psycopg
from psycopg import sql
from pydantic import BaseModel, ConfigDict

from bot.systems.databases import observe_database
from bot.systems.outcomes import SystemRefused
from bot.systems.postgres import Connection

Statement: TypeAlias = sql.SQL | sql.Composed


class Setting(BaseModel):
    """One `ALTER DATABASE … SET` or, with a role, one `ALTER ROLE … IN DATABASE … SET`."""

    model_config = ConfigDict(frozen=True)
    role: str | None
    name: str
    value: str


class Grant(BaseModel):
    """One privilege on the database itself; the grantee None is PUBLIC."""

    model_config = ConfigDict(frozen=True)
    grantee: str | None
    privilege: str
    grantable: bool


class DatabaseTraits(BaseModel):
    """Owner, limit, comment, settings and grants of one database. `grants` None means that nobody ever changed them."""

    model_config = ConfigDict(frozen=True)
    owner: str
    connection_limit: int
    comment: str | None
    settings: tuple[Setting, ...]
    grants: tuple[Grant, ...] | None

    @property
    def search_path(self) -> str | None:
        """The one set for the database, or for its owner in it; None where neither is."""
        found = {one.role: one.value for one in self.settings if one.name == "search_path"}
        return found.get(None, found.get(self.owner))


class TraitsRefused(SystemRefused):
    """The role may not set something that the database had. The message names it."""


def observe_traits(connection: Connection, database: str) -> DatabaseTraits:
    """Read a database's traits from anywhere on its server. Raises DatabaseMissing."""
    seen = observe_database(connection, database)
    settings = connection.execute(
        """
        SELECT r.rolname, entry FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) entry
        LEFT JOIN pg_roles r ON r.oid = s.setrole WHERE s.setdatabase = %s ORDER BY 1 NULLS FIRST, 2
        """,
        (seen.oid,),
    ).fetchall()
    grants = connection.execute(
        """
        SELECT CASE grantee WHEN 0 THEN NULL ELSE pg_get_userbyid(grantee) END, privilege_type, bool_or(is_grantable)
        FROM pg_database, aclexplode(datacl) WHERE oid = %s GROUP BY 1, 2 ORDER BY 1 NULLS FIRST, 2
        """,
        (seen.oid,),
    ).fetchall()
    untouched = connection.execute("SELECT datacl IS NULL FROM pg_database WHERE oid = %s", (seen.oid,)).fetchone()
    return DatabaseTraits(
        owner=seen.owner,
        connection_limit=seen.connection_limit,
        comment=seen.comment,
        settings=tuple(Setting(role=role, name=n, value=v) for role, e in settings for n, _, v in [e.partition("=")]),
        grants=None
        if untouched and untouched[0]
        else tuple(
            Grant(grantee=grantee, privilege=privilege, grantable=grantable) for grantee, privilege, grantable in grants
        ),
    )


def apply_traits(connection: Connection, database: str, traits: DatabaseTraits) -> None:
    """Give a database exactly these traits, in one transaction; a second call changes nothing.

    Needs the roles of the old and the new owner and CREATEDB. Settings of other roles and settings reserved for
    superusers need what PostgreSQL asks for them: raises TraitsRefused, and then nothing was changed.
    """
    have = observe_traits(connection, database)
    name = sql.Identifier(database)
    statements = [*_write_settings(name, have, traits), *_write_grants(name, have, traits)]
    if have.connection_limit != traits.connection_limit:
        limit = sql.Literal(traits.connection_limit)
        statements.append(sql.SQL("ALTER DATABASE {} CONNECTION LIMIT {}").format(name, limit))
    if have.comment != traits.comment:
        statements.append(sql.SQL("COMMENT ON DATABASE {} IS {}").format(name, sql.Literal(traits.comment)))
    if have.owner != traits.owner:
        statements.insert(0, sql.SQL("ALTER DATABASE {} OWNER TO {}").format(name, sql.Identifier(traits.owner)))
    with connection.transaction():
        for statement in statements:
            _execute(connection, statement)


def _execute(connection: Connection, statement: Statement) -> None:
    try:
        connection.execute(statement)
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedObject) as error:
        raise TraitsRefused(
            f"A trait of the database cannot be carried over: {statement.as_string(connection)}: {error}. "
            "Nothing was changed. Have a superuser grant the right to do it, or take the trait away first."
        ) from error


def _write_settings(name: sql.Identifier, have: DatabaseTraits, want: DatabaseTraits) -> list[Statement]:
    gone = [setting for setting in have.settings if setting not in want.settings]
    missing = [setting for setting in want.settings if setting not in have.settings]
    kept = {(setting.role, setting.name) for setting in want.settings}
    statements: list[Statement] = []
    for setting in gone:
        if (setting.role, setting.name) not in kept:
            reset = sql.SQL("{} RESET {}").format(_alter(name, setting.role), _name_setting(setting))
            statements += _act_as(setting.role, reset)
    for setting in missing:
        change = sql.SQL("{} SET {} TO {}")
        changed = change.format(_alter(name, setting.role), _name_setting(setting), _write_value(setting))
        statements += _act_as(setting.role, changed)
    return statements


def _act_as(role: str | None, statement: sql.Composed) -> list[Statement]:
    """A role's own settings are its own to change: whoever may be that role needs no other right."""
    if role is None:
        return [statement]
    return [sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(role)), statement, sql.SQL("RESET ROLE")]


def _alter(name: sql.Identifier, role: str | None) -> sql.Composed:
    if role is None:
        return sql.SQL("ALTER DATABASE {}").format(name)
    return sql.SQL("ALTER ROLE {} IN DATABASE {}").format(sql.Identifier(role), name)


def _name_setting(setting: Setting) -> sql.Identifier:
    return sql.Identifier(*setting.name.split("."))


# Lists of names are stored already quoted; one literal around the whole list would make it a single name.
LISTS_OF_NAMES = {
    "search_path",
    "temp_tablespaces",
    "local_preload_libraries",
    "session_preload_libraries",
    "shared_preload_libraries",
}
NAME = re.compile(r'"((?:[^"]|"")*)"|([^",\s]+)')


def _write_value(setting: Setting) -> sql.Composable:
    if setting.name.lower() not in LISTS_OF_NAMES:
        return sql.Literal(setting.value)
    names = [(quoted or bare).replace('""', '"') for quoted, bare in NAME.findall(setting.value)]
    return sql.SQL(", ").join(sql.Literal(name) for name in names) if names else sql.Literal("")


def _write_grants(name: sql.Identifier, have: DatabaseTraits, want: DatabaseTraits) -> list[Statement]:
    """Take everything from everybody who has something, then grant anew: the order of old grants does not matter."""
    if have.grants == want.grants and have.owner == want.owner:
        return []
    holders = {grant.grantee for grant in have.grants or ()} | {None, want.owner}
    revoke = sql.SQL("REVOKE ALL ON DATABASE {} FROM {}")
    statements: list[Statement] = [revoke.format(name, _name_grantee(holder)) for holder in sorted(holders, key=str)]
    for grant in want.grants if want.grants is not None else _default_grants(want.owner):
        option = sql.SQL(" WITH GRANT OPTION" if grant.grantable else "")
        privilege = sql.SQL(_check_privilege(grant.privilege))
        statements.append(
            sql.SQL("GRANT {} ON DATABASE {} TO {}{}").format(privilege, name, _name_grantee(grant.grantee), option)
        )
    return statements


def _default_grants(owner: str) -> list[Grant]:
    everyone = [Grant(grantee=None, privilege=privilege, grantable=False) for privilege in ("CONNECT", "TEMPORARY")]
    return everyone + [
        Grant(grantee=owner, privilege=privilege, grantable=False) for privilege in ("CREATE", "CONNECT", "TEMPORARY")
    ]


def _name_grantee(grantee: str | None) -> sql.Composable:
    return sql.SQL("PUBLIC") if grantee is None else sql.Identifier(grantee)


def _check_privilege(privilege: str) -> str:
    if privilege not in ("CREATE", "CONNECT", "TEMPORARY"):
        raise TraitsRefused(f"PostgreSQL knows no privilege {privilege!r} on a database.")
    return privilege
