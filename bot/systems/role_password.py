"""A role's own password: set without the server ever seeing it, and proven by logging in.

The server is given a SCRAM verifier that is computed here (by libpq's PQencryptPasswordConn), so that neither its log
nor its statistics hold the password. A role may change its own password without any other right.
"""

from __future__ import annotations

from datetime import UTC, datetime
from secrets import token_urlsafe
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr

from bot.systems.outcomes import SystemFailed, SystemRefused
from bot.systems.postgres import DatabaseUnreachable, connect
from bot.systems.secrets import SecretUnusable, read_url

ALGORITHM = b"scram-sha-256"
LOGIN_S = 5
STATEMENT_S = 20.0


def role_of(url: str) -> str:
    return str(conninfo_to_dict(url).get("user") or "")


def logs_in(url: str) -> bool:
    """Whether the URL leads to a session; why it does not, is not told: the server may be away as well."""
    try:
        connect(url, purpose="check a password", connect_timeout_s=LOGIN_S).close()
    except (DatabaseUnreachable, SystemRefused):
        return False
    return True


def asks_for_password(url: str) -> bool:
    """Whether a wrong password is turned away there; where it is not, a login proves nothing."""
    return not logs_in(_with_password(url, token_urlsafe()))


def set_password(url: str, password: SecretStr) -> datetime:
    """Give the role that the URL logs in with another password; returns the server's time after it, UTC.

    Raises DatabaseUnreachable where the URL does not lead in, and SystemFailed where the server refuses.
    """
    role = role_of(url)
    with connect(url, purpose="change a password", statement_timeout_s=STATEMENT_S) as connection:
        secret = password.get_secret_value().encode()
        verifier = connection.pgconn.encrypt_password(secret, role.encode(), ALGORITHM).decode()
        statement = sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), sql.Literal(verifier))
        try:
            connection.execute(statement)
            row = connection.execute("SELECT clock_timestamp()").fetchone()
        except psycopg.Error as error:  # whose text may hold the statement
            raise SystemFailed(
                f"The server did not change the password of {role}: {type(error).__name__}.",
                "Which password holds is seen by logging in.",
            ) from None
    assert row is not None
    return datetime.fromisoformat(row[0].astimezone(UTC).isoformat())


def end_older_sessions(url: str, moment: datetime) -> int:
    """End the role's other sessions that began before a moment (UTC); returns how many there were."""
    query = """
        SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE usename = session_user AND backend_type = 'client backend' AND pid <> pg_backend_pid()
          AND backend_start < %s
        """
    with connect(url, purpose="end older sessions", statement_timeout_s=STATEMENT_S) as connection:
        row = connection.execute(query, (moment,)).fetchone()
    return int(row[0]) if row else 0


def password_of(value: SecretStr, name: str) -> SecretStr:
    """The password in a secret that is a URL. Raises SecretUnusable where there is none."""
    password = conninfo_to_dict(read_url(value, name)).get("password")
    if not password:
        raise SecretUnusable(f"There is no password in the URL of secret {name}.", "Change it by hand.")
    return SecretStr(str(password))


def replace_password(value: SecretStr, name: str) -> SecretStr:
    """The same URL, as it is written, with a new random password. Raises SecretUnusable where it is none."""
    password_of(value, name)
    return SecretStr(_with_password(value.get_secret_value().strip(), token_urlsafe(32)))


def _with_password(url: str, password: str) -> str:
    parts = urlsplit(url)
    login, _, place = parts.netloc.rpartition("@")
    role = login.partition(":")[0]
    return urlunsplit(parts._replace(netloc=f"{role}:{quote(password, safe='')}@{place}"))
