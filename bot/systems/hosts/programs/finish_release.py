"""Make a release of what was fetched: finish_release.py FOLDER NAME ENVIRONMENT... -- DEPENDENCIES...

FOLDER/incoming/NAME gets what it needs (where it has a requirements.txt) before it becomes FOLDER/releases/NAME: the
first command makes a virtual environment at the path that is added to it, the second, run in the release with that
environment first on the PATH, installs into it. Virtual environments lie in FOLDER/environments, one for each
requirements.txt, since they cannot be moved once they are made; a release's `venv` leads there, and its `.env` to
FOLDER/.env.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
WIDTH = 300
INSTALL_S = 800
"""Of each command; less than the bot waits."""


def main(folder: str, name: str, *words: str) -> dict[str, object]:
    if not NAME.fullmatch(name):
        sys.exit("that is no name of a release")
    lock = os.open(os.path.join(folder, ".releases.lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    incoming, final = os.path.join(folder, "incoming", name), os.path.join(folder, "releases", name)
    if os.path.isdir(final):
        return {"name": name, "made": False}
    if not os.path.isdir(incoming):
        sys.exit(f"{name} was not fetched as a whole; fetch it again")
    requirements = os.path.join(incoming, "requirements.txt")
    if os.path.isfile(requirements):
        environment = make_environment(folder, incoming, requirements, words, lock)
        link(os.path.relpath(environment, final), os.path.join(incoming, "venv"))
    link(os.path.join("..", "..", ".env"), os.path.join(incoming, ".env"))
    os.makedirs(os.path.dirname(final), exist_ok=True)
    os.rename(incoming, final)
    return {"name": name, "made": True}


def make_environment(folder: str, incoming: str, requirements: str, words: tuple[str, ...], lock: int) -> str:
    """The virtual environment for exactly these requirements, made unless it is there as a whole."""
    with open(requirements, "rb") as file:
        wanted = hashlib.sha256(file.read() + repr((sys.version_info[:2], words)).encode()).hexdigest()[:16]
    environment = os.path.join(folder, "environments", wanted)
    whole = os.path.join(environment, ".whole")
    if not os.path.exists(whole):
        shutil.rmtree(environment, ignore_errors=True)
        make, install = split(words)
        run([*make, environment], incoming, dict(os.environ), lock)
        programs = os.path.join(environment, "bin")
        path = os.pathsep.join([programs, os.environ.get("PATH", os.defpath)])
        command = [shutil.which(install[0], path=path) or install[0], *install[1:]]
        run(command, incoming, {**os.environ, "PATH": path, "VIRTUAL_ENV": environment}, lock)
        os.sync()  # what has this sign is taken for whole, also after a power cut
        with open(whole, "w", encoding="utf-8"):
            pass
    return environment


def split(words: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """The two commands."""
    if "--" not in words[1:-1]:
        sys.exit("two commands with -- between them are needed")
    middle = words.index("--")
    return list(words[:middle]), list(words[middle + 1 :])


def run(words: list[str], folder: str, environment: dict[str, str], lock: int) -> None:
    """It holds the lock for as long as it lives, also when we are killed."""
    try:
        done = subprocess.run(
            words, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, pass_fds=[lock], check=False, timeout=INSTALL_S,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        sys.exit(f"{words[0]} did not end within {INSTALL_S} s and was stopped; nothing was switched")
    except OSError as error:
        sys.exit(f"{words[0]} cannot be started: {error.strerror}")
    if done.returncode:
        lines = done.stdout[-4096:].decode("utf-8", "replace").strip().splitlines() or ["it said nothing"]
        sys.exit(f"what the release needs was not installed: {lines[-1][:WIDTH]} (status {done.returncode})")


def link(target: str, path: str) -> None:
    """Unless the release has something of its own there."""
    if not os.path.lexists(path):
        os.symlink(target, path)


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
