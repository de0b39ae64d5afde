"""Can the application itself log in, and could it write? With its own URL, not the bot's."""

from __future__ import annotations

from collections.abc import Iterator

from psycopg.conninfo import conninfo_to_dict

from bot.diagnostics.check import NO_WAY_IN, Surroundings
from bot.diagnostics.points import DatabasePointCheck, Point
from bot.diagnostics.refusals import explain_refusal
from bot.systems.postgres import connect, database_of

CONNECT_S, ANSWER_S = 5, 3.0
OBSERVE = """
    SELECT current_user, pg_is_in_recovery(), current_setting('default_transaction_read_only') = 'on',
           (SELECT reset_val::bigint FROM pg_settings WHERE name = 'statement_timeout'),
           current_setting('search_path'), current_schemas(false) = '{}',
           has_database_privilege(current_database(), 'CONNECT')
"""
SHORT_MS = 1000
"""A statement that may not take longer than this often ends before it is done."""


class DatabaseLogin(DatabasePointCheck):
    name = "database_login"
    title = "The application's own login"
    timeout_s = 9.0
    tells_of_no_way_in = True

    def look(self, surroundings: Surroundings) -> Iterator[Point]:
        name = surroundings.settings.connection_env
        url = surroundings.environment.get(name)
        if not url:
            yield Point("unknown", f"{name} is not set, so the application's own login cannot be tried.")
            return
        yield from _compare_places(surroundings, url)
        yield from _try(surroundings, url)


def _try(surroundings: Surroundings, url: str) -> Iterator[Point]:
    who = f"the application's role ({conninfo_to_dict(url).get('user')})"
    normal = "It logs in and may write."
    try:
        connection = connect(url, purpose="diagnose", connect_timeout_s=CONNECT_S, statement_timeout_s=ANSWER_S)
    except NO_WAY_IN as error:
        refusal = explain_refusal(error)
        yield Point("critical", f"{refusal.words}: so it is for {who}.", signs=(refusal.sign, "application locked out"),
                    normal=normal)  # fmt: skip
        return
    with connection:
        row = connection.execute(OBSERVE).fetchone()
    assert row is not None  # a SELECT without FROM has one row
    role, standby, read_only, timeout_ms, path, lost, may_connect = row
    if standby or read_only:
        why = "the server is a standby" if standby else "default_transaction_read_only is on"
        yield Point("critical", f"What {who} does is read only: {why}. Every write fails.", signs=("read only",),
                    normal=normal)  # fmt: skip
    if 0 < timeout_ms < SHORT_MS:
        yield Point("warning", f"Statements of {who} are ended after {timeout_ms} ms.", signs=("setting changed",))
    if lost:
        words = f"The search_path of {who} is {path}, and leads to no schema that it may use: it finds no table."
        yield Point("critical", words, signs=("tables not found",), normal=normal)
    if not may_connect:
        yield Point("warning", f"{role} has lost CONNECT: it is in only because it owns the database or is a member.")
    yield Point("ok", f"{role} logs in; its search_path is {path}.", normal=normal)


def _compare_places(surroundings: Surroundings, url: str) -> Iterator[Point]:
    ours, theirs = _place(surroundings.url()), _place(url)
    if theirs != ours:
        words = f"The application's URL leads to {theirs}, the bot's to {ours}."
        yield Point("warning", words, signs=("wrong address",), normal="Both lead to the same database.")


def _place(url: str) -> str:
    parts = conninfo_to_dict(url)
    return f"{parts.get('host') or 'this machine'}:{parts.get('port') or 5432}/{database_of(url)}"


CHECK = DatabaseLogin()
