"""Remove what deploys and repairs leave on a host: prune_host.py VERB SPEC, where SPEC is JSON.

VERB is `look`, which answers what may go by the numbers in SPEC; `remove`, which removes of what SPEC has as `doomed`
(pairs of kind and name) whatever nothing uses by now; or `left`, which answers what of that is there. A release goes
when enough others were used after it, and it long ago; never the current one, the one before it, one that a process
works in, or one that is in no repository. What is answered of copies of the environment file are their names. No link
is followed, and what is removed is taken away under the locks of those who make it.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,90}")
COPY = re.compile(r"(\.before-run[0-9]{1,12}-[0-9a-f]{1,12})?(\.json)?\.new|\.before-run[0-9]{1,12}-[0-9a-f]{1,12}")
"""What follows the environment file's name: what a run kept of it, and what a killed one has not put in its place."""
PLACES = {"release": "releases", "environment": "environments", "unfinished": "incoming"}
PART = re.compile(r".*\.(part|tar\.gz)")
SHOWN = 100
"""SSM hands on the first 24,000 characters; the rest is seen by the next plan."""
BLOCK = 512
KERNEL_THREAD = 0x00200000
"""PF_KTHREAD (Linux, include/linux/sched.h)."""
HIDDEN_SHOWN = 3

if TYPE_CHECKING:
    Found = dict[str, Any]  # kind, name, age_s; size_bytes where it is measured


def main(verb: str, words: str) -> dict[str, Any]:
    spec = json.loads(words)
    folder = os.path.realpath(spec["folder"])
    if not os.path.isabs(spec["folder"]) or folder.count("/") < 2:
        sys.exit(f"{spec['folder']} is too near the root to hold releases")
    if verb == "look":
        return look(spec, folder)
    doomed = [(str(kind), str(name)) for kind, name in spec["doomed"]]
    wrong = [name for kind, name in doomed if not is_right(spec, kind, name)]
    if wrong:
        sys.exit(f"{wrong[0][:200]} is nothing that is removed here; nothing was removed")
    if verb == "remove":
        remove_secrets(spec, [name for kind, name in doomed if kind == "secrets"])
        remove_code(spec, folder, [one for one in doomed if one[0] != "secrets"])
    return {"left": [one for one in doomed if is_left(spec, folder, *one)]}


def is_right(spec: dict[str, Any], kind: str, name: str) -> bool:
    if kind == "secrets":
        base = os.path.basename(spec["environment_file"] or "/")
        return name.startswith(base) and COPY.fullmatch(name[len(base) :]) is not None
    return kind in PLACES and NAME.fullmatch(name) is not None


def is_left(spec: dict[str, Any], folder: str, kind: str, name: str) -> bool:
    """There, or on its way out when we were killed."""
    if kind == "secrets":
        return os.path.lexists(os.path.join(os.path.dirname(spec["environment_file"]), name))
    part = os.path.join(folder, "incoming", f"{name}.part")
    return os.path.lexists(os.path.join(folder, PLACES[kind], name)) or os.path.lexists(part)


def look(spec: dict[str, Any], folder: str) -> dict[str, Any]:
    """What may go, the secrets first and then the oldest, and what a release is needed for."""
    now, copies = time.time(), list_copies(spec)
    found = [(spec_of, path) for spec_of, path in copies if spec_of["age_s"] >= spec["secrets_for_s"]]
    uses = find_uses(spec, folder)
    releases = list_releases(folder, uses, now)
    old = [] if spec["only_secrets"] else choose_releases(spec, releases, uses)
    if not spec["only_secrets"]:
        found += [] if uses["blind"] else old
        going = {one["name"] for one, _ in found if one["kind"] == "release"}
        found += list_unfinished(spec, folder, now)
        found += list_environments(spec, folder, [one["name"] for one, _ in releases if one["name"] not in going], now)
    found.sort(key=lambda one: (one[0]["kind"] != "secrets", -one[0]["age_s"]))
    if spec["measure"]:
        for one, path in found:
            one["size_bytes"] = measure(path)
    return {
        "found": [one for one, _ in found[:SHOWN]],
        "more": max(0, len(found) - SHOWN),
        "releases": len(releases),
        "secrets": len(copies),
        "used": sorted(uses["names"]),
        "blind": bool(old) and uses["blind"],
        "hidden": uses["hidden"],
        "links": [name for name in PLACES.values() if os.path.islink(os.path.join(folder, name))],
    }


