"""May the application's role still do what it did? Privileges, owners and roles, against the newest backup."""

from __future__ import annotations

from collections.abc import Iterator

from psycopg.conninfo import conninfo_to_dict

from bot.diagnostics.check import Surroundings
from bot.diagnostics.outline_changes import compare_with_backup
from bot.diagnostics.points import DatabasePointCheck, Point
from bot.systems.outlines import Change
from bot.systems.postgres import Connection
from bot.words import show_count

NEEDED = ("SELECT", "INSERT", "UPDATE", "DELETE")
ROLE_MAY = """
    SELECT format('%%I', c.relname), need.privilege
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN unnest(%(needed)s::text[]) AS need (privilege)
    WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND n.nspname !~ '^pg_'
      AND n.nspname <> 'information_schema'
      AND NOT (has_table_privilege(%(role)s::name, c.oid, need.privilege)
               AND has_schema_privilege(%(role)s::name, n.oid, 'USAGE'))
    ORDER BY 1, 2 LIMIT 400
"""
LIMITS = ("at most", "until")
"""How what a role gained begins, where it may do less with it."""
ROLE_IS = "SELECT rolcanlogin, rolvaliduntil < now() FROM pg_roles WHERE rolname = %(role)s"


class DatabasePermissions(DatabasePointCheck):
    name = "database_permissions"
    title = "Rights in the database"
    permissions = ("s3:ListBucket", "s3:GetObject")
    timeout_s = 20.0

    def look(self, surroundings: Surroundings) -> Iterator[Point]:
        url = surroundings.environment.get(surroundings.settings.connection_env, "")
        role = str(conninfo_to_dict(url).get("user") or "") if url else ""
        compared = compare_with_backup(surroundings, self.timeout_s / 2)
        with surroundings.connect(self.timeout_s / 2) as connection:
            yield from _judge_role(connection, role)
            lacking = _list_lacking(connection, role)
        changes = [one for one in compared.changes if _is_less(one)]
        for change in changes:
            yield _judge_change(change, role, compared.since)
        if lacking and not compared.known:
            told = ", ".join(f"{name}: {' '.join(missing)}" for name, missing in list(lacking.items())[:6])
            yield Point("warning", f"{role} may not do everything with {show_count(len(lacking), 'table')} ({told}). "
                                   "That may be meant: there is no backup to compare with.")  # fmt: skip
        if not changes:
            yield Point("ok", f"Nobody may do less than before ({compared.since})", normal=compared.since)


def _judge_role(connection: Connection, role: str) -> Iterator[Point]:
    row = connection.execute(ROLE_IS, {"role": role}).fetchone() if role else None
    if role and row is None:
        yield Point("critical", f"The application's role {role} does not exist.", signs=("role locked out",))
    elif row and (not row[0] or row[1]):
        why = "its password ran out" if row[0] else "NOLOGIN"
        yield Point("critical", f"The application's role {role} may not log in ({why}).", signs=("role locked out",))


def _list_lacking(connection: Connection, role: str) -> dict[str, list[str]]:
    known = role and connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (role,)).fetchone() is not None
    found: dict[str, list[str]] = {}
    if known:
        for table, privilege in connection.execute(ROLE_MAY, {"role": role, "needed": list(NEEDED)}).fetchall():
            found.setdefault(table, []).append(privilege)
    return found


def _is_less(change: Change) -> bool:
    """Privileges that somebody lost, tables with another owner, roles that are gone or another."""
    was, now = change.was, change.now
    if was is None:
        return False
    if was.kind == "privilege":
        return bool(_lost(change))
    if was.kind == "role":
        return now is None or bool(_lost(change)) or any(one.startswith(LIMITS) for one in _gained(change))
    return was.kind == "table" and now is not None and _owner(was.definition) != _owner(now.definition)


def _judge_change(change: Change, role: str, since: str) -> Point:
    was, now = change.was, change.now
    assert was is not None  # only what was there can be less now
    ours = role in (was.part, was.of) or was.part == "everybody"
    if was.kind == "privilege":
        words = f"{was.part} may no longer {', '.join(_lost(change))} on {was.of}."
    elif was.kind == "role":
        words = f"The role {was.of} was: {was.definition or 'plain'}; "
        words += f"is: {now.definition or 'plain'}." if now else "it is gone."
    else:
        words = f"{was.of} was {_owner(was.definition)}, is {_owner(now.definition) if now else 'nobody'}."
    return Point("critical" if ours else "warning", words, signs=("rights gone",) if ours else (), normal=since)


def _lost(change: Change) -> list[str]:
    had = change.was.definition.split(", ") if change.was else []
    has = change.now.definition.split(", ") if change.now else []
    return [one for one in had if one not in has]


def _gained(change: Change) -> list[str]:
    had = change.was.definition.split(", ") if change.was else []
    has = change.now.definition.split(", ") if change.now else []
    return [one for one in has if one not in had]


def _owner(definition: str) -> str:
    return definition.partition(",")[0]


CHECK = DatabasePermissions()
