"""Dumps that the document's script leaves in a folder of this machine: `<database>_<date>_<time>.sql.gz`."""

from __future__ import annotations

import os
import re
import stat
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from bot.systems.outcomes import SystemFailed

PLAIN_DUMP = r"[0-9]{8}_[0-9]{6}\.sql\.gz"


class LocalFolderUnreadable(SystemFailed):
    """The folder is there, and the bot may not read or change it."""


class LocalDump(BaseModel):
    """One file; `inode`, size and time say whether it is still the same. Time of its last change, UTC."""

    model_config = ConfigDict(frozen=True)
    name: str
    size_bytes: int
    changed_at: datetime
    inode: int


def list_local_dumps(folder: Path, database: str) -> list[LocalDump] | None:
    """A database's dumps right in the folder, the newest first; None where there is no such folder.

    Nothing but ordinary files: a link is not followed. Raises LocalFolderUnreadable.
    """
    pattern = re.compile(rf"{re.escape(database)}_{PLAIN_DUMP}")
    try:
        with os.scandir(folder) as entries:
            found = [_describe(entry.name, entry.stat(follow_symlinks=False)) for entry in entries
                     if pattern.fullmatch(entry.name)]  # fmt: skip
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise LocalFolderUnreadable(f"{folder} cannot be read: {error.strerror}.") from error
    return sorted((one for one in found if one), key=lambda one: one.changed_at, reverse=True)


def is_there(folder: Path, dump: LocalDump) -> bool:
    """Whether the very same file still is in the folder."""
    try:
        return _describe(dump.name, (folder / dump.name).lstat()) == dump
    except FileNotFoundError:
        return False


def remove_local_dump(folder: Path, dump: LocalDump) -> bool:
    """Delete the file if it is still the same; whether it was. Raises LocalFolderUnreadable."""
    if not is_there(folder, dump):
        return False
    try:
        (folder / dump.name).unlink(missing_ok=True)
    except OSError as error:
        raise LocalFolderUnreadable(f"{folder / dump.name} cannot be deleted: {error.strerror}.") from error
    return True


def _describe(name: str, found: os.stat_result) -> LocalDump | None:
    if not stat.S_ISREG(found.st_mode):
        return None
    changed_at = datetime.fromtimestamp(found.st_mtime, UTC)
    return LocalDump(name=name, size_bytes=found.st_size, changed_at=changed_at, inode=found.st_ino)