def list_copies(spec: dict[str, Any]) -> list[tuple[Found, str]]:
    """Copies of the environment file, which hold the secrets of before."""
    if not spec["environment_file"]:
        return []
    where, now = os.path.dirname(spec["environment_file"]), time.time()
    found = []
    for entry in scan(where):
        if is_right(spec, "secrets", entry.name) and entry.is_file(follow_symlinks=False):
            found.append(({"kind": "secrets", "name": entry.name, "age_s": find_age(entry, now)}, entry.path))
    return found


def list_releases(folder: str, uses: dict[str, Any], now: float) -> list[tuple[Found, str]]:
    """The last used first; one that never ran was used when it was made."""
    found = []
    for entry in scan(os.path.join(folder, "releases")):
        if NAME.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False):
            used = uses["until"].get(entry.name)
            age = find_age(entry, now) if used is None else round(now - used)
            found.append(({"kind": "release", "name": entry.name, "age_s": age}, entry.path))
    return sorted(found, key=lambda one: one[0]["age_s"])


def choose_releases(
    spec: dict[str, Any], releases: list[tuple[Found, str]], uses: dict[str, Any]
) -> list[tuple[Found, str]]:
    """Those that are old, and that nothing that is shown to us uses."""
    return [
        (one, path)
        for one, path in releases[spec["keep_releases"] :]
        if one["age_s"] >= spec["releases_for_s"] and one["name"] not in uses["names"] and not is_as_found(path)
    ]


def list_unfinished(spec: dict[str, Any], folder: str, now: float) -> list[tuple[Found, str]]:
    """What a deploy that did not come to its end has brought."""
    found = []
    for entry in scan(os.path.join(folder, "incoming")):
        age = find_age(entry, now)
        if NAME.fullmatch(entry.name) and not entry.is_symlink() and age >= spec["unfinished_for_s"]:
            found.append(({"kind": "unfinished", "name": entry.name, "age_s": age}, entry.path))
    return found


def list_environments(spec: dict[str, Any], folder: str, staying: list[str], now: float) -> list[tuple[Found, str]]:
    """Virtual environments that no release needs which stays."""
    needed, found = list_needed(folder, staying), []
    for entry in scan(os.path.join(folder, "environments")):
        age, is_plain = find_age(entry, now), NAME.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False)
        if is_plain and entry.name not in needed and age >= spec["unfinished_for_s"]:
            found.append(({"kind": "environment", "name": entry.name, "age_s": age}, entry.path))
    return found


def find_age(entry: os.DirEntry[str], now: float) -> int:
    """In seconds since it was written last; what has gone meanwhile is not old."""
    try:
        return round(now - entry.stat(follow_symlinks=False).st_mtime)
    except FileNotFoundError:
        return 0


def list_needed(folder: str, releases: list[str]) -> set[str]:
    """Names of the virtual environments that releases lead to, also those that are being made."""
    homes = [os.path.join(folder, "releases", name) for name in releases]
    homes += [entry.path for entry in scan(os.path.join(folder, "incoming"))]
    base = os.path.join(folder, "environments") + os.sep
    paths = [os.path.realpath(os.path.join(home, "venv")) for home in homes]
    inside = [path[len(base) :].split(os.sep)[0] for path in paths if path.startswith(base)]
    named = [os.path.basename(os.readlink(os.path.join(home, "venv"))) for home in homes if has_link(home)]
    return {*inside, *named}


def has_link(home: str) -> bool:
    """One that is being made leads nowhere before it has its place."""
    return os.path.islink(os.path.join(home, "venv"))


