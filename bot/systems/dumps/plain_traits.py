"""What a plain dump says about its database as a whole: how to make it, its owner, settings and grants."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from bot.systems.database_traits import DatabaseTraits, Grant, Setting
from bot.systems.dumps.plain_script import Statement

ALL = ("CONNECT", "CREATE", "TEMPORARY")
BY_DEFAULT = ("CONNECT", "TEMPORARY")
LISTS_OF_NAMES = ("SEARCH_PATH", "TEMP_TABLESPACES", "LOCAL_PRELOAD_LIBRARIES", "SESSION_PRELOAD_LIBRARIES")

NameReader = Callable[[bytes], str]
_Grants = dict[tuple[str | None, str], bool]


def unquote(token: bytes, codec: str = "ascii") -> str:
    """The text of a literal, or of a word or number that stands for one, read as Python's `codec`."""
    if token[-1:] != b"'":
        return token.decode("ascii", "replace")
    return token[token.index(b"'") + 1 : -1].replace(b"''", b"'").decode(codec or "ascii", "replace")


def read_options(create: Statement) -> dict[str, str]:
    """The options of CREATE DATABASE, whose equals signs are optional, by name in capitals."""
    words = [token for token in create.tokens[3:] if token != b"=" and token.upper() != b"WITH"]
    return {unquote(name).upper(): unquote(value) for name, value in zip(words[::2], words[1::2], strict=False)}


def list_role_tokens(statement: Statement) -> Iterator[bytes]:
    """Every role that must exist for the statement to work, as it is written there."""
    words, tokens = statement.words, statement.tokens
    if words[0] == "ALTER" and words[-3:-1] == ("OWNER", "TO"):
        yield tokens[-1]
    for phrase in (("FOR", "ROLE"), ("SESSION", "AUTHORIZATION")):
        for index in range(len(words) - 2 if words[0] in ("ALTER", "SET") else 0):
            if words[index : index + 2] == phrase and words[index + 2] != "DEFAULT":
                yield tokens[index + 2]
    if words[0] in ("GRANT", "REVOKE") or words[:3] == ("ALTER", "DEFAULT", "PRIVILEGES"):
        yield from _list_grantee_tokens(statement)


def read_traits(statements: Iterable[Statement], name: NameReader, codec: str) -> DatabaseTraits:
    """The traits that the statements about a database leave it with; the owner is empty where none is named."""
    owner, limit, comment = "", -1, None
    settings: list[Setting] = []
    acl: list[Statement] = []
    for statement in statements:
        words, tokens = statement.words, statement.tokens
        if words[0] in ("GRANT", "REVOKE"):
            acl.append(statement)
        elif words[0] == "COMMENT":
            comment = None if words[-1] == "NULL" else unquote(tokens[-1], codec)
        elif words[:2] == ("ALTER", "ROLE"):
            settings.append(_read_setting(statement, 6, name(tokens[2]), codec))
        elif words[3:5] == ("OWNER", "TO"):
            owner = name(tokens[5])
        elif words[3:5] == ("CONNECTION", "LIMIT"):
            limit = int(b"".join(token for token in tokens[5:] if token != b"="))
        elif words[3:4] == ("SET",) and words[4:5] != ("TABLESPACE",):
            settings.append(_read_setting(statement, 3, None, codec))
    return DatabaseTraits(
        owner=owner,
        connection_limit=limit,
        comment=comment,
        settings=tuple(settings),
        grants=_read_grants(acl, owner, name) if acl else None,
    )


def _read_setting(statement: Statement, index: int, role: str | None, codec: str) -> Setting:
    """`SET name TO value`, from the word SET on; lists of names are kept with each name quoted, as PostgreSQL does."""
    rest = statement.tokens[index + 1 :]
    to = next((at for at, token in enumerate(rest) if token.upper() in (b"TO", b"=")), 1)
    name = b"".join(rest[:to]).decode("ascii", "replace").replace('"', "")
    values = [unquote(token, codec) for token in rest[to + 1 :] if token != b","]
    if name.upper() in LISTS_OF_NAMES:
        return Setting(role=role, name=name, value=", ".join('"' + one.replace('"', '""') + '"' for one in values))
    return Setting(role=role, name=name, value=", ".join(values))


def _read_grants(statements: list[Statement], owner: str, name: NameReader) -> tuple[Grant, ...]:
    grants: _Grants = {(None, one): False for one in BY_DEFAULT} | {(owner, one): False for one in ALL}
    for statement in statements:
        words = statement.words
        privileges = _list_privileges(words[1 : words.index("ON")])
        optional = words[-3:] == ("WITH", "GRANT", "OPTION")
        for token in _list_grantee_tokens(statement):
            grantee = name(token)
            _change(grants, grantee, privileges, granted=words[0] == "GRANT", optional=optional)
        if "PUBLIC" in words:
            _change(grants, None, privileges, granted=words[0] == "GRANT", optional=optional)
    ordered = sorted(grants.items(), key=lambda entry: (entry[0][0] or "", entry[0][1]))
    return tuple(Grant(grantee=who, privilege=what, grantable=option) for (who, what), option in ordered)


def _change(
    grants: _Grants, grantee: str | None, privileges: tuple[str, ...], *, granted: bool, optional: bool
) -> None:
    for privilege in privileges:
        if granted:
            grants[grantee, privilege] = optional
        else:
            grants.pop((grantee, privilege), None)


def _list_privileges(words: tuple[str, ...]) -> tuple[str, ...]:
    if words[:1] == ("ALL",):
        return ALL
    return tuple("TEMPORARY" if word == "TEMP" else word for word in words if word != ",")


def _list_grantee_tokens(statement: Statement) -> list[bytes]:
    """Who is named after the last TO or FROM; PUBLIC is nobody's name."""
    words, tokens = statement.words, statement.tokens
    last = max((at for at, word in enumerate(words) if word in ("TO", "FROM")), default=len(words))
    ending = {"WITH", "GRANTED", "CASCADE", "RESTRICT"}
    end = next((at for at in range(last + 1, len(words)) if words[at] in ending), len(words))
    return [tokens[at] for at in range(last + 1, end) if words[at] not in (",", "PUBLIC", "GROUP")]
