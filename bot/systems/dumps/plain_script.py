"""A plain dump as the psql script that it is, cut into statements, commands, remarks and rows, in bounded memory.

Only as much of psql's and the server's grammar is known here as it takes to find where something ends: quotes of every
kind, comments, parentheses, bodies between BEGIN ATOMIC and END, and the rows after COPY. What a piece may do is
decided in `plain_rules`. Sources: PostgreSQL's documentation, "Lexical Structure" and "psql"; psql's own scanner.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from bot.systems.dumps.streams import ArchiveDamaged
from bot.systems.outcomes import SystemRefused

# A view, a function or a piece of a large object is far smaller; rows are not held and may be of any size.
STATEMENT_LIMIT_BYTES = 64 * 1024 * 1024
END_OF_ROWS = b"\n\\.\n"

# Whatever is not closed within what has been read is `open`; a match at the very end may go on in what has not.
TOKEN = re.compile(
    rb"""
      (?P<space>\s+)
    | (?P<remark>--[^\n]*+)
    | (?P<block>/\*)
    | (?P<quoted>[eE]'[^'\\]*+(?:(?:\\.|'')[^'\\]*+)*+' | '[^']*+(?:''[^']*+)*+' | "[^"]*+(?:""[^"]*+)*+")
    | (?P<open>[eE]?'|"|\$(?:[A-Za-z_\x80-\xff][A-Za-z0-9_\x80-\xff]*+)?\Z)
    | (?P<dollar>\$(?:[A-Za-z_\x80-\xff][A-Za-z0-9_\x80-\xff]*+)?\$)
    | (?P<word>[A-Za-z_\x80-\xff][A-Za-z0-9_$\x80-\xff]*+)
    | (?P<number>[0-9]+)
    | (?P<backslash>\\)
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
BLOCK_EDGE = re.compile(rb"/\*|\*/")
ROUTINE = re.compile(rb"CREATE (OR REPLACE )?(FUNCTION|PROCEDURE)\b")


class DumpRefused(SystemRefused):
    """The script holds something that is not run here, or is not a dump of the database that is meant."""


@dataclass(frozen=True)
class Remark:
    """A comment line between statements, without its end of line."""

    text: bytes


@dataclass(frozen=True)
class Command:
    """A line for psql itself, which begins with a backslash; without its end of line."""

    text: bytes


@dataclass(frozen=True)
class Statement:
    """One SQL statement without its semicolon, and its parts without spaces and comments, each as it was written."""

    text: bytes
    tokens: tuple[bytes, ...]

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The tokens as text to compare with: unquoted words in capitals, whatever is quoted as it was written."""
        return tuple(token.decode("ascii", "backslashreplace").upper() if _is_word(token) else _show(token)
                     for token in self.tokens)  # fmt: skip

    @property
    def beginning(self) -> str:
        """Its first words, up to the first that may be anybody's: never a literal, which may be a secret."""
        plain = []
        for token, word in zip(self.tokens[:6], self.words, strict=False):
            if not _is_word(token):
                break
            plain.append(word)
        return " ".join(plain) or "a statement without words"


@dataclass(frozen=True)
class Rows(Statement):
    """COPY … FROM stdin, and its rows as they stand in the dump; to be read before the next item is asked for."""

    chunks: Iterator[bytes] = field(compare=False)


Item = Remark | Command | Statement


class Script:
    """Iterates over the items of a script. Raises ArchiveDamaged where it breaks off, DumpRefused where it is odd."""

    def __init__(self, chunks: Iterable[bytes], *, place: str) -> None:
        self._chunks, self._place = iter(chunks), place
        self._data, self._at, self._ended = b"", 0, False

    def __iter__(self) -> Iterator[Item]:
        while (item := self._read_item()) is not None:
            yield item

    def _read_item(self) -> Item | None:
        if self._at > STATEMENT_LIMIT_BYTES // 64:
            self._data, self._at = self._data[self._at :], 0
        kind, end = self._find_token(self._at)
        while kind in ("space", "block"):
            self._at = end
            kind, end = self._find_token(end)
        if kind == "":
            return None
        if kind == "remark":
            return Remark(self._take(end))
        if kind == "backslash":
            return Command(self._take(self._find_line_end(end)))
        return self._read_statement()

    def _read_statement(self) -> Statement:
        tokens: list[bytes] = []
        depth, nesting, begin = 0, _Nesting(), self._at
        while True:
            kind, end = self._find_token(begin)
            token = self._data[begin:end]
            if kind == "":
                raise ArchiveDamaged(f"{self._place} ends in the middle of a statement. Choose another dump.")
            if kind == "backslash":
                raise DumpRefused(
                    f"{self._place} has a command to psql inside a statement, which no pg_dump writes. "
                    "Nothing was changed. Choose another dump."
                )
            if kind not in ("space", "remark", "block"):
                depth = max(0, depth + (token == b"(") - (token == b")"))
                if token == b";" and depth == 0 and not nesting.depth:
                    break
                tokens.append(token)
                nesting.see(tokens, inside=depth > 0)
            begin = end
        text = self._take(begin)
        self._at = end
        statement = Statement(text, tuple(tokens))
        return self._begin_rows(statement) if statement.words[:1] == ("COPY",) else statement

    def _begin_rows(self, statement: Statement) -> Statement:
        if statement.words[-2:] != ("FROM", "STDIN"):
            return statement
        if self._find_line_end(self._at) != self._at:
            raise DumpRefused(
                f"{self._place} has something between COPY and its rows, which no pg_dump writes. "
                "Nothing was changed. Choose another dump."
            )
        self._at += 1
        return Rows(statement.text, statement.tokens, self._read_rows())

    def _read_rows(self) -> Iterator[bytes]:
        """Whole rows, but where one is longer than what is read at once.

        The byte before the next one is looked at too, since it is the end of line that the end mark begins with.
        """
        while (end := self._data.find(END_OF_ROWS, self._at - 1)) < 0:
            last = self._data.rfind(b"\n", self._at) + 1
            if not last:
                last = self._at if END_OF_ROWS.startswith(self._data[self._at - 1 :]) else len(self._data)
            if last > self._at:
                yield self._data[self._at : last]
            self._data, self._at = self._data[last - 1 :], 1
            if not self._read_more():
                raise ArchiveDamaged(f"{self._place} ends in the middle of a table's rows. Choose another dump.")
        if end + 1 > self._at:
            yield self._data[self._at : end + 1]
        self._at = end + len(END_OF_ROWS)

    def _find_token(self, begin: int) -> tuple[str, int]:
        """Kind and end of the token that begins there, reading on for as long as it may not be whole; "" at the end."""
        while True:
            found = TOKEN.match(self._data, begin)
            kind, end = (found.lastgroup or "", found.end()) if found else ("", begin)
            if kind in ("block", "dollar"):
                end = self._find_block_end(begin) if kind == "block" else self._find_dollar_end(begin, end)
            elif kind == "open":
                end = -1
            if 0 <= end < len(self._data):
                return kind, end
            if not self._read_more():
                if end < 0:
                    raise ArchiveDamaged(f"{self._place} ends inside a quotation or comment. Choose another dump.")
                return kind, end

    def _find_block_end(self, begin: int) -> int:
        depth = 0
        for edge in BLOCK_EDGE.finditer(self._data, begin):
            depth += 1 if edge[0] == b"/*" else -1
            if depth == 0:
                return edge.end()
        return -1

    def _find_dollar_end(self, begin: int, end: int) -> int:
        tag = self._data[begin:end]
        closing = self._data.find(tag, end)
        return -1 if closing < 0 else closing + len(tag)

    def _find_line_end(self, begin: int) -> int:
        while (end := self._data.find(b"\n", begin)) < 0:
            if not self._read_more():
                return len(self._data)
        return end

    def _take(self, end: int) -> bytes:
        begin, self._at = self._at, end
        return self._data[begin:end]

    def _read_more(self) -> bool:
        """Twice as much as is being looked at, so that looking again costs no more than what is new."""
        held = len(self._data) - self._at
        if held > STATEMENT_LIMIT_BYTES:
            raise DumpRefused(
                f"{self._place} has a statement of more than {STATEMENT_LIMIT_BYTES // 2**20} MiB, which is not read "
                "here. Nothing was changed. Choose another dump, or restore this one by hand."
            )
        parts, more = [self._data], 0
        while more <= held and (chunk := next(self._chunks, None)) is not None:
            parts.append(chunk)
            more += len(chunk)
        self._data = b"".join(parts)
        return more > 0


class _Nesting:
    """How deep in BEGIN ATOMIC … END we are: semicolons in there end no statement. As psql counts it."""

    def __init__(self) -> None:
        self.depth = 0
        self._routine = False

    def see(self, tokens: list[bytes], *, inside: bool) -> None:
        """Take one more token of the statement into account; `inside` parentheses nothing counts."""
        if len(tokens) <= 4 and ROUTINE.match(b" ".join(tokens).upper()):
            self._routine = True
        if not self._routine or inside:
            return
        word = tokens[-1].upper()
        if word == b"BEGIN" or (word == b"CASE" and self.depth):
            self.depth += 1
        elif word == b"END" and self.depth:
            self.depth -= 1


def _is_word(token: bytes) -> bool:
    return (token[:1].isalpha() or token[:1] == b"_" or token[0] >= 0x80) and token[1:2] != b"'"


def _show(token: bytes) -> str:
    return token.decode("utf-8", "backslashreplace")
