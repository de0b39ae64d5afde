"""How long Slack waits for us: acknowledgement of slash commands, and declare to last announcement.

`python -m tests.bench.slack_bench`: each figure beside Slack's limit, on SQLite and on PostgreSQL.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from bot.policy import load_policy
from bot.policy.plain_yaml import load_plain
from bot.sandbox.actor import Actor, wait_for
from bot.sandbox.children import Child, http_answers, module_command, module_environment
from bot.sandbox.demo_policy import write_demo_policy
from bot.sandbox.people import list_members
from bot.sandbox.ports import free_port
from bot.sandbox.postgres_cluster import Cluster
from bot.sandbox.workspace import StartChannel, Workspace, build_workspace, serve
from bot.settings import manifest_path
from bot.terminal.serve import SETTLED_S

COMMANDS, PER_SECOND = 200, 20
SLACK_LIMIT_S, AIM_S = 3.0, 0.1
CALL_S, CALLS_IN_A_ROW = 0.1, 3
DECLARATIONS = 7


@contextmanager
def open_bot(database_url: str, folder: Path) -> Iterator[Workspace]:
    """The workspace and the unmodified bot, without a warehouse."""
    path, policy = write_demo_policy(folder, "http://127.0.0.1:9")
    workspace = build_workspace(
        list_members(policy),
        manifest=load_plain(manifest_path()),
        channels=[StartChannel(policy.slack.incidents_channel)],
    )
    with serve(workspace):
        port = free_port()
        own = {**workspace.environment, "HOLDFAST_POLICY": str(path), "HOLDFAST_DATABASE_URL": database_url}
        command = module_command("bot", "serve", "--port", str(port))
        bot = Child("bot", command, log_path=folder / "bot.log", env=module_environment(own))
        bot.start()
        bot.wait_until(lambda: http_answers(f"http://127.0.0.1:{port}/readyz"), "ready", 30)
        bot.wait_until(lambda: bool(workspace.sockets.connections), "connected", 30)
        time.sleep(SETTLED_S * 1.5)  # an incident seldom meets a bot that has just come up
        try:
            yield workspace
        finally:
            bot.stop()


def measure_acknowledgements(workspace: Workspace) -> list[float]:
    """Seconds from sending a command to its acknowledgement, at a steady rate."""
    actor = Actor(workspace, "U0AMARA")
    lobby = actor.channel(load_policy(None).slack.incidents_channel) or ""
    actor.type_command(lobby, "/incident", "declare P2 A bench of commands")
    wait_for("the channel", lambda: actor.channel("inc-1-"), 20)

    def ask(number: int) -> float:
        time.sleep(max(0.0, began + number / PER_SECOND - time.monotonic()))
        sent = time.monotonic()
        actor.type_command(lobby, "/incident", f"note entry {number}")
        return time.monotonic() - sent

    began = time.monotonic()
    with ThreadPoolExecutor(max_workers=PER_SECOND) as pool:
        return list(pool.map(ask, range(COMMANDS)))


def measure_declarations(workspace: Workspace) -> list[float]:
    """Seconds from the command to the last of announcement, invitations, topic, summary and its pin."""
    actor = Actor(workspace, "U0AMARA")
    lobby = actor.channel(load_policy(None).slack.incidents_channel) or ""
    workspace.faults.latency_s = CALL_S
    return [_declare_once(workspace, actor, lobby, number) for number in range(DECLARATIONS)]


def _declare_once(workspace: Workspace, actor: Actor, lobby: str, number: int) -> float:
    title = f"Declared in bench {number}"
    began = time.monotonic()
    actor.type_command(lobby, "/incident", f"declare P1 {title}")

    def look() -> bool | None:
        rooms = [one for one in workspace.state.channels.values() if f"declared-in-bench-{number}" in one.name]
        announced = any(
            title in message.get("text", "") and rooms and f"<#{rooms[0].id}>" in str(message.get("blocks"))
            for message in workspace.state.channels[lobby].messages.values()
        )
        return (announced and rooms[0].pins and len(rooms[0].members) > 5 and bool(rooms[0].topic.value)) or None

    wait_for("the last announcement", look, 30)
    took = time.monotonic() - began
    time.sleep(1)
    return took


def report(name: str, workspace: Workspace) -> None:
    waits = sorted(measure_acknowledgements(workspace))
    p50, p99 = statistics.median(waits), waits[int(len(waits) * 0.99) - 1]
    print(
        f"{name}: acknowledgement at {PER_SECOND}/s: median {p50 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms; "
        f"p99 is {p99 / SLACK_LIMIT_S:.3f} of Slack's limit, {p99 / AIM_S:.2f} of the aim"
    )
    declared = statistics.median(measure_declarations(workspace))
    print(
        f"{name}: declare to last announcement at {CALL_S * 1000:.0f} ms a call: median {declared:.2f} s, "
        f"{declared / (CALL_S * CALLS_IN_A_ROW):.2f} of {CALLS_IN_A_ROW} calls in a row"
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, open_bot(f"sqlite:///{folder}/b/holdfast.db", Path(folder)) as one:
        report("SQLite", one)
    with tempfile.TemporaryDirectory() as folder, Cluster() as cluster:
        cluster.create_database("holdfast_bench", owner="holdfast")
        with open_bot(cluster.url("holdfast_bench", role="holdfast"), Path(folder)) as two:
            report("PostgreSQL", two)


if __name__ == "__main__":
    main()
