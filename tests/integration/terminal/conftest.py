"""`holdfast …` as real processes, in front of a workspace and a store of their own."""

from __future__ import annotations

import getpass
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bot import engine as engine_room
from bot.app import build_bolt, build_services
from bot.cli import holdfast
from bot.policy import default_policy_path, load_policy
from bot.policy.plain_yaml import dump_plain, load_plain
from bot.sandbox.children import Child, http_answers, module_command
from bot.sandbox.ports import free_port
from bot.sandbox.workspace import Workspace, serve
from bot.store.database import Database
from bot.terminal.session import Parts, TerminalSession
from tests.by_people import make_by_people
from tests.integration.engine.conftest import refuse_to_end
from tests.integration.handlers.rig import make_workspace
from tests.quiet_policy import keep_quiet

ROOT = Path(__file__).parents[3]
LIMIT_S = 90


@dataclass(frozen=True)
class Said:
    """What a command printed, and how it ended."""

    status: int
    out: str
    err: str

    @property
    def facts(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Terminal:
    """A shell in which `holdfast` works."""

    environment: Mapping[str, str]
    workspace: Workspace
    folder: Path

    def run(self, *arguments: str, **more: str) -> Said:
        """In this process, which spares the second that a new one takes to load everything."""
        environment = {**self.environment, **more}
        session = TerminalSession(Parts(lambda: build_services(environment), build_bolt))
        done = CliRunner().invoke(holdfast, arguments, obj=session, env=environment)
        if "services" in vars(session):
            session.services.engine.stop()
            session.services.database.close()
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Said(done.exit_code, done.stdout, done.stderr)

    def start(self, *arguments: str, **more: str) -> Said:
        """As a process of its own."""
        done = subprocess.run(
            [sys.executable, "-m", "bot", *arguments], env={**self.environment, **more}, cwd=ROOT,
            capture_output=True, text=True, timeout=LIMIT_S, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        return Said(done.returncode, done.stdout, done.stderr)

    def ok(self, *arguments: str, **more: str) -> Said:
        said = self.run(*arguments, **more)
        assert said.status == 0, said
        return said

    def started(self, *arguments: str) -> Said:
        said = self.start(*arguments)
        assert said.status == 0, said
        return said

    def refused(self, *arguments: str, **more: str) -> str:
        """Exit status 2, nothing on stdout, words on stderr and no traceback."""
        said = self.run(*arguments, **more)
        assert (said.status, said.out) == (2, ""), said
        assert "Traceback" not in said.err
        return said.err

    def store(self) -> Database:
        return Database(self.environment["HOLDFAST_DATABASE_URL"])


def write_policy(folder: Path, application_url: str = "http://127.0.0.1:9") -> Path:
    """The shipped policy with one more playbook, in which whoever runs the tests is Amara."""
    text = load_plain(default_policy_path())
    text["people"][0]["os_user"] = getpass.getuser()
    for application in text["applications"].values():
        application["url"] = application_url
    text["playbooks"]["by_people"] = make_by_people()
    path = folder / "policy.yml"
    dump_plain(path, text)
    return keep_quiet(path)


def make_environment(workspace: Workspace, folder: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "LOGNAME": getpass.getuser(),
        "PYTHONPATH": str(ROOT),
        **workspace.environment,
        "HOLDFAST_POLICY": str(write_policy(folder)),
        "HOLDFAST_DATABASE_URL": f"sqlite:///{folder / 'holdfast.db'}",
    }


@pytest.fixture(scope="package", autouse=True)
def _stay_alive() -> Iterator[None]:
    """An engine that stops while work is under way ends its process: here that is a failure, not the end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine_room, "_end_process", refuse_to_end)
        yield


@pytest.fixture(scope="package")
def workspace() -> Iterator[Workspace]:
    workspace = make_workspace(load_policy(None))
    with serve(workspace):
        yield workspace


@pytest.fixture
def terminal(workspace: Workspace, tmp_path: Path) -> Iterator[Terminal]:
    """No bot runs: each command does the bot's work itself."""
    yield Terminal(make_environment(workspace, tmp_path), workspace, tmp_path)
    workspace.set_outage(False)


@pytest.fixture
def beside_bot(terminal: Terminal) -> Iterator[Terminal]:
    """A bot runs on the same store."""
    port = free_port()
    command = module_command("bot", "serve", "--port", str(port))
    bot = Child("bot", command, log_path=terminal.folder / "bot.log", env=terminal.environment, cwd=ROOT)
    bot.start()
    try:
        bot.wait_until(lambda: http_answers(f"http://127.0.0.1:{port}/readyz"), "ready", LIMIT_S)
        yield terminal
    finally:
        bot.stop()
