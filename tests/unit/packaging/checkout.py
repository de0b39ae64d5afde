"""Where the files of the checkout are that the package itself does not know."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
README = ROOT / "README.md"
CHANGELOG = ROOT / "CHANGELOG.md"
LOCK = ROOT / "requirements.lock"


def read_project() -> dict[str, Any]:
    """All of pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
