"""A second machine on this one: its programs find another folder where the policy names the first one's."""

from __future__ import annotations

import sys
from pathlib import Path

SCRIPT = """
import os, sys
os.execv(sys.executable, [sys.executable, *(one.replace({here!r}, {there!r}) for one in sys.argv[1:])])
"""


def python_elsewhere(folder: Path, here: Path, there: Path) -> list[str]:
    """What stands for Python on a host on which `here` is `there`; the script is put into `folder`."""
    script = folder / "elsewhere.py"
    script.write_text(SCRIPT.format(here=str(here), there=str(there)), encoding="utf-8")
    return [sys.executable, str(script)]
