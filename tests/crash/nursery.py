"""A process that has loaded the whole bot and forks one whenever it is asked to: a real process, without the start.

Loading the bot's modules costs more than a second of a processor; a fork of what is loaded costs some milliseconds.
From the nursery come whole bots (`Nursling`), as `holdfast serve` starts them, and nests. A nest has put the bot
together for one store too: for tests that start one often. From it come whole bots, and bots that run workflows and
take no requests (`Worker`).

Elsewhere than on Linux, where forks of what is loaded are not safe, every bot is a program from the beginning.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import json
import logging
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, NoReturn, cast

import boto3

from bot import app, cli
from bot.sandbox.children import Child, module_command, module_environment
from bot.sandbox.cloud import REGION
from bot.services import Services
from bot.terminal.session import Parts
from tests.aws_recorder import sitecustomize as recorder
from tests.crash import points
from tests.unplugged import trust_the_power

PR_SET_PDEATHSIG = 1
RING = signal.SIGUSR1
READY_WITHIN_S = 60.0


class Nursling(Child):
    """A whole bot, or what else the arguments say, from a nest or else from the nursery."""

    def __init__(
        self, name: str, *arguments: str, log_path: Path, env: dict[str, str], nest: Path | None = None
    ) -> None:
        super().__init__(name, bot_command(*arguments), log_path=log_path, env=env)
        self._arguments, self._nest = arguments, nest

    def _spawn(self) -> subprocess.Popen[bytes]:
        if sys.platform != "linux":
            return super()._spawn()
        self.starts += 1
        return _fork(self._nest or nursery(), [*self._arguments], self._env, self.log_path)


class Worker(Nursling):
    """A bot that runs workflows and nothing else."""

    def __init__(self, name: str, *, log_path: Path, env: dict[str, str], nest: Path | None = None) -> None:
        super().__init__(name, "work", log_path=log_path, env=env, nest=nest)

    def ring(self) -> None:
        """Tell it that there may be work, as its own process is told; it would look by itself some time later."""
        if sys.platform == "linux":
            self.send(RING)


@contextmanager
def open_nest(folder: Path, environment: dict[str, str]) -> Iterator[Path]:
    """The socket of a nest for the bots of one store."""
    address = Path(tempfile.mkdtemp(prefix="nest-")) / "socket"
    if sys.platform != "linux":
        yield address
        return
    nest = _fork(nursery(), ["nest", str(address)], environment, folder / "nest.log")
    try:
        deadline = time.monotonic() + READY_WITHIN_S
        while not address.exists():
            assert time.monotonic() < deadline, f"no nest:\n{(folder / 'nest.log').read_text(encoding='utf-8')}"
            time.sleep(0.005)
        yield address
    finally:
        nest.send_signal(signal.SIGKILL)
        shutil.rmtree(address.parent, ignore_errors=True)


class Forked:
    """What `Child` wants of a process, for one that is no child of this process."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._handle: int | None = None
        try:
            self._handle = os.pidfd_open(pid)
        except ProcessLookupError:  # it has lived for less than it took to get here
            self.returncode = 0

    def __del__(self) -> None:
        if self._handle is not None:
            os.close(self._handle)

    def poll(self) -> int | None:
        """None while it runs; how it has ended is not known."""
        return self._look(0)

    def wait(self) -> int:
        """Until it has ended."""
        return self._look(None) or 0

    def send_signal(self, number: signal.Signals) -> None:
        if self._handle is not None and self.poll() is None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, number)

    def _look(self, patience_s: float | None) -> int | None:
        watched = [] if self._handle is None else [self._handle]
        if self.returncode is None and select.select(watched, [], [], patience_s)[0]:
            self.returncode = 0
        return self.returncode


def bot_command(*arguments: str) -> list[str]:
    """How a bot of the crash suite is started, forked or not."""
    return module_command("tests.crash.nursery", *arguments)


