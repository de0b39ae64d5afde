"""Functions that name things without their schema, which work where the application calls them and not in a restore.

pg_dump's scripts and pg_restore work with an empty search_path. A CHECK, an index, a generated column or a materialised
view whose function names a table without its schema then ends the restore. So for as long as it lasts such functions
are given the search_path of the database.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from bot.systems.outcomes import SystemFailed
from bot.systems.postgres import LIFT_TIME_LIMITS, Connection, connect
from bot.systems.row_values import explain

DEFAULT_PATH = '"$user", public'
LIST_FUNCTIONS = """
    SELECT format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)), p.prosrc
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
    WHERE p.oid >= 16384 AND l.lanname IN ('sql', 'plpgsql') AND p.prokind = 'f'
      AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
      AND NOT EXISTS (SELECT FROM unnest(p.proconfig) AS given (setting) WHERE setting LIKE 'search_path=%')
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid
                                              AND d.deptype = 'e')
"""
LIST_NAMES = """
    SELECT lower(relname) FROM pg_class WHERE oid >= 16384 AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    UNION SELECT lower(proname) FROM pg_proc WHERE oid >= 16384
    UNION SELECT lower(typname) FROM pg_type WHERE oid >= 16384
"""
WORD = re.compile(r"\w+")


class FunctionsRefused(SystemFailed):
    """The server did not let us give functions a search_path."""


@contextmanager
def functions_at_home(url: str, search_path: str | None) -> Iterator[None]:
    """Within, functions that name something of the database find it: by the `search_path` that it has, or the default,
    and then in any schema, as roles may have paths of their own.

    Afterwards they are as they were; not so after an error, when nobody wants the database any more.
    Raises FunctionsRefused.
    """
    with connect(url, purpose="restore functions") as connection:
        connection.execute(LIFT_TIME_LIMITS)
        functions = _list_unsure(connection)
        path = ", ".join([search_path or DEFAULT_PATH, *_list_schemas(connection)])
        _alter(connection, functions, "SET search_path FROM CURRENT", path)
    yield
    with connect(url, purpose="restore functions") as connection:
        connection.execute(LIFT_TIME_LIMITS)
        _alter(connection, functions, "RESET search_path", "")


def _list_unsure(connection: Connection) -> list[str]:
    """As SQL writes them, those whose text has the name of something in the database."""
    connection.execute("SELECT set_config('search_path', '', false)")
    names = {name for (name,) in connection.execute(LIST_NAMES).fetchall()}
    return [
        function
        for function, text in connection.execute(LIST_FUNCTIONS).fetchall()
        if not names.isdisjoint(WORD.findall(text.lower()))
    ]


def _list_schemas(connection: Connection) -> list[str]:
    """As SQL writes them."""
    query = "SELECT format('%I', nspname) FROM pg_namespace WHERE oid >= 16384 AND nspname !~ '^pg_' ORDER BY 1"
    return [str(name) for (name,) in connection.execute(query).fetchall()]


def _alter(connection: Connection, functions: list[str], change: str, search_path: str) -> None:
    statements = "".join(f"ALTER FUNCTION {function} {change};" for function in functions)
    try:
        with connection.transaction():
            connection.execute("SELECT set_config('search_path', %s, true)", (search_path,))
            connection.execute(statements.encode())
    except psycopg.Error as error:
        raise FunctionsRefused(f"The functions cannot be made to find what they name: {explain(error)}.") from error
