"""The file that the application's environment is read from, as systemd's EnvironmentFile would be."""

from __future__ import annotations

import shlex
from pathlib import Path


def read_variables(path: Path) -> dict[str, str]:
    """The variables in a file, quoted as a shell quotes them; none where there is no file."""
    if not path.is_file():
        return {}
    words = shlex.split(path.read_text(encoding="utf-8"), comments=True)
    return dict(word.split("=", 1) for word in words if "=" in word)
