"""Let FOLDER/current lead to a release, in one rename: switch_release.py FOLDER NAME.

Code that lies in FOLDER itself, as it was put there before there were releases, becomes a release first: it is copied,
and stays where it is. Each switch is written to FOLDER/deploys.jsonl, also when a crash came in between.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import stat
import subprocess
import sys
from datetime import datetime, timezone

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
OURS = re.compile(
    r"releases|incoming|environments|repository\.git|current|current\.new|deploys\.jsonl|\.releases\.lock|"
    r"\.env(\..*)?|maintenance\.html(\..*)?"
)
"""What lies in the folder beside code: ours, and what is secret."""


def main(folder: str, name: str) -> dict[str, object]:
    if not NAME.fullmatch(name):
        sys.exit("that is no name of a release")
    lock = os.open(os.path.join(folder, ".releases.lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    current = os.path.join(folder, "current")
    if os.path.lexists(current) and not os.path.islink(current):
        sys.exit(f"{current} is no link; nothing was changed")
    if not os.path.lexists(current):
        adopt(folder)
    note_switch(folder)
    if not os.path.isdir(os.path.join(folder, "releases", name)):
        sys.exit(f"there is no release {name}; nothing was changed")
    if read_link(folder) != name:
        lead_to(folder, name)
        note_switch(folder)
    last = read_notes(folder)[-1]
    return {"now": last["release"], "before": last["before"], "at": last["at"]}


def lead_to(folder: str, name: str) -> None:
    new = os.path.join(folder, "current.new")
    if os.path.lexists(new):
        os.unlink(new)
    os.symlink(os.path.join("releases", name), new)
    os.rename(new, os.path.join(folder, "current"))


def read_link(folder: str) -> str | None:
    try:
        return os.path.basename(os.readlink(os.path.join(folder, "current")))
    except FileNotFoundError:
        return None


def read_notes(folder: str) -> list[dict[str, object]]:
    """Whole lines only: the last one may have been cut by a crash."""
    notes = []
    try:
        with open(os.path.join(folder, "deploys.jsonl"), encoding="utf-8", errors="replace") as file:
            lines = file.readlines()
    except FileNotFoundError:
        return []
    for line in lines:
        try:
            note = json.loads(line)
        except ValueError:
            continue
        if isinstance(note, dict) and {"release", "before", "at"} <= set(note):
            notes.append(note)
    return notes


def note_switch(folder: str) -> None:
    """The link says what is current and since when; add that unless it is the last note."""
    name = read_link(folder)
    if name is None:
        return
    notes = read_notes(folder)
    moment = os.lstat(os.path.join(folder, "current")).st_mtime
    at = datetime.fromtimestamp(moment, timezone.utc).isoformat()
    if notes and (notes[-1]["release"], notes[-1]["at"]) == (name, at):
        return
    note = {"at": at, "release": name, "before": notes[-1]["release"] if notes else None}
    with open(os.path.join(folder, "deploys.jsonl"), "a", encoding="utf-8") as file:
        file.write("\n" + json.dumps(note) + "\n")
        file.flush()
        os.fsync(file.fileno())


def adopt(folder: str) -> None:
    """Copy the code that lies in the folder itself to a release, and let `current` lead there."""
    found = [name for name in os.listdir(folder) if not OURS.fullmatch(name)]
    if not found:
        return
    commit = ask_git(folder, "rev-parse", "--verify", "HEAD")
    name = f"{commit[:12]}-as-found" if commit else "as-found"
    final, incoming = os.path.join(folder, "releases", name), os.path.join(folder, "incoming", name)
    if not os.path.isdir(final):
        shutil.rmtree(incoming, ignore_errors=True)
        os.makedirs(incoming)
        for entry in found:
            copy(os.path.join(folder, entry), os.path.join(incoming, entry))
        os.symlink(os.path.join("..", "..", ".env"), os.path.join(incoming, ".env"))
        facts = {"name": name, "revision": commit, "source": "as found", "tags": []}
        facts["committed_at"] = ask_git(folder, "log", "-1", "--format=%cI")
        with open(os.path.join(incoming, ".release.json"), "w", encoding="utf-8") as file:
            json.dump(facts, file)
        os.makedirs(os.path.dirname(final), exist_ok=True)
        os.rename(incoming, final)
    lead_to(folder, name)


def copy(source: str, target: str) -> None:
    """With owners and times; links as links; what is neither file, folder nor link is not code."""
    if os.path.islink(source):
        os.symlink(os.readlink(source), target)
    elif os.path.isdir(source):
        shutil.copytree(source, target, symlinks=True, ignore=find_special, copy_function=copy_file)
        keep_owner(source, target)
    elif os.path.isfile(source):
        copy_file(source, target)


def copy_file(source: str, target: str) -> None:
    shutil.copy2(source, target)
    keep_owner(source, target)


def keep_owner(source: str, target: str) -> None:
    if os.geteuid() == 0:
        found = os.stat(source)
        os.chown(target, found.st_uid, found.st_gid)


def find_special(where: str, names: list[str]) -> list[str]:
    modes = {name: os.lstat(os.path.join(where, name)).st_mode for name in names}
    kept = (stat.S_ISREG, stat.S_ISDIR, stat.S_ISLNK)
    return [name for name, mode in modes.items() if not any(is_kind(mode) for is_kind in kept)]


def ask_git(folder: str, *words: str) -> str:
    """What git says about the code in the folder; nothing where it is not under git."""
    if not os.path.isdir(os.path.join(folder, ".git")):
        return ""
    command = ["git", "-c", "safe.directory=*", "-c", "core.fsmonitor=false", "-C", folder, *words]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False
        )
    except OSError:
        return ""
    return done.stdout.decode("utf-8", "replace").strip() if done.returncode == 0 else ""


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
