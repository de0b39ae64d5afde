"""How soon a diagnosis tells something while half of what it looks at hangs.

`python -m tests.bench.diagnosis_bench`: seconds from the acknowledged command to the first message, to the first
findings in it, and to the end of the initial assessment, beside what each may take.
"""

from __future__ import annotations

import socket
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bot.policy import load_policy
from bot.policy.plain_yaml import dump_plain, load_plain
from bot.sandbox.actor import Actor, wait_for
from bot.sandbox.children import Child, http_answers, module_command, module_environment
from bot.sandbox.demo_policy import write_demo_policy
from bot.sandbox.people import list_members
from bot.sandbox.ports import free_port
from bot.sandbox.stage import Stage
from bot.sandbox.workspace import StartChannel, Workspace, build_workspace, serve
from bot.settings import manifest_path
from tests.integration.hosts.ssh_server import make_key

FIRST_WITHIN_S, ASSESSED_WITHIN_S = 2.0, 60.0
CALL_S = 0.1
ROUNDS = 3
SETTLES_S = 1.0


@contextmanager
def open_silence() -> Iterator[int]:
    """The port of a listener whose backlog takes connections; nobody ever reads from them."""
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as server:
        yield server.getsockname()[1]


def hang_hosts(path: Path, port: int, key: str) -> None:
    """The policy's hosts are behind that listener."""
    text = load_plain(path)
    text["hosts"] = {
        f"app_{number}": {
            "title": f"app {number}", "application": "traitortrack", "reach": "ssh", "address": "127.0.0.1",
            "port": port, "user": "holdfast", "host_key": f"ssh-ed25519 {key}",
            "private_key_env": "HOLDFAST_SSH_KEY",
        }
        for number in (1, 2)
    }  # fmt: skip
    dump_plain(path, text)


@contextmanager
def open_bot(folder: Path) -> Iterator[Workspace]:
    """The unmodified bot beside a real database and application; AWS and the hosts hang."""
    public, private = make_key()
    with Stage(bags=2_000, bags_per_s=0) as stage, open_silence() as silent:
        path, policy = write_demo_policy(folder, stage.warehouse_url, log_path=stage.warehouse_log_path)
        hang_hosts(path, silent, public.get_base64())
        members = list_members(policy)
        channels = [StartChannel(policy.slack.incidents_channel)]
        workspace = build_workspace(members, manifest=load_plain(manifest_path()), channels=channels)
        with serve(workspace):
            port = free_port()
            own = {
                **stage.environment(), **workspace.environment, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{silent}",
                "HOLDFAST_SSH_KEY": private, "HOLDFAST_POLICY": str(path),
                "HOLDFAST_DATABASE_URL": f"sqlite:///{folder}/b/holdfast.db",
            }  # fmt: skip
            command = module_command("bot", "serve", "--port", str(port))
            bot = Child("bot", command, log_path=folder / "bot.log", env=module_environment(own))
            bot.start()
            bot.wait_until(lambda: http_answers(f"http://127.0.0.1:{port}/readyz"), "ready", 30)
            bot.wait_until(lambda: bool(workspace.sockets.connections), "connected", 30)
            try:
                yield workspace
            finally:
                bot.stop()


def diagnose(workspace: Workspace) -> tuple[float, float, float]:
    """Seconds to the message, to the first findings in it, to its end."""
    actor = Actor(workspace, "U0AMARA")
    lobby = actor.channel(load_policy(None).slack.incidents_channel) or ""
    messages = workspace.state.channels[lobby].messages
    before = set(messages)
    actor.type_command(lobby, "/dr", "diagnose all")
    began = time.monotonic()

    def seconds_until(what: str, is_so: Callable[[dict[str, Any]], bool]) -> float:
        def look() -> bool | None:
            new = [message for ts, message in list(messages.items()) if ts not in before]
            return any(str(one.get("text", "")).startswith("Diagnosis") and is_so(one) for one in new) or None

        wait_for(what, look, 90)
        return time.monotonic() - began

    shown = seconds_until("the message", lambda _: True)
    found = seconds_until("findings", lambda one: ", 0 findings" not in one["text"])
    ended = seconds_until("the end", lambda one: "Look again" in str(one.get("blocks")))
    return shown, found, ended


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, open_bot(Path(folder)) as workspace:
        workspace.faults.latency_s = CALL_S
        time.sleep(SETTLES_S)
        rounds = [diagnose(workspace) for _ in range(ROUNDS)]
    print(f"with {CALL_S * 1000:.0f} ms a call to Slack, half of all systems hanging, {ROUNDS} rounds")
    print("each round: " + "; ".join("/".join(f"{one:.2f}" for one in times) for times in rounds))
    limits = {"first message": FIRST_WITHIN_S, "first findings": FIRST_WITHIN_S, "assessed": ASSESSED_WITHIN_S}
    for (name, limit), times in zip(limits.items(), zip(*rounds, strict=True), strict=True):
        print(
            f"{name}: first round {times[0]:.2f} s, median {statistics.median(times):.2f} s, worst {max(times):.2f} s;"
            f" the worst is {max(times) / limit:.2f} of its {limit:.0f} s"
        )


if __name__ == "__main__":
    main()
