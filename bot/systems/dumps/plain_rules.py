"""What the statements of a plain dump may do: only what pg_dump writes, and only inside the one database.

Everything that is not known here is refused, so that whatever somebody has put into a dump does not run. Statements on
the database as a whole name it, so they are never run but read (`plain_reader`).
Source: the statements that pg_dump of PostgreSQL 9.6 to 18 writes into a plain dump (its pg_dump.c, dumputils.c and
pg_backup_archiver.c).
"""

from __future__ import annotations

import re
from enum import StrEnum

from bot.systems.dumps.plain_script import DumpRefused, Rows, Statement


class Treatment(StrEnum):
    """What becomes of a statement."""

    RUN = "run"
    ACT_AS = "act as"
    """SET or RESET SESSION AUTHORIZATION, around grants that somebody else than the owner has given."""
    LEAVE_OUT = "leave out"
    ABOUT_DATABASE = "about the database"


# What lives inside one database.
INSIDE = frozenset(
    {
        "ACCESS METHOD", "AGGREGATE", "CAST", "COLLATION", "COLUMN", "CONSTRAINT", "CONVERSION", "DEFAULT PRIVILEGES",
        "DOMAIN", "EVENT TRIGGER", "EXTENSION", "FUNCTION", "INDEX", "LANGUAGE", "LARGE OBJECT", "MATERIALIZED VIEW",
        "OPERATOR", "POLICY", "PROCEDURE", "PUBLICATION", "RULE", "SCHEMA", "SEQUENCE", "STATISTICS", "TABLE",
        "TEXT SEARCH", "TRANSFORM", "TRIGGER", "TYPE", "VIEW",
    }
)  # fmt: skip
# What leads out of it: to other servers, or to what all databases of the server share.
OUTSIDE = frozenset(
    {
        "FOREIGN", "GROUP", "PARAMETER", "ROLE", "SERVER", "SUBSCRIPTION", "SYSTEM", "TABLESPACE", "USER",
    }
)  # fmt: skip
MODIFIERS = frozenset(
    {"OR", "REPLACE", "UNIQUE", "UNLOGGED", "CONSTRAINT", "TRUSTED", "PROCEDURAL", "RECURSIVE", "DEFAULT"}
)

SETTINGS_RUN = frozenset(
    {
        "CHECK_FUNCTION_BODIES", "CLIENT_ENCODING", "CLIENT_MIN_MESSAGES", "DEFAULT_TABLE_ACCESS_METHOD",
        "DEFAULT_TABLESPACE", "ESCAPE_STRING_WARNING", "ROW_SECURITY", "SEARCH_PATH", "STANDARD_CONFORMING_STRINGS",
        "XMLOPTION",
    }
)  # fmt: skip
# Time limits are ours to set; the others are not known to every server, and mean nothing any more.
SETTINGS_LEFT_OUT = frozenset(
    {
        "DEFAULT_WITH_OIDS", "IDLE_IN_TRANSACTION_SESSION_TIMEOUT", "LOCK_TIMEOUT", "STATEMENT_TIMEOUT",
        "TRANSACTION_TIMEOUT",
    }
)  # fmt: skip

CALL = re.compile(r"SELECT PG_CATALOG \. (SET_CONFIG|SETVAL|LO_CREATE|LO_OPEN|LOWRITE|LO_CLOSE) \(")
LITERAL = re.compile(rb"[eE]?'.*'|[0-9]+|-|,|true|false", re.DOTALL)
NAME = re.compile(rb'"(?:[^"]|"")+"|[A-Za-z_\x80-\xff][A-Za-z0-9_$\x80-\xff]*', re.DOTALL)
SHARED = "is about what all databases of a server share"


def judge(statement: Statement, *, place: str) -> Treatment:
    """What becomes of a statement. Raises DumpRefused naming its first words where it is none that pg_dump writes."""
    words = statement.words
    treatment, reason = _TREATMENTS.get(words[0] if words else "", _judge_unknown)(statement)
    if treatment is None:
        raise DumpRefused(
            f'{place} holds "{statement.beginning}", which {reason} and is never run here. Nothing was changed. '
            "Choose another dump, or have somebody look at this one."
        )
    return treatment


def is_call(statement: Statement) -> bool:
    """Whether it calls one of the few functions that a dump calls, with nothing but literals."""
    called = CALL.match(" ".join(statement.words[:5]))
    arguments = statement.tokens[5:-1]
    return bool(called) and statement.tokens[-1] == b")" and all(LITERAL.fullmatch(one) for one in arguments)


def is_setting(statement: Statement) -> bool:
    """Whether it sets something for the session it is run in."""
    return statement.words[0] == "SET" or statement.words[3:4] == ("SET_CONFIG",)


def find_kind(words: tuple[str, ...]) -> str:
    """The kind of object that the words begin with: two words where that is one, else the first."""
    two = " ".join(words[:2])
    return two if two in INSIDE else (words[0] if words else "")


