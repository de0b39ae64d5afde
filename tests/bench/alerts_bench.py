"""How long monitoring waits for us in an alert storm: 500 different alerts in 10 s, one incident, nothing lost.

`python -m tests.bench.alerts_bench`: acknowledgement at p50 and p99, the calls of Slack's Web API, with its rate limits
on, and what became of the alerts; on SQLite and on PostgreSQL.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests
import sqlalchemy as sa

from bot.policy.plain_yaml import dump_plain, load_plain
from bot.sandbox.actor import wait_for
from bot.sandbox.children import Child, http_answers, module_command, module_environment
from bot.sandbox.demo_policy import write_demo_policy
from bot.sandbox.people import list_members
from bot.sandbox.ports import free_port
from bot.sandbox.postgres_cluster import Cluster
from bot.sandbox.workspace import StartChannel, Workspace, build_workspace, serve
from bot.settings import manifest_path
from bot.store.database import Database
from bot.store.tables import Alert, AlertGroup, Incident
from bot.terminal.serve import SETTLED_S

ALERTS, PER_SECOND, SENDERS = 500, 50, 16
AIM_S = 0.1
SECRET = "bench"


@dataclass(frozen=True)
class Running:
    url: str
    workspace: Workspace
    store: Database


def declare_all(policy: Path) -> None:
    """Every alert declares: the hardest case."""
    text = load_plain(policy)
    text["alerts"]["rules"] = [{"name": "all", "severity": "P1", "category": "application", "declare": True}]
    dump_plain(policy, text)


@contextmanager
def open_bot(database_url: str, folder: Path) -> Iterator[Running]:
    """The workspace and the unmodified bot, without a warehouse."""
    path, policy = write_demo_policy(folder, "http://127.0.0.1:9")
    declare_all(path)
    manifest = load_plain(manifest_path())
    lobby = StartChannel(policy.slack.incidents_channel)
    workspace = build_workspace(list_members(policy), manifest=manifest, channels=[lobby])
    workspace.rates.enabled = True
    with serve(workspace):
        port = free_port()
        own = {
            **workspace.environment, "HOLDFAST_POLICY": str(path), "HOLDFAST_DATABASE_URL": database_url,
            "ALERTS_SECRET": SECRET,
        }  # fmt: skip
        command = module_command("bot", "serve", "--port", str(port))
        bot = Child("bot", command, log_path=folder / "bot.log", env=module_environment(own))
        bot.start()
        bot.wait_until(lambda: http_answers(f"http://127.0.0.1:{port}/readyz"), "ready", 60)
        bot.wait_until(lambda: bool(workspace.sockets.connections), "connected", 60)
        time.sleep(SETTLED_S * 1.5)  # a storm seldom meets a bot that has just come up
        store = Database(database_url)
        try:
            yield Running(f"http://127.0.0.1:{port}/alerts/generic", workspace, store)
        finally:
            store.close()
            bot.stop()


def storm(running: Running) -> list[float]:
    """Seconds from sending an alert to its acknowledgement, at a steady rate."""

    def send(number: int) -> float:
        time.sleep(max(0.0, began + number / PER_SECOND - time.monotonic()))
        sent = time.monotonic()
        body = {"title": f"Alert {number}", "labels": {"host": f"host-{number}"}}
        answer = requests.post(running.url, json=body, headers={"Authorization": f"Bearer {SECRET}"}, timeout=60)
        answer.raise_for_status()
        return time.monotonic() - sent

    began = time.monotonic()
    with ThreadPoolExecutor(SENDERS) as pool:
        return list(pool.map(send, range(ALERTS)))


def count_told(running: Running) -> int:
    with running.store.read() as session:
        told = sa.select(sa.func.count()).select_from(Alert).where(Alert.told == "firing")
        return session.scalar(told) or 0


def report(name: str, running: Running, waits: list[float]) -> None:
    wait_for("all alerts on the timeline", lambda: count_told(running) == ALERTS or None, 60)
    calls = [one for one in running.workspace.recorder.calls if one.method.startswith("chat.")]
    limited = sum(one.answer.get("error") == "ratelimited" for one in calls)
    with running.store.read() as session:
        incidents, groups, kept = (
            session.scalar(sa.select(sa.func.count()).select_from(table)) for table in (Incident, AlertGroup, Alert)
        )
    p50, p99 = statistics.median(waits), sorted(waits)[int(len(waits) * 0.99)]
    figures = f"{p50 * 1000:.0f} ms at p50, {p99 * 1000:.0f} ms at p99"
    print(f"{name}: acknowledged in {figures} (aim: {AIM_S * 1000:.0f} ms)")
    said = dict(Counter(call.method for call in calls))
    print(
        f"  {kept} alerts kept, {groups} group, {incidents} incident; calls of Slack: {said}, {limited} of them refused"
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with open_bot(f"sqlite:///{folder / 'bench.db'}", folder) as running:
            report("SQLite", running, storm(running))
    with tempfile.TemporaryDirectory() as name, Cluster() as cluster:
        cluster.create_database("holdfast_bench", owner="holdfast")
        with open_bot(cluster.url("holdfast_bench", role="holdfast"), Path(name)) as running:
            report("PostgreSQL", running, storm(running))


if __name__ == "__main__":
    main()
