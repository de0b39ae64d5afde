"""Git repositories as the bot itself reaches them: their heads, whole copies for a while, and pushes that never force.

Rights are those of the machine's own Git configuration; an address never holds a password.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.systems.outcomes import SystemCancelled, SystemFailed, SystemRefused
from bot.systems.processes import Child, ProcessFailed

LOOK_S = 15.0
COPY_S = 900.0
LOCAL_S = 300.0
SETTINGS = {
    "core.hooksPath": os.devnull, "gc.auto": "0", "http.lowSpeedLimit": "1000", "http.lowSpeedTime": "15",
    "advice.pushUpdateRejected": "false",
}  # fmt: skip
HEADS, TAGS = "refs/heads/", "refs/tags/"

Cancelled = Callable[[], bool]


class RepositoryUnreachable(SystemRefused):
    """It did not answer, or did not let us in. Nothing was changed."""


class PushRefused(SystemFailed):
    """A push did not go through as a whole, so nothing of it did."""


def list_heads(address: str, timeout_s: float = LOOK_S) -> dict[str, str]:
    """Commit by branch and tag, by their whole names. Raises RepositoryUnreachable."""
    printed = _reach(address, ["ls-remote", "--heads", "--tags", "--", address], timeout_s)
    rows = [line.split("\t", 1) for line in printed.splitlines() if "\t" in line]
    return {name: commit for commit, name in rows if not name.endswith("^{}")}


@dataclass(frozen=True)
class Copy:
    """A bare copy of a repository, there for as long as its context."""

    folder: Path

    def holds(self, ancestor: str, commit: str) -> bool:
        """Whether a commit is part of another's history."""
        try:
            _run(["merge-base", "--is-ancestor", ancestor, commit], LOCAL_S, folder=self.folder)
        except ProcessFailed:
            return False
        return True

    def main_commit(self) -> str:
        """What the repository itself has as its main branch."""
        return _run(["rev-parse", "--verify", "HEAD^{commit}"], LOCAL_S, folder=self.folder).strip()

    def bundle(self, path: Path) -> None:
        """All branches and tags with their history, as one file."""
        _run(["bundle", "create", "--quiet", str(path), "--branches", "--tags"], LOCAL_S, folder=self.folder)

    def archive(self, commit: str, path: Path) -> None:
        """The files of a commit, as tar.gz."""
        _run(["archive", "--format=tar.gz", f"--output={path}", commit], LOCAL_S, folder=self.folder)

    def push(self, address: str, refs: Mapping[str, str], timeout_s: float = COPY_S) -> None:
        """Let the repository at an address have these heads, all or none; what it has beyond them stays.

        Raises PushRefused, also where a branch there would lose commits.
        """
        wanted = [f"{commit}:{name}" for name, commit in refs.items()]
        try:
            _run(["push", "--quiet", "--atomic", "--", address, *wanted], timeout_s, folder=self.folder)
        except ProcessFailed as failed:
            raise PushRefused(
                f"{address} did not take the push: {_first_trouble(failed)}.", "Nothing of it was taken.",
                "Look at what differs there; the bot never forces.",
            ) from failed  # fmt: skip


@contextmanager
def copy_repository(address: str, cancelled: Cancelled = lambda: False) -> Iterator[Copy]:
    """Raises RepositoryUnreachable, SystemCancelled."""
    with TemporaryDirectory(prefix="holdfast-git-") as scratch:
        folder = Path(scratch) / "repository.git"
        _reach(address, ["clone", "--quiet", "--bare", "--", address, str(folder)], COPY_S, cancelled)
        yield Copy(folder)


def read_bundle(path: Path) -> dict[str, str]:
    """The heads of a bundle, after it has been unpacked as a whole. Raises ProcessFailed for one that is damaged."""
    with TemporaryDirectory(prefix="holdfast-git-") as scratch:
        folder = Path(scratch) / "repository.git"
        _run(["clone", "--quiet", "--mirror", "--", str(path), str(folder)], LOCAL_S)
        printed = _run(["for-each-ref", "--format=%(objectname)%09%(refname)"], LOCAL_S, folder=folder)
    rows = [line.split("\t", 1) for line in printed.splitlines()]
    return {name: commit for commit, name in rows if name.startswith((HEADS, TAGS))}


def _reach(address: str, words: list[str], timeout_s: float, cancelled: Cancelled = lambda: False) -> str:
    try:
        return _run(words, timeout_s, cancelled=cancelled)
    except ProcessFailed as failed:
        raise RepositoryUnreachable(f"{address} cannot be read: {_first_trouble(failed)}.") from failed


def _run(
    words: list[str], timeout_s: float, *, folder: Path | None = None, cancelled: Cancelled = lambda: False
) -> str:
    if shutil.which("git") is None:
        raise SystemRefused("There is no Git on the bot's machine.", "Install the package `git`.")
    deadline = time.monotonic() + timeout_s

    def check() -> None:
        if cancelled():
            raise SystemCancelled("Git was stopped.")
        if time.monotonic() > deadline:
            raise RepositoryUnreachable(f"git {words[0]} did not end within {timeout_s:.0f} s.")

    check()
    with Child(["git", *words], environment=_environment(folder), stdout=True) as child, ThreadPoolExecutor(1) as pool:
        printed = pool.submit(child.stdout.read)
        try:
            child.finish(check=check)
        except BaseException:
            child.kill()  # what reads its output ends with it
            raise
        return printed.result().decode("utf-8", "replace")


def _environment(folder: Path | None) -> dict[str, str]:
    settings = {"GIT_CONFIG_COUNT": str(len(SETTINGS))}
    for number, (key, value) in enumerate(SETTINGS.items()):
        settings |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
        **settings,
        **({"GIT_DIR": str(folder)} if folder else {}),
        "GIT_ALLOW_PROTOCOL": "https:ssh:file", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C",
        "GIT_SSH_COMMAND": "ssh -oBatchMode=yes -oConnectTimeout=10",
    }  # fmt: skip


def _first_trouble(failed: ProcessFailed) -> str:
    lines = failed.said.splitlines() or [failed.reason]
    return next((line for line in lines if line.startswith(("fatal:", "error:", " !"))), lines[-1]).strip()
