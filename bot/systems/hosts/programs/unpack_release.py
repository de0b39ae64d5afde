"""Unpack a code archive: unpack_release.py FOLDER NAME SHA256 LIMIT FACTS COMMAND...

The archive (tar.gz, of at most LIMIT bytes packed, ten times that unpacked) is read by COMMAND, which puts it into
FOLDER/incoming/NAME.tar.gz, compared with its checksum, and unpacked to FOLDER/incoming/NAME, which finish_release.py
makes a release of. FACTS is a JSON object that is kept with the release. Nothing in the archive may lie or lead
outside, and there are only files, folders and links in it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import posixpath
import re
import shutil
import subprocess
import sys
import tarfile
from contextlib import suppress

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
GROWTH = 10
ENTRIES = 200_000
PIECE = 1024 * 1024
READ_S = 600
"""Less than the bot waits."""
WIDTH = 300


def main(folder: str, name: str, sha256: str, limit: str, facts: str, *command: str) -> dict[str, object]:
    if not NAME.fullmatch(name):
        sys.exit("that is no name of a release")
    if not os.path.isabs(folder) or folder.count("/") < 2:
        sys.exit(f"{folder} is too near the root to hold releases")
    os.makedirs(os.path.join(folder, "incoming"), exist_ok=True)
    lock = os.open(os.path.join(folder, ".releases.lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    folder = os.path.realpath(folder)
    incoming = os.path.join(folder, "incoming", name)
    if os.path.isdir(os.path.join(folder, "releases", name)) or os.path.isdir(incoming):
        return {"name": name, "unpacked": False}
    part, packed = incoming + ".part", incoming + ".tar.gz"
    try:
        fetch(command, packed, lock)
        compare(packed, sha256, int(limit))
        shutil.rmtree(part, ignore_errors=True)
        os.makedirs(part)
        unpack(packed, part, int(limit) * GROWTH)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(packed)
    with open(os.path.join(part, ".release.json"), "w", encoding="utf-8") as file:
        json.dump({**json.loads(facts), "name": name, "sha256": sha256}, file)
        file.flush()
        os.fsync(file.fileno())
    os.sync()  # what has this name is taken for whole, also after a power cut
    os.rename(part, incoming)
    return {"name": name, "unpacked": True}


def fetch(command: tuple[str, ...], packed: str, lock: int) -> None:
    """It holds the lock for as long as it lives, also when we are killed."""
    with suppress(FileNotFoundError):  # of one that was killed
        os.unlink(packed)
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, pass_fds=[lock],
            check=False, timeout=READ_S,
        )  # fmt: skip
    except OSError as error:
        sys.exit(f"the archive was not read: {command[0]} cannot be started ({error.strerror})")
    except subprocess.TimeoutExpired:
        sys.exit(f"the archive was not read: {command[0]} did not end within {READ_S} s and was stopped")
    if done.returncode or not os.path.isfile(packed):
        lines = done.stdout[-4096:].decode("utf-8", "replace").strip().splitlines() or ["it said nothing"]
        sys.exit(f"the archive was not read: {command[0]} ended with {done.returncode}, {lines[-1][:WIDTH]}")


def compare(packed: str, sha256: str, limit: int) -> None:
    size, seen = os.path.getsize(packed), hashlib.sha256()
    if size > limit:
        sys.exit(f"the archive is larger than {limit} bytes")
    with open(packed, "rb") as file:
        for piece in iter(lambda: file.read(PIECE), b""):
            seen.update(piece)
    if seen.hexdigest() != sha256:
        sys.exit("the archive is another than the one that was planned: its SHA-256 differs; nothing was unpacked")


def unpack(packed: str, folder: str, limit: int) -> None:
    """File by file, each looked at before it is made. Links are made last, so that nothing is written through one."""
    links, size, count = [], 0, 0
    try:
        with tarfile.open(packed, "r:gz") as archive:
            for member in archive:
                count, size = count + 1, size + member.size
                if size > limit or count > ENTRIES:
                    sys.exit(f"the archive grows beyond {limit} bytes or {ENTRIES} entries")
                path = place(folder, member.name)
                if member.issym() or member.islnk():
                    links.append(member)
                elif member.isdir():
                    os.makedirs(path, exist_ok=True)
                elif member.isreg():
                    write(archive, member, path)
                else:
                    sys.exit(f"the archive has something that is no file, folder or link: {member.name[:200]}")
    except (tarfile.TarError, EOFError, OSError) as error:
        sys.exit(f"the archive cannot be unpacked: {error}")
    for member in links:
        make_link(folder, member)


def place(folder: str, name: str) -> str:
    """Where an entry goes. Ends the program where that is outside."""
    clean = posixpath.normpath(name)
    if name.startswith("/") or clean == ".." or clean.startswith("../") or "\0" in name or "\\" in name:
        sys.exit(f"the archive has an entry that leads outside: {name[:200]}")
    return folder if clean == "." else os.path.join(folder, clean)


def write(archive: tarfile.TarFile, member: tarfile.TarInfo, path: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    source = archive.extractfile(member)
    assert source is not None  # it is a file
    with open(path, "wb") as file:
        shutil.copyfileobj(source, file, PIECE)
    os.chmod(path, 0o755 if member.mode & 0o100 else 0o644)


def make_link(folder: str, member: tarfile.TarInfo) -> None:
    """Only to what lies in the archive; a hard link becomes a link."""
    path = place(folder, member.name)
    base = posixpath.dirname(posixpath.normpath(member.name)) if member.issym() else ""
    target = posixpath.normpath(posixpath.join(base, member.linkname))
    if member.linkname.startswith("/") or target == ".." or target.startswith("../"):
        sys.exit(f"the archive has a link that leads outside: {member.name[:200]}")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if os.path.realpath(os.path.dirname(path)) != os.path.dirname(path):
        sys.exit(f"the archive has a link behind a link: {member.name[:200]}")
    if os.path.lexists(path):
        sys.exit(f"the archive has an entry twice: {member.name[:200]}")
    os.symlink(os.path.relpath(os.path.join(folder, target), os.path.dirname(path)), path)


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
