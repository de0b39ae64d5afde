"""A machine of the sandbox's cloud: its disk, its init process, and commands that run there for a while."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from bot.sandbox.children import LIFELINE, Child, module_command, module_environment
from bot.sandbox.machines.disk import Disk

POLL_S = 0.02
PIECE_BYTES = 65536
DRAINED_WITHIN_S = 2.0


@dataclass(frozen=True)
class Ended:
    """How a command ended; a `status` of None: it did not end by itself but was stopped."""

    status: int | None
    output: str
    errors: str


@dataclass
class Head:
    """The first bytes of a stream, in bounded memory: what is more is read and let go."""

    limit: int
    kept: bytearray = field(default_factory=bytearray)

    def read(self, stream: IO[bytes]) -> None:
        while piece := os.read(stream.fileno(), PIECE_BYTES):
            self.kept += piece[: max(0, self.limit - len(self.kept))]

    @property
    def text(self) -> str:
        return self.kept.decode("utf-8", "replace")


class Machine:
    """One machine. Init is its own process group, and everything on it dies with init, as with a power cut."""

    def __init__(self, root: Path, port: int, *, bags_per_s: float) -> None:
        self.disk, self.port = Disk(root), port
        options = ["--port", str(port), "--bags-per-second", str(bags_per_s)]
        self._init = Child(
            f"machine {root.name}",
            module_command("bot.sandbox.machines", str(root), *options),
            log_path=root / "init.log",
            env=module_environment({}),
        )

    @property
    def is_up(self) -> bool:
        """Whether init runs and takes orders; SSM's agent is a part of it."""
        return self._init.running and self.disk.init_socket.exists()

    def start(self) -> None:
        """Boot it; returns while it boots. Raises ChildFailed."""
        self.disk.make()
        if not self._init.running:
            self.disk.init_socket.unlink(missing_ok=True)
        self._init.start()

    def stop(self) -> None:
        """Shut it down."""
        self._init.stop()

    def crash(self) -> None:
        """Kill init, and with it everything on the machine."""
        self._init.kill()

    def remove(self) -> None:
        """Shut it down and delete its disk."""
        self.stop()
        shutil.rmtree(self.disk.root, ignore_errors=True)

    def run(self, script: str, timeout_s: float, limits: tuple[int, int], cancelled: Callable[[], bool]) -> Ended:
        """Run a script by the shell, as root would; stopped at the limit, when `cancelled`, or with the machine.

        `limits`: how many bytes of its output and of its errors are kept.
        """
        tie = [str(os.getpid()), str(int(signal.SIGKILL)), "-1", "-1"]
        given = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}  # its instance profile
        with subprocess.Popen(
            [sys.executable, "-I", "-S", str(LIFELINE), *tie, "/bin/sh", "-c", self.disk.inward(script)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.disk.root,
            env=module_environment(given), process_group=0,
        ) as process:  # fmt: skip
            heads = [Head(limit) for limit in limits]
            readers = [
                threading.Thread(target=head.read, args=(stream,), daemon=True)
                for head, stream in zip(heads, (process.stdout, process.stderr), strict=True)
            ]
            for reader in readers:
                reader.start()
            status = self._wait(process, time.monotonic() + timeout_s, cancelled)
            for reader in readers:
                reader.join(DRAINED_WITHIN_S)
        output, errors = (self.disk.outward(head.text) for head in heads)
        return Ended(status, output, errors)

    def _wait(self, process: subprocess.Popen[bytes], deadline: float, cancelled: Callable[[], bool]) -> int | None:
        while (status := process.poll()) is None:
            if cancelled() or not self._init.running or time.monotonic() > deadline:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                return None
            time.sleep(POLL_S)
        return status
