"""The warehouse application's repository and its mirror: bare Git repositories in a folder, reached by file addresses.

Three releases: v1.1.0 and v1.2.0 are good. v1.3.0 counts bags in a table that a migration renamed which never ran: its
statistics fail while its health is as good as ever.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

GOOD = '''"""TraitorTrack {version}."""

from bot.sandbox.warehouse.__main__ import main

VERSION = "{version}"

main()
'''
BAD = '''"""TraitorTrack {version}: bags are counted where migration 0003 puts them."""

from bot.sandbox.warehouse import application
from bot.sandbox.warehouse.__main__ import main

VERSION = "{version}"

application.COUNTS = application.COUNTS.replace("FROM bag)", "FROM bag_v2)")
main()
'''
README = "# TraitorTrack\n\nWarehouse bag tracking.\n"


@dataclass(frozen=True)
class Commit:
    """One commit of the history that is made; the times are fixed, so that its hash is the same everywhere."""

    subject: str
    author: str
    files: dict[str, str]
    tag: str | None = None


HISTORY = (
    Commit("Track bags", "Amara Okafor <amara.okafor@example.com>",
           {"main.py": GOOD.format(version="1.1.0"), "README.md": README}, "v1.1.0"),
    Commit("Say what the figures mean", "Mei Tanaka <mei.tanaka@example.com>",
           {"README.md": README + "\nFigures are as of now.\n"}),
    Commit("Faster search for bags", "Diego Alvarez <diego.alvarez@example.com>",
           {"main.py": GOOD.format(version="1.2.0")}, "v1.2.0"),
    Commit("Count bags in the new table", "Mei Tanaka <mei.tanaka@example.com>",
           {"main.py": BAD.format(version="1.3.0")}, "v1.3.0"),
)  # fmt: skip
FIRST_AT = 1_763_000_000
APART_S = 86_400


@dataclass(frozen=True)
class Repositories:
    """Where the two are."""

    folder: Path

    @property
    def primary(self) -> str:
        """The address of the one that is worked in."""
        return (self.folder / "github.git").as_uri()

    @property
    def mirror(self) -> str:
        """The address of its mirror."""
        return (self.folder / "gitlab.git").as_uri()


def make_repositories(folder: Path, history: tuple[Commit, ...] = HISTORY) -> Repositories:
    """Both, with the same history, unless they are there."""
    for name in ("github.git", "gitlab.git"):
        path = folder / name
        if not (path / "packed-refs").exists():
            path.mkdir(parents=True, exist_ok=True)
            run_git(path, "init", "--quiet", "--bare", "--initial-branch", "main", ".")
            run_git(path, "fast-import", "--quiet", "--force", stdin=write_stream(history))
            run_git(path, "pack-refs", "--all")
    return Repositories(folder)


def write_stream(history: tuple[Commit, ...]) -> bytes:
    """The history as git fast-import reads it."""
    parts = list[str]()
    for number, commit in enumerate(history):
        at = f"{FIRST_AT + number * APART_S} +0000"
        parts.append(f"commit refs/heads/main\nmark :{number + 1}\nauthor {commit.author} {at}\n")
        parts.append(f"committer {commit.author} {at}\n{write_data(commit.subject)}")
        if number:
            parts.append(f"from :{number}\n")
        parts.extend(f"M 100644 inline {path}\n{write_data(text)}" for path, text in commit.files.items())
    for number, commit in enumerate(history):
        if commit.tag:
            parts.append(f"reset refs/tags/{commit.tag}\nfrom :{number + 1}\n\n")
    return "".join(parts).encode()


def write_data(text: str) -> str:
    return f"data {len(text.encode())}\n{text}\n"


def run_git(path: Path, *words: str, stdin: bytes = b"") -> str:
    """Git in one of the repositories, untouched by whatever is set for the person who starts us."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment = {**plain, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(["git", *words], cwd=path, env=environment, input=stdin, capture_output=True, check=True)
    return done.stdout.decode()
