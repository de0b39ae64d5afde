"""The sandbox as a whole: stage, workspace with its page, and the unmodified bot between them."""

from __future__ import annotations

import logging
import os
import secrets
import shlex
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from botocore.exceptions import ClientError, WaiterError

from bot.policy import Policy
from bot.policy.plain_yaml import load_plain
from bot.sandbox.children import Child, http_answers, module_command, module_environment
from bot.sandbox.cloud import CloudRefused
from bot.sandbox.demo_policy import STATUS, Postbox, write_demo_policy
from bot.sandbox.first_backup import take_first_backup, take_first_base_backup
from bot.sandbox.mailbox.letters import Mailbox
from bot.sandbox.mailbox.mails import catch_mails
from bot.sandbox.mailbox.routes import CAUGHT, mailbox_routes
from bot.sandbox.page.routes import page_routes
from bot.sandbox.people import list_members
from bot.sandbox.ports import free_port
from bot.sandbox.primary_instance import copy_snapshot_away
from bot.sandbox.stage import Stage
from bot.sandbox.workspace import StartChannel, Workspace, build_workspace, serve
from bot.settings import manifest_path

log = logging.getLogger(__name__)

READY_WITHIN_S = 30.0


@dataclass(frozen=True)
class Sandbox:
    """Everything that runs. `environment` is what the bot was started with."""

    stage: Stage
    workspace: Workspace
    policy: Policy
    bot: Child
    url: str
    environment: Mapping[str, str]
    mailbox: Mailbox

    @property
    def bot_environment(self) -> dict[str, str]:
        """The whole environment of the bot's process; another `holdfast` started with it works on the same store."""
        return module_environment(dict(self.environment))

    @property
    def directory(self) -> Path:
        return self.stage.directory


@contextmanager
def open_sandbox(
    *,
    port: int = 0,
    bags: int = 50_000,
    bags_per_s: float = 2.0,
    database_url: str | None = None,
    furnished: bool = True,
    machines: int = 2,
) -> Iterator[Sandbox]:
    """Start everything and wait until it is ready; stop everything at the end. Addresses are loopback only.

    `machines`: how many servers the application runs on; one is this machine itself.
    `furnished`: with a base backup and an RDS instance with a snapshot elsewhere, which come while people look around.
    """
    stage = Stage(bags=bags, bags_per_s=bags_per_s, archive_wal=furnished, machines=machines)
    mailbox = Mailbox()
    furnish = ThreadPoolExecutor(1, thread_name_prefix="furnish")
    with stage, furnish as background, catch_mails(mailbox) as smtp_port:
        port = port or free_port()
        page_url = f"http://127.0.0.1:{port}"
        postbox = Postbox(smtp_port, f"{page_url}{CAUGHT}")
        path, policy = write_demo_policy(
            stage.directory, stage.warehouse_url, supervisor=stage.supervisor_path, log_path=stage.warehouse_log_path,
            page_url=page_url, postbox=postbox, probed=True, fleet=stage.fleet,
        )  # fmt: skip
        workspace = build_workspace(
            list_members(policy),
            manifest=load_plain(manifest_path()),
            stage=stage,
            page_routes=[*page_routes(stage.directory / STATUS, mailbox="/mailbox"), *mailbox_routes(mailbox)],
            channels=[StartChannel(policy.slack.incidents_channel)],
        )
        bot_port = free_port()
        with serve(workspace, port=port) as url:
            own = {
                **stage.environment(),
                **workspace.environment,
                **postbox.environment(),
                "HOLDFAST_POLICY": str(path),
                "HOLDFAST_DATABASE_URL": database_url or f"sqlite:///{stage.directory / 'bot' / 'holdfast.db'}",
                "HOLDFAST_WEB_URL": f"http://127.0.0.1:{bot_port}",
                "HOLDFAST_WEB_SECRET": secrets.token_hex(32),
            }
            bot = start_bot(stage, own, bot_port)
            bot.wait_until(lambda: bool(workspace.sockets.connections), "connected", READY_WITHIN_S)
            if furnished:
                background.submit(_furnish, stage, policy)
            try:
                yield Sandbox(stage, workspace, policy, bot, url, own, mailbox)
            finally:
                bot.stop()


def _furnish(stage: Stage, policy: Policy) -> None:
    take_first_backup(stage, policy)
    take_first_base_backup(stage, policy)
    try:
        stage.adopt_primary()
        copy_snapshot_away(stage.cloud)
    except (CloudRefused, ClientError, WaiterError) as error:
        log.warning("The sandbox starts without an RDS instance, or without a snapshot of it elsewhere: %s", error)


def start_bot(stage: Stage, own: Mapping[str, str], port: int) -> Child:
    """`holdfast serve` as a child that comes back when it is killed, as under any supervisor."""
    command = module_command("bot", "serve", "--port", str(port))
    bot = Child("bot", command, log_path=stage.directory / "bot.log", env=module_environment(dict(own)), restart=True)
    bot.start()
    bot.wait_until(lambda: http_answers(f"http://127.0.0.1:{port}/readyz"), "ready", READY_WITHIN_S)
    stage.bot = bot
    return bot


def write_terminal_environment(sandbox: Sandbox) -> Path:
    """A file to source in a shell, so that `holdfast …` in a terminal works in this sandbox."""
    path = sandbox.directory / "terminal.sh"
    lines = [f"export {name}={shlex.quote(value)}" for name, value in sandbox.environment.items()]
    lines.append(f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    os.chmod(path, 0o600)
    return path


def leave(_number: int, _frame: FrameType | None) -> None:
    """SIGTERM ends the sandbox as Ctrl-C does."""
    raise KeyboardInterrupt
