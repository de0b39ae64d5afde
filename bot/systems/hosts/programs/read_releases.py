"""Which releases a host has and which of them it runs: read_releases.py FOLDER. Changes nothing."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from datetime import datetime, timezone

SHOWN = 30
NOTES = 50
FITS = 20_000
"""SSM hands on the first 24,000 characters of what is printed; half an answer is none."""
REVISION = re.compile(r"^revision *(?::[^=]*)?= *['\"]([^'\"]+)['\"]", re.MULTILINE)
READ_BYTES = 4096
OURS = re.compile(
    r"releases|incoming|environments|repository\.git|current|current\.new|deploys\.jsonl|\.releases\.lock|"
    r"\.env(\..*)?|maintenance\.html(\..*)?"
)
"""What lies in the folder beside code: ours, and what is secret."""


def main(folder: str) -> dict[str, object]:
    current, since = read_current(folder)
    notes = read_notes(folder)
    if current and (not notes or (notes[-1]["release"], notes[-1]["at"]) != (current, since)):
        notes.append({"at": since, "release": current, "before": notes[-1]["release"] if notes else None})
    releases = list_releases(folder, current)
    present = {str(one["name"]) for one in releases}
    earlier = [str(note["release"]) for note in notes if note["release"] != current and note["release"] in present]
    answer: dict[str, object] = {
        "current": current,
        "since": since,
        "previous": earlier[-1] if earlier else None,
        "releases": releases,
        "history": notes[-NOTES:],
        "plain": None if current else read_plain(folder),
        "running": count_running(folder),
    }
    return fit(answer, releases, {current, answer["previous"]})


def fit(answer: dict[str, object], releases: list[dict[str, object]], needed: set[object]) -> dict[str, object]:
    """Without as many of the oldest releases as are too much to be handed on; those that are needed stay."""
    spare = [one for one in releases if one["name"] not in needed]
    while spare and len(json.dumps(answer)) > FITS:
        releases.remove(spare.pop())
    return answer


def read_current(folder: str) -> tuple[str | None, str | None]:
    path = os.path.join(folder, "current")
    try:
        name, moment = os.path.basename(os.readlink(path)), os.lstat(path).st_mtime
    except (FileNotFoundError, NotADirectoryError):
        return None, None
    except OSError:
        sys.exit(f"{path} is no link")
    return name, datetime.fromtimestamp(moment, timezone.utc).isoformat()


def list_releases(folder: str, current: str | None) -> list[dict[str, object]]:
    """The newest by when they were made, the current one in any case."""
    base = os.path.join(folder, "releases")
    try:
        entries = [entry for entry in os.scandir(base) if entry.is_dir(follow_symlinks=False)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    entries.sort(key=lambda entry: (entry.name == current, entry.stat().st_mtime), reverse=True)
    return [read_release(entry.path) for entry in entries[:SHOWN]]


def read_release(path: str) -> dict[str, object]:
    try:
        with open(os.path.join(path, ".release.json"), encoding="utf-8") as file:
            note = json.load(file)
    except (OSError, ValueError):
        note = {}
    keys = ("revision", "committed_at", "subject", "tags", "source")
    known = {key: note.get(key) for key in keys} if isinstance(note, dict) else {}
    return {**known, "name": os.path.basename(path), "migrations": read_migrations(path)}


def read_migrations(path: str) -> list[str]:
    """Alembic's revisions that the code knows."""
    versions = os.path.join(path, "migrations", "versions")
    try:
        names = [name for name in os.listdir(versions) if name.endswith(".py")]
    except OSError:
        return []
    found = set()
    for name in names:
        with open(os.path.join(versions, name), encoding="utf-8", errors="replace") as file:
            match = REVISION.search(file.read(READ_BYTES))
        if match:
            found.add(match.group(1))
    return sorted(found)


def read_notes(folder: str) -> list[dict[str, object]]:
    """What switch_release.py wrote down; a line that a crash has cut is left out."""
    notes = []
    try:
        with open(os.path.join(folder, "deploys.jsonl"), encoding="utf-8", errors="replace") as file:
            lines = file.readlines()
    except (FileNotFoundError, NotADirectoryError):
        return []
    for line in lines:
        try:
            note = json.loads(line)
        except ValueError:
            continue
        if isinstance(note, dict) and {"release", "before", "at"} <= set(note):
            notes.append(note)
    return notes


def read_plain(folder: str) -> dict[str, object] | None:
    """Code that lies in the folder itself, as it was put there before there were releases."""
    try:
        found = [name for name in os.listdir(folder) if not OURS.fullmatch(name)]
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not found:
        return None
    commit = ask_git(folder, "rev-parse", "--verify", "HEAD")
    name = f"{commit[:12]}-as-found" if commit else "as-found"
    return {"name": name, "revision": commit, "migrations": read_migrations(folder)}


def count_running(folder: str) -> dict[str, int] | None:
    """How many processes work in each release; None where the host does not show it to us."""
    base = os.path.join(os.path.realpath(folder), "releases") + os.sep
    counts: dict[str, int] = {}
    hidden = not os.path.isdir("/proc/self")
    for pid in os.listdir("/proc") if not hidden else []:
        if not pid.isdigit():
            continue
        try:
            where = os.readlink(f"/proc/{pid}/cwd")
        except PermissionError:
            hidden = True
            continue
        except OSError:  # it has ended
            continue
        if where.startswith(base):
            name = where[len(base) :].split(os.sep)[0]
            counts[name] = counts.get(name, 0) + 1
    return counts if counts or not hidden else None


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
