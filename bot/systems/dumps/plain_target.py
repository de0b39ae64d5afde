"""Whether a server can take a plain dump: seen before anything is made."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from bot.systems.databases import list_available_extensions, list_roles, measure_free_space, observe_server
from bot.systems.dumps.plain_facts import PlainDump
from bot.systems.dumps.restore import SPACE_PER_DUMP_BYTE, TargetUnfit
from bot.systems.postgres import Connection

TRUSTED_EXTENSIONS = "SELECT name FROM pg_available_extension_versions GROUP BY name HAVING bool_or(trusted)"
# More than any dump should be loaded with: these roles reach beyond the databases of a server.
POWERFUL = """
    SELECT rolsuper OR pg_has_role(oid, 'pg_execute_server_program', 'member')
        OR pg_has_role(oid, 'pg_write_server_files', 'member')
    FROM pg_roles WHERE rolname = current_user
"""


def check_server(connection: Connection, dump: PlainDump, *, allowed: Collection[str]) -> None:
    """Roles, extensions, version and space, where that can be known. Raises TargetUnfit naming what is missing.

    `allowed` are the extensions that may be created although PostgreSQL does not call them trusted, which means that
    they may reach outside of a database (PostgreSQL: Packaging Related Objects into an Extension, `trusted`).
    """
    reasons = [*_find_missing(connection, dump, allowed), *_find_lack_of_space(connection, dump)]
    server = observe_server(connection)
    if server.major < dump.server_major:
        reasons.append(f"its server is PostgreSQL {server.major}, the dump's was {dump.server_major}")
    if reasons:
        raise TargetUnfit(f"The server cannot take this dump: {'; '.join(reasons)}. Nothing was changed.")


def is_powerful(connection: Connection) -> bool:
    """Whether the role may run programs or write files on the server, so that functions in a dump might as well."""
    row = connection.execute(POWERFUL).fetchone()
    return row is not None and bool(row[0])


def _find_missing(connection: Connection, dump: PlainDump, allowed: Collection[str]) -> Iterator[str]:
    roles = sorted(set(dump.roles) - list_roles(connection))
    if roles:
        yield f"roles are missing on its server: {', '.join(roles)}"
    extensions = sorted(set(dump.extensions) - list_available_extensions(connection))
    if extensions:
        yield f"extensions are not installed on its server: {', '.join(extensions)}"
    trusted = {str(row[0]) for row in connection.execute(TRUSTED_EXTENSIONS).fetchall()}
    doubtful = sorted(set(dump.extensions) - trusted - set(allowed) - set(extensions))
    if doubtful:
        yield (
            f"it creates extensions that may reach outside of the database: {', '.join(doubtful)}; "
            "the policy allows such ones by name (`plain_dumps.untrusted_extensions`)"
        )


def _find_lack_of_space(connection: Connection, dump: PlainDump) -> Iterator[str]:
    needed_bytes = round(dump.script_bytes * SPACE_PER_DUMP_BYTE)
    space = measure_free_space(connection)
    if space.free_bytes is not None and space.free_bytes < needed_bytes:
        yield f"about {needed_bytes:,} bytes are needed and {space.free_bytes:,} are free on its server"
