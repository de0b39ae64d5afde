"""A database that an exchange has kept, without the restore that would have led to it."""

from __future__ import annotations

from psycopg import sql

from bot.sandbox.postgres_cluster import RECOVERY_ROLE
from bot.sandbox.stage import DATABASE
from bot.systems.database_swap import carry_over, swap
from bot.systems.kept_databases import name_kept
from tests.stage_fixtures import TEMPLATE, SharedStage

RUN = 900
KEPT = name_kept(DATABASE, RUN)
COMMENT = "Bags, bills and users"


def keep(shared: SharedStage) -> str:
    """Exchange the live database with a copy of the pristine one; the name of what was kept."""
    side = f"{DATABASE}_restore_run{RUN}"
    with shared.admin() as connection:
        connection.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(DATABASE), COMMENT))
        copy = sql.SQL("CREATE DATABASE {} OWNER traitortrack TEMPLATE {}")
        connection.execute(copy.format(sql.Identifier(side), sql.Identifier(TEMPLATE)))
    maintenance = shared.stage.cluster.url("postgres", role=RECOVERY_ROLE)
    carry_over(maintenance, live=DATABASE, side=side)
    swap(maintenance, live=DATABASE, side=side, kept=KEPT, marker=f"run{RUN}-test")
    return KEPT


def comment_on(shared: SharedStage, database: str) -> str | None:
    """What stands on a database."""
    query = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s"
    with shared.admin() as connection:
        row = connection.execute(query, (database,)).fetchone()
    return None if row is None or row[0] is None else str(row[0])
