"""What somebody types who means harm, and a look at everything that this process starts, opens or tells its store."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

MARK = "holdfast_canary"
STARTS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "pty.spawn")
WRITES = "wax+"


def list_hostile(folder: Path) -> list[str]:
    """For shells, SQL, paths, options, templates, mrkdwn; whichever works leaves a file in the folder, or its mark."""
    canary = folder / MARK
    return [
        f"$(touch {canary})",
        f"`touch {canary}`",
        f"; touch {canary} #",
        f"x' || touch {canary} || '",
        f"'; DROP TABLE ledger; COPY (SELECT 1) TO '{canary}'; --",
        f"../../../../..{canary}",
        f"--output={canary}",
        f"-oProxyCommand=touch${{IFS}}{canary}",
        f"{{{{ ''.__class__.__mro__[1].__subclasses__() }}}}{MARK}",
        f"{{application.__class__}}{MARK}",
        f"%(touch)s {MARK}\ntouch {canary}",
        f"<!channel> <@U0MEI|{MARK}>",
        f"{MARK}\x00\u202e",
    ]


class Watch:
    """What was seen that holds the mark."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self.is_on = False

    def see(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self.is_on:
            return
        if event in STARTS and MARK in repr(arguments):
            self.found.append(f"{event}: {arguments!r}"[:300])
        if event == "open" and MARK in repr(arguments[0]):
            self.found.append(f"{event}: {arguments!r}"[:300])

    def see_sql(self, _connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if self.is_on and MARK in statement:
            self.found.append(f"SQL: {statement}"[:300])


_watch = Watch()
sys.addaudithook(_watch.see)


@contextmanager
def seeing_sql() -> Iterator[None]:
    """Around a bot, from before its first thread: one that is at work must not meet a listener that comes or goes."""
    sa.event.listen(sa.Engine, "before_cursor_execute", _watch.see_sql)
    try:
        yield
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", _watch.see_sql)


@contextmanager
def watching() -> Iterator[list[str]]:
    """Commands that are started, files that are opened, and SQL that is not in parameters, each with the mark in it.

    SQL of bots that began within `seeing_sql`.
    """
    _watch.found, _watch.is_on = [], True
    try:
        yield _watch.found
    finally:
        _watch.is_on = False