def find_uses(spec: dict[str, Any], folder: str) -> dict[str, Any]:
    """Releases that are needed now (`names`), until when each ran (`until`), whether there are processes that may work
    in any (`blind`), and some of those (`hidden`).
    """
    current = read_current(folder)
    notes = read_notes(folder)
    until = {}
    for note, following in zip(notes, [*notes[1:], None]):
        until[note["release"]] = time.time() if following is None else read_moment(following["at"])
    earlier = [note["release"] for note in notes if note["release"] != current and is_release(folder, note["release"])]
    running, hidden = find_running(folder, bool(spec["one_user"]))
    names = {*running, *earlier[-1:]} | ({current} if current else set())
    return {"names": names, "until": until, "blind": bool(hidden), "hidden": hidden[:HIDDEN_SHOWN]}


def is_release(folder: str, name: object) -> bool:
    return isinstance(name, str) and os.path.isdir(os.path.join(folder, "releases", name))


def read_current(folder: str) -> str | None:
    path = os.path.join(folder, "current")
    try:
        return os.path.basename(os.readlink(path))
    except FileNotFoundError:
        return None
    except OSError:
        return sys.exit(f"{path} is no link; nothing was removed")


def read_notes(folder: str) -> list[dict[str, Any]]:
    """What switch_release.py wrote down; a line that a crash has cut is left out."""
    try:
        with open(os.path.join(folder, "deploys.jsonl"), encoding="utf-8", errors="replace") as file:
            lines = file.readlines()
    except FileNotFoundError:
        return []
    notes = []
    for line in lines:
        try:
            note = json.loads(line)
        except ValueError:
            continue
        if isinstance(note, dict) and isinstance(note.get("release"), str) and "at" in note:
            notes.append(note)
    return notes


def read_moment(text: object) -> float:
    """What cannot be read is taken for now, so that nothing goes because of it."""
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except ValueError:
        return time.time()


def find_running(folder: str, one_user: bool) -> tuple[set[str], list[str]]:
    """Releases that processes work in, and the processes of which that is not shown to us: they may work in any.

    Without root those are all that belong to others; with `one_user` they have no business there. Threads of the kernel
    work nowhere, and init has others work.
    """
    base = os.path.join(folder, "releases") + os.sep
    names: set[str] = set()
    hidden: list[str] = []
    if not os.path.isdir("/proc/self"):
        return names, ["every process"]
    if not one_user and not os.path.isdir("/proc/1"):  # `hidepid` shows nothing of others, not even that they are there
        hidden.append("all that belong to others")
    for pid in os.listdir("/proc"):
        if not pid.isdigit():
            continue
        try:
            where = os.readlink(f"/proc/{pid}/cwd")
        except PermissionError:
            if not one_user and pid != "1" and not is_kernel(pid):
                hidden.append(read_name(pid))
            continue
        except OSError:  # it has ended
            continue
        if where.startswith(base):
            names.add(where[len(base) :].split(os.sep)[0])
    return names, hidden