@cache
def nursery() -> Path:
    """The socket of this process's nursery, which is started on the first call."""
    folder = Path(tempfile.mkdtemp(prefix="nursery-"))
    child = Child(
        "nursery",
        bot_command("nursery", str(folder / "socket")),
        log_path=folder / "log",
        env=module_environment({}),
    )
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(child.kill)
    child.start()
    child.wait_until((folder / "socket").exists, "ready", READY_WITHIN_S)
    return folder / "socket"


def _fork(address: Path, arguments: list[str], environment: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    wanted = json.dumps({"arguments": arguments, "environment": dict(environment), "log": str(log)})
    with socket.socket(socket.AF_UNIX) as asking:
        asking.connect(str(address))
        asking.sendall(wanted.encode())
        asking.shutdown(socket.SHUT_WR)
        return cast("subprocess.Popen[bytes]", Forked(int(asking.makefile().readline())))


def _serve_until_forked(address: str) -> dict[str, Any]:
    """Fork a child for every request; returns in the child, with what it was forked for."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody here asks how they ended
    with socket.socket(socket.AF_UNIX) as listening:
        hidden = f"{address}.new"
        listening.bind(hidden)
        listening.listen()
        Path(hidden).rename(address)
        while True:
            asked, _ = listening.accept()
            with asked:
                wanted: dict[str, Any] = json.loads(asked.makefile().read())
                pid = os.fork()
                if not pid:
                    return wanted
                asked.sendall(f"{pid}\n".encode())


def _become(wanted: dict[str, Any]) -> None:
    """Take on the environment, the output and the group of its own that a started program would have."""
    os.setpgid(0, 0)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    with Path(wanted["log"]).open("ab") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    os.environ.clear()
    os.environ.update(wanted["environment"])


def _rehearse() -> None:
    """Put a bot together that nobody needs: what it reads, imports and compiles on the way is there for every fork."""
    with tempfile.TemporaryDirectory() as folder:
        services = app.build_services({"HOLDFAST_DATABASE_URL": f"sqlite:///{folder}/holdfast.db"})
        app.build_bolt(services)
        services.database.close()
    _keep_unchanged()


def _keep_unchanged() -> None:
    """What is there now is no garbage in a fork; and what is not touched need not be copied."""
    gc.collect()
    gc.freeze()


def _nest(address: str) -> NoReturn:
    """Put the bot together once, and let every fork of it work."""
    services = app.build_services(os.environ)
    for service in ("s3", *os.environ.get("WARM", "").split()):
        boto3.client(service, region_name=REGION)  # type: ignore[call-overload]  # what it reads for that stays read
    services.database.engine.dispose()  # nothing open is inherited
    signal.signal(RING, lambda *_: services.engine._bell.ring())
    _keep_unchanged()
    wanted = _serve_until_forked(address)
    _become(wanted)
    _live(wanted["arguments"], services)


def _live(arguments: list[str], services: Services) -> NoReturn:
    """As `work`, or as the program with these arguments."""
    if arguments == ["work"]:
        _work(services)
    sys.argv = ["holdfast", *arguments]
    _watch()
    cli.run(Parts(lambda: services, app.build_bolt))
    sys.exit(0)


def _work(services: Services) -> NoReturn:
    """Until it is killed."""
    _watch()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    services.engine.lead()
    while True:
        signal.pause()


def _watch() -> None:
    """Points to die at, and the calls on AWS written down where a test asks for that: a fork is no start of Python."""
    points.install()
    if recorder.FILE in os.environ:
        recorder.install()


def main(arguments: list[str]) -> NoReturn:
    """`nursery SOCKET`, `nest SOCKET`, `work`, or what a bot takes."""
    if arguments[0] == "nursery":
        trust_the_power()
        _rehearse()
        wanted = _serve_until_forked(arguments[1])
        _become(wanted)
        arguments = wanted["arguments"]
    if arguments[0] == "nest":
        _nest(arguments[1])
    if arguments[0] == "work":
        _work(app.build_services(os.environ))
    sys.argv = ["holdfast", *arguments]
    _watch()
    app.main()
    sys.exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
