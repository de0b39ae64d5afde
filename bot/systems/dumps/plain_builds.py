"""Indexes of a plain dump, built as soon as their table is filled, while the next tables still load.

A plain dump has them all at its end, and one psql does one thing at a time. Here a second connection runs those very
statements early; where the dump comes to one, its end is waited for. pg_restore with several jobs does the same.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Self

from pydantic import BaseModel, ConfigDict

from bot.systems.dumps.plain_script import Statement

WORTH_FROM_ROWS = 10_000
LOOK_EVERY_S = 0.2
KEYS = (("PRIMARY", "KEY"), ("UNIQUE",))


class Build(BaseModel):
    """One statement that needs nothing but its table; `text` as it is in the dump, ASCII only."""

    model_config = ConfigDict(frozen=True)
    schema_name: str
    table: str
    text: str


def find_built_table(statement: Statement) -> tuple[bytes, bytes] | None:
    """Schema and table of CREATE INDEX … ON table, or ALTER TABLE ONLY table ADD CONSTRAINT … PRIMARY KEY or UNIQUE."""
    words, tokens = statement.words, statement.tokens
    if words[:3] == ("ALTER", "TABLE", "ONLY") and words[6:8] == ("ADD", "CONSTRAINT") and words[4] == ".":
        return (tokens[3], tokens[5]) if any(words[9 : 9 + len(key)] == key for key in KEYS) else None
    at = 3 if words[:3] == ("CREATE", "UNIQUE", "INDEX") else 2
    if words[at - 1 : at] == ("INDEX",) and words[at + 1 : at + 2] == ("ON",) and words[at + 3 : at + 4] == (".",):
        return tokens[at + 2], tokens[at + 4]
    return None


class EarlyBuilds:
    """Runs builds one after the other with `execute`, beside whoever loads; `cancel` stops what `execute` is at.

    A context manager: left with an error, nothing of it runs on.
    """

    def __init__(self, builds: tuple[Build, ...], execute: Callable[[bytes], None], cancel: Callable[[], None]) -> None:
        self._waiting: dict[tuple[str, str], list[bytes]] = {}
        for build in builds:
            self._waiting.setdefault((build.schema_name, build.table), []).append(build.text.encode())
        self._execute, self._cancel = execute, cancel
        self._begun: dict[bytes, Future[None]] = {}
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="build")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=kind is None, cancel_futures=True)
        # Asked again and again, since a request that comes between two statements is lost.
        while running := [one for one in self._begun.values() if one.running()]:
            if wait(running, timeout=LOOK_EVERY_S).not_done:
                self._cancel()

    def prepare(self, setting: Statement) -> None:
        """A setting of the session, which counts for the builds as well."""
        self._pool.submit(self._execute, setting.text)

    def begin(self, table: tuple[str, str]) -> None:
        """A table is filled."""
        for text in self._waiting.pop(table, []):
            self._begun[text] = self._pool.submit(self._execute, text)

    def settle(self, statement: Statement) -> bool:
        """Whether this statement was begun early; then it has been done. Raises what it raised."""
        begun = self._begun.pop(statement.text, None)
        if begun is None:
            return False
        begun.result()
        return True