def is_kernel(pid: str) -> bool:
    """By the flags that the kernel shows to everybody (proc(5), stat)."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return bool(int(file.read().rpartition(")")[2].split()[6]) & KERNEL_THREAD)
    except (OSError, ValueError, IndexError):
        return False


def read_name(pid: str) -> str:
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
            return f"{file.read().strip()[:20]} ({pid})"
    except OSError:
        return f"({pid})"


def is_as_found(path: str) -> bool:
    """Code that lay there before there were releases, with what was changed on the host, is in no repository."""
    try:
        with open(os.path.join(path, ".release.json"), encoding="utf-8") as file:
            note = json.load(file)
    except (OSError, ValueError):
        return False
    return isinstance(note, dict) and note.get("source") == "as found"


def measure(path: str) -> int:
    """Bytes of the disk that its removal gives back: a file that has another name elsewhere stays."""
    top = os.lstat(path)
    sizes = [top.st_blocks if top.st_nlink == 1 or stat.S_ISDIR(top.st_mode) else 0]
    for where, folders, files in os.walk(path):
        for name in (*folders, *files):
            found = os.lstat(os.path.join(where, name))
            sizes.append(found.st_blocks if found.st_nlink == 1 or stat.S_ISDIR(found.st_mode) else 0)
    return sum(sizes) * BLOCK


def remove_secrets(spec: dict[str, Any], names: list[str]) -> None:
    """Whoever writes the environment file holds its folder."""
    where = os.path.dirname(spec["environment_file"] or "")
    if not names or not os.path.isdir(where):
        return
    with locked(where) as place:
        for name in names:
            for path in (f"{name}.json", name):  # the note on a copy first: without one the copy is found again
                with suppress(FileNotFoundError):
                    os.unlink(path, dir_fd=place)
        os.fsync(place)


def remove_code(spec: dict[str, Any], folder: str, doomed: list[tuple[str, str]]) -> None:
    """Whatever is used by now stays: the releases first, then the environments that none needs any more."""
    if not doomed or not os.path.isdir(folder):
        return
    with locked(os.path.join(folder, ".releases.lock")):
        uses = find_uses(spec, folder)
        for name in [name for kind, name in doomed if kind == "release" and not uses["blind"]]:
            if name not in uses["names"]:
                take_away(folder, "releases", name)
        for name in [name for kind, name in doomed if kind == "unfinished"]:
            take_away(folder, "incoming", name)
        needed = list_needed(folder, [entry.name for entry in scan(os.path.join(folder, "releases"))])
        for name in [name for kind, name in doomed if kind == "environment"]:
            if name not in needed:
                take_away(folder, "environments", name)


def take_away(folder: str, place: str, name: str) -> None:
    """At once, in one rename, so that half of it is never taken for the whole; only then file by file."""
    with opened(os.path.join(folder, place)) as source:
        if source is None:
            return
        if place == "incoming" and PART.fullmatch(name):
            delete(name, source)
            return
        os.makedirs(os.path.join(folder, "incoming"), exist_ok=True)
        with opened(os.path.join(folder, "incoming")) as incoming:
            if incoming is None:
                return
            part = f"{name}.part"
            delete(part, incoming)  # of a deploy that was killed, or of us
            try:
                os.rename(name, part, src_dir_fd=source, dst_dir_fd=incoming)
            except FileNotFoundError:
                return
            delete(part, incoming)


def delete(name: str, place: int) -> None:
    """A file, or a folder with what is in it; what a link leads to is not ours."""
    try:
        is_folder = stat.S_ISDIR(os.stat(name, dir_fd=place, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return
    if not is_folder:
        os.unlink(name, dir_fd=place)
        return
    for _, folders, files, here in os.fwalk(name, topdown=False, dir_fd=place):
        for one in files:
            os.unlink(one, dir_fd=here)
        for one in folders:  # links to folders are among them
            if stat.S_ISLNK(os.stat(one, dir_fd=here, follow_symlinks=False).st_mode):
                os.unlink(one, dir_fd=here)
            else:
                os.rmdir(one, dir_fd=here)
    os.rmdir(name, dir_fd=place)


def scan(folder: str) -> list[os.DirEntry[str]]:
    """What is right in a folder; nothing where there is none, or where it is a link."""
    if os.path.islink(folder) or not os.path.isdir(folder):
        return []
    with os.scandir(folder) as entries:
        return list(entries)


@contextmanager
def opened(folder: str) -> Iterator[int | None]:
    """The folder itself, whatever its name leads to later; None where there is none, or where it is a link."""
    try:
        place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        yield None
        return
    try:
        yield place
    finally:
        os.close(place)


@contextmanager
def locked(path: str) -> Iterator[int]:
    """One at a time; the lock goes with the process."""
    is_folder = os.path.isdir(path)
    flags = os.O_RDONLY | os.O_DIRECTORY if is_folder else os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW
    held = os.open(path, flags | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield held
    finally:
        os.close(held)


if __name__ == "__main__":
    try:
        print(json.dumps(main(*sys.argv[1:])))
    except OSError as problem:
        sys.exit(f"{problem.filename or 'what was to go'}: {problem.strerror}")
