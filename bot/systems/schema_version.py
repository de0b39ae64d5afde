"""Which of the application's migrations a database has had, as Alembic (Flask-Migrate) writes it down."""

from __future__ import annotations

import psycopg

from bot.systems.outcomes import SystemRefused
from bot.systems.postgres import connect

LOOK_S = 10


def read_schema_versions(url: str) -> list[str] | None:
    """Alembic's revisions of the database; None where it keeps none.

    Raises DatabaseMissing, DatabaseUnreachable, or SystemRefused where the table cannot be read.
    """
    with connect(url, purpose="schema version", connect_timeout_s=5, statement_timeout_s=LOOK_S) as connection:
        try:
            rows = connection.execute("SELECT version_num FROM alembic_version ORDER BY 1").fetchall()
        except psycopg.errors.UndefinedTable:
            return None
        except psycopg.Error as error:
            raise SystemRefused(f"alembic_version cannot be read: {error.diag.message_primary or error}.") from error
    return [str(row[0]) for row in rows]
