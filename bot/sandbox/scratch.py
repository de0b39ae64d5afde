"""Temporary directories that the next start removes when a kill -9 left them behind."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path

PREFIX = "holdfast-sandbox-"
LOCK_NAME = ".in-use"
YOUNG_S = 60.0  # a directory this young may not have been locked yet


class ScratchDirectory:
    """A directory under the system's temporary directory, locked by us while we live."""

    def __init__(self, purpose: str) -> None:
        remove_abandoned()
        self.path = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{purpose}-"))
        self.path.chmod(0o755)  # another user may have to pass through: PostgreSQL refuses to run as root
        self._lock = os.open(self.path / LOCK_NAME, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def remove(self) -> None:
        """Delete the directory with everything in it; harmless when repeated."""
        if self._lock >= 0:
            shutil.rmtree(self.path)
            os.close(self._lock)
            self._lock = -1


def remove_abandoned() -> None:
    """Delete scratch directories whose owner is gone; the kernel drops a lock when its holder dies."""
    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            if time.time() - path.stat().st_mtime > YOUNG_S:
                _remove_unless_locked(path)
        except (FileNotFoundError, PermissionError):  # somebody else was quicker, or it is somebody else's
            continue


def _remove_unless_locked(path: Path) -> None:
    lock = os.open(path / LOCK_NAME, os.O_RDWR)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(path)
    except BlockingIOError:
        return
    finally:
        os.close(lock)
