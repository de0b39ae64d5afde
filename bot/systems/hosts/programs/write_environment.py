"""The file that an application's environment is read from: write_environment.py VERB SPEC, where SPEC is JSON.

VERB is `look`; `write`, which asks for each secret here, on the host, by the command that SPEC has for it; `put_back`,
which gives back what an earlier run found; or `take_back`, which undoes what the run `mark` itself has done. What is
answered are names and fingerprints, never values. The file is exchanged as a whole, has mode 0600 and keeps its owner;
lines that SPEC does not know stay. Read and written by the rules of systemd.exec(5), EnvironmentFile=, which for what
is written here are a POSIX shell's too.

What a run found is kept beside the file under its mark, with a note: the mode that it had, or that there was none, and
what the run has put there. So it is given back exactly, and never over what somebody else has written since.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

DIGITS = 12
MODE = 0o600
ASK_S = 30
ENTRY = re.compile(
    r"""[ \t\r\n]*(?:
        [#;][^\n]*
        | (?P<name>[^=\n]*)=(?P<value>
            (?:[ \t\r]*(?:'[^']*(?:'|\Z)|"(?:[^"\\]|\\.)*(?:"|\\?\Z)))*
            (?:\\.|[^\\\n])*\\?)
        | [^\n]*
    )(?:\n|\Z)""",
    re.VERBOSE | re.DOTALL,
)
PIECE = re.compile(
    r"""[ \t\r]*(?:'(?P<single>[^']*)(?:'|\Z)|"(?P<double>(?:[^"\\]|\\.)*)(?:"|\\?\Z))|(?P<plain>.+)""",
    re.VERBOSE | re.DOTALL,
)
SAFE = re.compile(r"[A-Za-z0-9_@%+:,./=-]+")
REFUSED = re.compile("[\x00-\x08\x0a-\x1f\x7f\ufeff]")


def main(verb: str, words: str) -> dict[str, Any]:
    spec = json.loads(words)
    path = spec["path"]
    if not os.path.isabs(path) or not os.path.isdir(os.path.dirname(path)):
        sys.exit(f"{path} has no folder to lie in")
    if os.path.islink(path):
        sys.exit(f"{path} is a link; name the file itself")
    if verb == "look":
        return describe(spec, read(path))
    wanted = fetch(spec) if verb == "write" else {}
    with locked(os.path.dirname(path)):
        kept = keep_name(path, spec["mark"])
        if verb == "take_back":
            changed = take_back(path, kept)
        elif verb == "put_back":
            changed = put_back(path, keep_name(path, spec["put_back"]), kept)
        else:
            changed = exchange(path, compose(read(path) or "", wanted), MODE, kept)
        return {"changed": changed, **describe(spec, read(path))}


def fetch(spec: dict[str, Any]) -> dict[str, str]:
    """Variables and their values, as they are to stand in the file. What the bot has not seen is not taken."""
    wanted = dict(spec["fixed"])
    for one in spec["secrets"]:
        value = ask(one["variable"], one["command"])
        if fingerprint(value) != one["fingerprint"]:
            sys.exit(
                f"{one['variable']} has another value for this host than for the bot: its fingerprint is "
                f"{fingerprint(value)}, not {one['fingerprint']}; the file was not touched"
            )
        wanted[one["variable"]] = value
    for variable, value in wanted.items():
        if REFUSED.search(value):
            sys.exit(f"{variable} holds a line break or a control character, which the file has no place for")
    return wanted


def ask(variable: str, command: list[str]) -> str:
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=ASK_S, check=False)
    except OSError as error:
        sys.exit(f"{variable} was not read: {command[0]} cannot be started ({error.strerror})")
    except subprocess.TimeoutExpired:
        sys.exit(f"{variable} was not read: {command[0]} gave no answer in {ASK_S} s")
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["it said nothing"]
        sys.exit(f"{variable} was not read: {command[0]} ended with {done.returncode}, {said[-1][:300]}")
    text = done.stdout.decode("utf-8")
    return text[:-1] if text.endswith("\n") else text


def compose(before: str, wanted: dict[str, str]) -> str:
    """What the file is to hold: the variables, and then the lines of others as they are."""
    ours = "".join(f"{variable}={quote(value)}\n" for variable, value in wanted.items())
    others = [text for name, _, text in entries(before) if name not in wanted]
    return ours + "".join(others).strip("\n") + ("\n" if any(one.strip() for one in others) else "")


def quote(value: str) -> str:
    """Where nothing needs a quote, none; else the kind in which the least has to be escaped."""
    if SAFE.fullmatch(value):
        return value
    if "'" not in value:
        return f"'{value}'"
    escaped = re.sub(r'(["\\`$])', r"\\\1", value)
    return f'"{escaped}"'


def entries(text: str) -> Iterator[tuple[str | None, str, str]]:
    """Name, value and the text itself of each; blank lines, comments and lines without = have no name."""
    at = 0
    while at < len(text):
        found = ENTRY.match(text, at)
        assert found is not None  # the last alternative takes any line
        name = found["name"]
        bare = None if name is None else re.sub(r"^export\s+", "", name.strip())
        yield bare, unquote(found["value"] or ""), found.group()
        at = found.end()


def unquote(written: str) -> str:
    value = ""
    for piece in PIECE.finditer(written):
        if piece["single"] is not None:
            value += piece["single"]
        elif piece["double"] is not None:
            value += re.sub(r'\\(["\\`$\n])', lambda found: found[1].strip("\n"), piece["double"])
        else:
            value += re.sub(r"\\(.)", lambda found: found[1].strip("\n"), piece["plain"].strip(), flags=re.DOTALL)
    return value


def exchange(path: str, text: str | None, mode: int | None, kept: str) -> bool:
    """Put the text, or by None no file, in place of what is there, which is kept; False where it has been done."""
    before = read(path)
    if (before, mode_of(path)) == (text, mode):
        return False
    owner = os.stat(os.path.dirname(path) if before is None else path, follow_symlinks=False)
    note = read_note(kept)
    if note is None or is_touched(path, note):  # what somebody else has written meanwhile is what is to come back
        note = {"had": digest(before), "mode": mode_of(path), "left": []}
        if before is not None:
            place(kept, before, owner)
    place(note_name(kept), json.dumps({**note, "left": [*note["left"], digest(text)]}), owner)
    put(path, text, mode, owner)
    return True


def take_back(path: str, kept: str) -> bool:
    """Where this run has exchanged the file, what it found is there again, and nothing is left of the run."""
    note = read_note(kept)
    if note is not None:
        give_back(path, kept, note, lambda text, mode, owner: put(path, text, mode, owner))
    halves = [f"{one}.new" for one in (path, kept, note_name(kept))]  # of a run that was killed
    for name in (
        *halves,
        kept,
        note_name(kept),
    ):  # the note last: it knows of the copy; without one nothing was changed
        with suppress(FileNotFoundError):
            os.unlink(name)
    return note is not None


def put_back(path: str, found: str, kept: str) -> bool:
    """Where an earlier run has exchanged the file, what it found is there again; what is there now is kept."""
    note = read_note(found)
    return note is not None and give_back(path, found, note, lambda text, mode, _: exchange(path, text, mode, kept))


def give_back(
    path: str, kept: str, note: dict[str, Any], give: Callable[[str | None, int | None, os.stat_result], bool]
) -> bool:
    """False where it has been done."""
    if is_as_found(path, note):
        return False
    refuse_touched(path, note)
    text = read(kept) if note["mode"] is not None else None
    if digest(text) != note["had"]:
        sys.exit(f"{kept} is not what was kept there any more; {path} was not touched")
    return give(text, note["mode"], os.stat(note_name(kept), follow_symlinks=False))


def refuse_touched(path: str, note: dict[str, Any]) -> None:
    if is_touched(path, note):
        sys.exit(f"{path} was changed by somebody else since the run wrote it; it was not touched")


def is_touched(path: str, note: dict[str, Any]) -> bool:
    """Whether there is something else than what the run found or has put there."""
    return digest(read(path)) not in (note["had"], *note["left"])


def is_as_found(path: str, note: dict[str, Any]) -> bool:
    return (digest(read(path)), mode_of(path)) == (note["had"], note["mode"])


def read_note(kept: str) -> dict[str, Any] | None:
    """What a run has written down of the file that it found; None where it has exchanged nothing."""
    text = read(note_name(kept))
    return None if text is None else json.loads(text)


def put(path: str, text: str | None, mode: int | None, owner: os.stat_result) -> bool:
    if text is not None:
        place(path, text, owner, MODE if mode is None else mode)
        return True
    with suppress(FileNotFoundError):
        os.unlink(path)
    sync_folder(path)
    return True


def place(path: str, text: str, owner: os.stat_result, mode: int = MODE) -> None:
    """All of it or nothing: under another name in the same folder first, on the disk before it gets this one."""
    made = f"{path}.new"
    with suppress(FileNotFoundError):  # of one that was killed
        os.unlink(made)
    descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        given = os.fstat(descriptor)
        if (given.st_uid, given.st_gid) != (owner.st_uid, owner.st_gid):
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
        os.fchmod(descriptor, mode)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(made, path)
    sync_folder(path)


def sync_folder(path: str) -> None:
    folder = os.open(os.path.dirname(path), os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


@contextmanager
def locked(folder: str) -> Iterator[None]:
    """One at a time; the lock goes with the process."""
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


def read(path: str) -> str | None:
    """None where there is no such file; a link is not followed."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), encoding="utf-8", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return None


def describe(spec: dict[str, Any], text: str | None) -> dict[str, Any]:
    """What can be said of the file: fingerprints of what SPEC names, names of the rest; of the run `mark`, whether it
    has found a `file` or `none`, whether somebody else has changed what it has put there, and whether all is as before.
    """
    found = {name: value for name, value, _ in entries(text or "") if name}
    ours = {*spec["fixed"], *(one["variable"] for one in spec["secrets"])}
    note = read_note(keep_name(spec["path"], spec["mark"]))
    mode = mode_of(spec["path"])
    return {
        "present": text is not None,
        "mode": None if mode is None else f"{mode:o}",
        "variables": {name: fingerprint(value) for name, value in found.items() if name in ours},
        "others": sorted(set(found) - ours),
        "kept": None if note is None else "none" if note["mode"] is None else "file",
        "touched": note is not None and is_touched(spec["path"], note),
        "given_back": note is None or is_as_found(spec["path"], note),
    }


def mode_of(path: str) -> int | None:
    """None where there is no such file."""
    try:
        return stat.S_IMODE(os.stat(path, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return None


def keep_name(path: str, mark: str) -> str:
    return f"{path}.before-{mark}"


def note_name(kept: str) -> str:
    return f"{kept}.json"


def digest(text: str | None) -> str:
    return "none" if text is None else hashlib.sha256(text.encode()).hexdigest()


def fingerprint(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()[:DIGITS]


if __name__ == "__main__":
    try:
        print(json.dumps(main(*sys.argv[1:])))
    except OSError as problem:
        sys.exit(f"{problem.filename or 'the file'}: {problem.strerror}")
    except UnicodeDecodeError:
        sys.exit("the file or a secret is not UTF-8")
