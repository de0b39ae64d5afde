"""Files that our programs read more than once and that nobody keeps."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def open_passing_file() -> Iterator[tuple[IO[bytes], Path]]:
    """A file and the path under which our programs find it, gone with this process however that ends.

    In memory where the system can do that (Linux); elsewhere a temporary file, which only a killed process leaves.
    """
    if hasattr(os, "memfd_create"):
        with open(os.memfd_create("holdfast"), "wb") as file:
            yield file, Path(f"/proc/{os.getpid()}/fd/{file.fileno()}")
    else:
        with tempfile.NamedTemporaryFile(prefix="holdfast-") as named:
            yield named.file, Path(named.name)
