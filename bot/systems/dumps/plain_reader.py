"""Reading a plain dump: what of it is let through to be run, and what is learned from everything that passes.

There is this one way only, `Reader.admit`, for whoever merely looks and for whoever loads: what is loaded has passed
the same gate as what was looked at.
"""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NoReturn

from bot.systems.dumps.plain_builds import WORTH_FROM_ROWS, Build, find_built_table
from bot.systems.dumps.plain_facts import DumpHead, PlainDump, TableRows
from bot.systems.dumps.plain_rules import Treatment, is_call, judge
from bot.systems.dumps.plain_script import Command, DumpRefused, Item, Remark, Rows, Statement
from bot.systems.dumps.plain_traits import list_role_tokens, read_options, read_traits, unquote
from bot.systems.dumps.streams import ArchiveDamaged
from bot.systems.fingerprints import SequenceState

END = b"-- PostgreSQL database dump complete"
WHOLE_CLUSTER = b"-- PostgreSQL database cluster dump"
SAYING = re.compile(rb"-- (Dumped from database version|Dumped by pg_dump version|Started on) (\S.*)")
# What pg_dump writes for psql besides \connect: a lock against other commands, and the encoding of an odd name.
HARMLESS = re.compile(rb"\\(?:un)?restrict [A-Za-z0-9]+|\\encoding [A-Za-z0-9_]+")
CONNECTION = re.compile(rb"\\connect (?:-reuse-previous=on )?(.+)")
CONNECTION_NAME = re.compile(rb"\"dbname='((?:[^'\\]|\\.)*)'\"")
# The tablespace is left to the server, as for every database beside.
KNOWN_OPTIONS = {"TEMPLATE", "ENCODING", "LOCALE", "LC_COLLATE", "LC_CTYPE", "LOCALE_PROVIDER", "ICU_LOCALE",
                 "BUILTIN_LOCALE", "TABLESPACE"}  # fmt: skip
# Encodings in which a byte of a letter can look like a quote or a backslash: no server keeps data in them.
UNREADABLE_ENCODINGS = {"BIG5", "GB18030", "GBK", "JOHAB", "SJIS", "SHIFT_JIS_2004", "UHC"}
PYTHON_NAMES = {"SQL_ASCII": "ascii", "UNICODE": "utf-8", "KOI8": "koi8_r", "KOI8R": "koi8_r", "KOI8U": "koi8_u",
                "ALT": "cp866", "WIN": "cp1251"}  # fmt: skip