_Judgement = tuple[Treatment | None, str]
_RUN: _Judgement = (Treatment.RUN, "")


def _judge_unknown(statement: Statement) -> _Judgement:
    return None, "pg_dump does not write"


def _judge_kind(words: tuple[str, ...]) -> _Judgement:
    kind = find_kind(words)
    if kind == "DATABASE":
        return Treatment.ABOUT_DATABASE, ""
    if kind in INSIDE:
        return _RUN
    return None, "leads out of the database" if kind in OUTSIDE else "pg_dump does not write"


def _judge_create(statement: Statement) -> _Judgement:
    words = statement.words[1:]
    while words[:1] and words[0] in MODIFIERS:
        words = words[1:]
    if words[:2] == ("USER", "MAPPING"):
        return None, "leads out of the database"
    return _judge_kind(words)


def _judge_alter(statement: Statement) -> _Judgement:
    words = statement.words
    if words[1:2] == ("ROLE",) and words[3:5] == ("IN", "DATABASE"):
        return Treatment.ABOUT_DATABASE, ""
    return _judge_kind(words[1:])


def _judge_described(statement: Statement) -> _Judgement:
    """COMMENT ON, SECURITY LABEL … ON, GRANT … ON and REVOKE … ON; a grant of a role has no ON."""
    words, depth = statement.words, 0
    if words[:4] == ("COMMENT", "ON", "EXTENSION", "PLPGSQL"):
        # pg_dump before 11 writes PostgreSQL's own comment, which only a superuser may set.
        return Treatment.LEAVE_OUT, ""
    for index, word in enumerate(words):
        depth += (word == "(") - (word == ")")
        if word == "ON" and depth == 0:
            return _judge_kind(words[index + 1 :])
    return None, SHARED


def _judge_set(statement: Statement) -> _Judgement:
    words = statement.words
    if words[1:3] == ("SESSION", "AUTHORIZATION"):
        return Treatment.ACT_AS, ""
    setting = words[1] if len(words) > 1 else ""
    if setting in SETTINGS_LEFT_OUT:
        return Treatment.LEAVE_OUT, ""
    if setting == "STANDARD_CONFORMING_STRINGS" and words[3:] != ("ON",):
        return None, "makes strings mean something else than they say"
    return _RUN if setting in SETTINGS_RUN else (None, "changes a setting that no pg_dump changes")


def _judge_reset(statement: Statement) -> _Judgement:
    if statement.words == ("RESET", "SESSION", "AUTHORIZATION"):
        return Treatment.ACT_AS, ""
    return _judge_unknown(statement)


def _judge_select(statement: Statement) -> _Judgement:
    return _RUN if is_call(statement) else (None, "pg_dump does not write")


def _judge_copy(statement: Statement) -> _Judgement:
    """COPY name [(columns)] FROM stdin; never a program or a file of the server."""
    tokens = list(statement.tokens[1:-2])
    if tokens and tokens[-1] == b")":
        opened = tokens.index(b"(") if b"(" in tokens else 0
        if not _is_list(tokens[opened + 1 : -1], b","):
            return None, "pg_dump does not write"
        tokens = tokens[:opened]
    named = _is_list(tokens, b".") and len(tokens) <= 3
    return _RUN if isinstance(statement, Rows) and named else (None, "reads or writes files or programs of the server")


def _judge_transaction(statement: Statement) -> _Judgement:
    return _RUN if len(statement.tokens) == 1 else (None, "pg_dump does not write")


def _judge_refresh(statement: Statement) -> _Judgement:
    return _RUN if statement.words[1:3] == ("MATERIALIZED", "VIEW") else (None, "pg_dump does not write")


def _judge_drop(statement: Statement) -> _Judgement:
    return _judge_kind(statement.words[1:2]) if statement.words[1:2] == ("DATABASE",) else _judge_unknown(statement)


def _judge_insert(statement: Statement) -> _Judgement:
    return None, "comes from pg_dump --inserts, whose rows cannot be counted before they are in,"


def _is_list(tokens: list[bytes], separator: bytes) -> bool:
    """Names with a separator between them, and nothing else."""
    names, between = tokens[::2], tokens[1::2]
    return len(tokens) % 2 == 1 and all(NAME.fullmatch(one) for one in names) and set(between) <= {separator}


_TREATMENTS = {
    "ALTER": _judge_alter,
    "BEGIN": _judge_transaction,
    "COMMENT": _judge_described,
    "COMMIT": _judge_transaction,
    "COPY": _judge_copy,
    "CREATE": _judge_create,
    "DROP": _judge_drop,
    "GRANT": _judge_described,
    "INSERT": _judge_insert,
    "REFRESH": _judge_refresh,
    "RESET": _judge_reset,
    "REVOKE": _judge_described,
    "SECURITY": _judge_described,
    "SELECT": _judge_select,
    "SET": _judge_set,
}
