"""`holdfast` at a real terminal: a process on a pty, and somebody who types when asked."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
LIMIT_S = 120.0
PIECE = 65536


@dataclass(frozen=True)
class Typed:
    """How it ended, and everything that was to be seen on the screen."""

    status: int
    screen: str


def type_at(environment: Mapping[str, str], *arguments: str, answers: Mapping[str, list[str]]) -> Typed:
    """Run it and type the next of `answers` after each prompt that it is for."""
    main, other = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "bot", *arguments], env=dict(environment), cwd=ROOT, stdin=other, stdout=other,
        stderr=other, start_new_session=True,
    )  # fmt: skip
    os.close(other)
    left = {prompt: list(lines) for prompt, lines in answers.items()}
    screen, seen = "", 0
    deadline = time.monotonic() + LIMIT_S
    try:
        while (piece := _read(main, process, deadline)) is not None:
            screen += piece
            for prompt, lines in left.items():
                if lines and screen.endswith(prompt) and len(screen) > seen:
                    os.write(main, f"{lines.pop(0)}\n".encode())
                    seen = len(screen)
        return Typed(process.wait(timeout=LIMIT_S), screen.replace("\r\n", "\n"))
    finally:
        process.kill()
        process.wait()
        os.close(main)


def _read(main: int, process: subprocess.Popen[bytes], deadline: float) -> str | None:
    """What comes next; None at the end."""
    while time.monotonic() < deadline:
        if select.select([main], [], [], 0.2)[0]:
            try:
                return os.read(main, PIECE).decode("utf-8", "replace") or None
            except OSError:  # Linux says so where the other end is closed
                return None
        if process.poll() is not None:
            return None
    raise AssertionError("it did not come to its end")