class Reader:
    """Lets through what is to be run, and learns from everything that passes. One reader is for one reading."""

    def __init__(self, place: str) -> None:
        self.place = place
        self.complete = False
        self.connected = False
        self.table_rows: Counter[tuple[str, str]] = Counter()
        self.sequences: dict[str, SequenceState] = {}
        self.roles: set[str] = set()
        self.extensions: set[str] = set()
        self.large_objects = self.large_object_bytes = 0
        self.about_database: list[Statement] = []
        self.traits = read_traits([], self.name, "ascii")
        self._said: dict[str, str] = {}
        self._options: dict[str, str] = {}
        self._database = self._codec = ""
        self._databases: list[bytes] = []
        self._acting = self._spread = False
        self._builds: list[Build] = []

    @property
    def head(self) -> DumpHead:
        """After `connected`."""
        options, said = self._options, self._said
        plain = options.get("LOCALE", "C")
        provider = {"icu": "i", "builtin": "b"}.get(options.get("LOCALE_PROVIDER", "libc"), "c")
        return DumpHead(
            database=self._database,
            encoding=options.get("ENCODING", "UTF8"),
            collation=options.get("LC_COLLATE", plain),
            character_type=options.get("LC_CTYPE", plain),
            locale_provider=provider,
            locale=options.get("ICU_LOCALE") or options.get("BUILTIN_LOCALE"),
            server_version=said.get("Dumped from database version", ""),
            pg_dump_version=said.get("Dumped by pg_dump version", ""),
            started=said.get("Started on"),
        )

    def finish(self, *, size_bytes: int, script_bytes: int, sha256: str) -> PlainDump:
        """The whole dump, after everything has been admitted."""
        tables = tuple(
            TableRows(schema_name=schema, table=table, rows=rows)
            for (schema, table), rows in sorted(self.table_rows.items())
        )
        return PlainDump(
            **self.head.model_dump(),
            size_bytes=size_bytes,
            script_bytes=script_bytes,
            sha256=sha256,
            tables=tables,
            sequences=dict(sorted(self.sequences.items())),
            large_objects=self.large_objects,
            large_object_bytes=self.large_object_bytes,
            roles=tuple(sorted(role for role in self.roles if not role.startswith("pg_"))),
            extensions=tuple(sorted(self.extensions)),
            traits=self.traits,
            builds=() if self._spread else tuple(self._builds),
        )

    def admit(self, items: Iterable[Item]) -> Iterator[tuple[Treatment, Statement]]:
        """What is to be run (RUN) and under whose name (ACT_AS), in order; Rows are counted as they are read.

        Raises DumpRefused or ArchiveDamaged, the latter at the end where the dump is not complete.
        """
        for item in items:
            if isinstance(item, Remark):
                self._see_remark(item.text)
            elif isinstance(item, Command):
                self._see_command(item.text.rstrip())
            elif (treatment := self._understand(item)) in (Treatment.RUN, Treatment.ACT_AS):
                admitted = self._count_rows(item) if isinstance(item, Rows) else item
                yield treatment, admitted
                for _ in admitted.chunks if isinstance(admitted, Rows) else ():
                    pass
        if not self.complete:
            why = "has no end" if self.connected else "is not a dump that pg_dump --create wrote, or has no end"
            raise ArchiveDamaged(f"{self.place} {why}: it was cut short. Choose another dump.")

    def name(self, token: bytes) -> str:
        """An identifier as it is meant. Raises DumpRefused where it cannot be read in the dump's encoding."""
        bare = token[1:-1].replace(b'""', b'"') if token[:1] == b'"' else token.lower()
        try:
            return bare.decode(self._codec or "utf-8")
        except (UnicodeDecodeError, LookupError) as error:
            raise DumpRefused(
                f"{self.place} has a name that cannot be read as {self._options.get('ENCODING', 'UTF8')}. "
                "Nothing was changed. Restore it by hand."
            ) from error

    def _see_remark(self, text: bytes) -> None:
        if text == WHOLE_CLUSTER:
            self._refuse("is of a whole server with all its databases and roles (pg_dumpall)")
        if text == END:
            self.complete = True
        if (said := SAYING.fullmatch(text)) and not self.connected:
            self._said[said[1].decode()] = said[2].decode("ascii", "replace").strip()

    def _see_command(self, text: bytes) -> None:
        if HARMLESS.fullmatch(text):
            return
        chosen = CONNECTION.fullmatch(text)
        if chosen is None:
            command = text.split()[0].decode("ascii", "replace")
            self._refuse(f"holds the psql command {command[:20]}, which no pg_dump writes and is never run here")
        elif self.complete:
            self._refuse("goes on after its end")
        elif not self._database:
            self._refuse("connects to a database that it does not make: it was not written by pg_dump --create")
        else:
            self._connect(chosen[1])

    def _connect(self, chosen: bytes) -> None:
        phrase = CONNECTION_NAME.fullmatch(chosen)
        quoted = re.sub(rb"\\(.)", rb"\1", phrase[1].replace(b'""', b'"')) if phrase else b""
        name = quoted.decode(self._codec or "utf-8", "replace") if phrase else self.name(chosen)
        if name != self._database:
            self._refuse(f"makes the database {self._database!r} and then connects to {name!r}")
        if not self._said.get("Dumped from database version", "")[:1].isdigit():
            self._refuse("does not say which server it is of, as every pg_dump writes")
        self.connected = True

    def _understand(self, statement: Statement) -> Treatment:
        try:
            return self._see_statement(statement)
        except (IndexError, ValueError) as error:
            # A statement that pg_dump wrote has all its parts.
            beginning = statement.beginning
            raise DumpRefused(
                f'{self.place} has a broken "{beginning}". Nothing was changed. Choose another dump.'
            ) from error

    def _see_statement(self, statement: Statement) -> Treatment:
        if self.complete:
            self._refuse("goes on after its end")
        treatment = judge(statement, place=self.place)
        words = statement.words
        if treatment is Treatment.ABOUT_DATABASE:
            self._see_database(statement)
        elif not self.connected and words[0] not in ("SET", "SELECT"):
            self._refuse(f'does not say of which database it is before its first "{statement.beginning}"')
        elif words[:2] == ("SET", "CLIENT_ENCODING"):
            self._choose_codec(unquote(statement.tokens[-1]))
        elif treatment is Treatment.ACT_AS:
            self._acting = words[0] == "SET" and words[3:] != ("DEFAULT",)
        elif self._acting and words[0] not in ("GRANT", "REVOKE"):
            self._refuse(f'does something else than granting under another name: "{statement.beginning}"')
        self._learn(statement)
        return treatment

    def _see_database(self, statement: Statement) -> None:
        """Statements about the database as a whole are about the one that the dump makes, and about no other."""
        words, tokens = statement.words, statement.tokens
        named = (
            tokens[-1] if words[0] == "DROP" else tokens[words.index("DATABASE", 3 if words[1] == "ROLE" else 0) + 1]
        )
        if words[:2] == ("CREATE", "DATABASE") and not self._database:
            self._options = read_options(statement)
            if unknown := sorted(self._options.keys() - KNOWN_OPTIONS):
                self._refuse(f"makes its database with {unknown[0][:20]}, which is not known here")
            if not self._codec:
                self._choose_codec(self._options.get("ENCODING", "UTF8"))
            self._database = self.name(named)
        self._databases.append(named)
        for other in map(self.name, self._databases if self._database else ()):
            if other != self._database:
                self._refuse(f"is of {self._database!r} and has a statement about the database {other!r}")
        if words[0] not in ("CREATE", "DROP"):
            self.about_database.append(statement)
            self.traits = read_traits(self.about_database, self.name, self._codec)

    def _learn(self, statement: Statement) -> None:
        words, tokens = statement.words, statement.tokens
        self.roles |= {self.name(token) for token in list_role_tokens(statement)}
        # A tablespace is chosen for what comes next in the dump, so nothing may come earlier then.
        self._spread |= words[:2] == ("SET", "DEFAULT_TABLESPACE") and words[-1] != "''"
        if (built := find_built_table(statement)) is not None and statement.text.isascii():
            schema, table = map(self.name, built)
            if self.table_rows[schema, table] >= WORTH_FROM_ROWS:
                self._builds.append(Build(schema_name=schema, table=table, text=statement.text.decode()))
        if words[:2] == ("CREATE", "EXTENSION"):
            self.extensions.add(self.name(tokens[5 if words[2:5] == ("IF", "NOT", "EXISTS") else 2]))
        if is_call(statement):
            self._learn_call(words[3], [token for token in tokens[5:-1] if token != b","])

    def _learn_call(self, function: str, arguments: list[bytes]) -> None:
        if function == "SETVAL":
            value = int(b"".join(arguments[1:-1]))
            name = unquote(arguments[0], self._codec)
            self.sequences[name] = SequenceState(last_value=value, is_called=arguments[-1] == b"true")
        elif function == "LO_CREATE":
            self.large_objects += 1
        elif function == "LOWRITE":
            self.large_object_bytes += (len(arguments[-1]) - len(b"'\\x'")) // 2

    def find_table(self, copied: Rows) -> tuple[str, str]:
        """Schema and name of the table that the rows are for."""
        names = copied.tokens[1 : copied.tokens.index(b"(") if b"(" in copied.tokens else -2]
        return self.name(names[0]) if len(names) == 3 else "", self.name(names[-1])

    def _count_rows(self, copied: Rows) -> Rows:
        key = self.find_table(copied)
        self.table_rows[key] += 0
        return Rows(copied.text, copied.tokens, self._count_each(key, copied.chunks))

    def _count_each(self, key: tuple[str, str], chunks: Iterator[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self.table_rows[key] += chunk.count(b"\n")
            yield chunk

    def _choose_codec(self, encoding: str) -> None:
        known = encoding.upper().replace("-", "")
        guess = PYTHON_NAMES.get(known) or re.sub(r"^WIN(?=\d)", "cp", known)
        try:
            self._codec = codecs.lookup(guess).name
        except LookupError:
            self._codec = ""
        if known in UNREADABLE_ENCODINGS or not self._codec:
            self._refuse(f"is written in {encoding[:20]}, which is not read here")

    def _refuse(self, why: str) -> NoReturn:
        raise DumpRefused(f"{self.place} {why}. Nothing was changed. Choose another dump.")
