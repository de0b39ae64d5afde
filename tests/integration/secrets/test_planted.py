"""Secrets planted wherever the bot looks: none of them is found afterwards wherever it writes.

One story through the real bot: everything is diagnosed, actions succeed and fail, the incident ends with its
post-mortem. Then Slack, files, the ledger, the bot's database and its log are searched for the marks.
"""

from __future__ import annotations

import copy
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bot.policy.plain_yaml import dump_plain, load_plain
from bot.sandbox.stage import DATABASE, Stage
from bot.store.tables import Incident
from tests.crash.rig import Rig, open_rig
from tests.crash.scenes import start
from tests.crash.scenes_of_secrets import give_old_password
from tests.inventory import make_values, secrets_in
from tests.stage_fixtures import SharedStage

IN_LOG = [
    "ERROR login failed: password=planted-log-000001 for amara",
    'ERROR cannot parse {"user": "amara", "access_token": "planted-log-000002"}',
    "ERROR connection to postgresql://traitortrack:planted-log-000003@db.example.com/traitortrack failed",
    "ERROR upstream said 401 to Authorization: Bearer planted-log-000004",
    "ERROR bad mail key SG.planted-log-000005-x.planted-log-000005-y",
    "ERROR while running ALTER ROLE traitortrack PASSWORD 'planted-log-000006'",
    "ERROR while running mysql --password planted-log-000007 -h db",
    "ERROR curl -u admin:planted-log-000008 https://x.example.com failed",
    "ERROR KeyError: SESSION_SECRET='planted-log-000009 with words'",
    "ERROR https://x.example.com/hook?token=planted-log-000010&x=1 answered 500",
    "ERROR AWS_SECRET_ACCESS_KEY: planted-log-000011",
    "ERROR Cookie: session=planted-log-000012; path=/",
    "ERROR -----BEGIN RSA PRIVATE KEY----- planted-log-000013 -----END RSA PRIVATE KEY-----",
]
QUERY = "SELECT pg_sleep(120) /* ALTER ROLE x PASSWORD 'planted-query-000001'; token=planted-query-000002 */"
PROCESS = f"worker-of-test-{os.getpid()}"
ARGUMENTS = [PROCESS, "--token", "planted-ps-000001", "--password=planted-ps-000002"]
ENVIRONMENT = {
    "PAYMENT_API_TOKEN": "planted-environment-000001",
    "BROKER_ADDRESS": "amqp://me:planted-environment-000002@broker.example.com/",
}
IN_FILE = "OTHER_TOKEN='planted-file-000001'\nSESSION_SECRET=planted-file-000002\n"
NOISY = "import sys; print('password=planted-command-000001'); print('TOKEN=planted-command-000002', file=sys.stderr)"


def adapt(path: Path) -> None:
    """Queries count as long at once; the second host prints a secret whenever it is asked for one, and fails."""
    text: dict[str, Any] = load_plain(path)
    text["databases"][DATABASE] |= {"long_query_after": "1 second", "terminate_query_after": "1 second"}
    noisy = [sys.executable, "-c", f"{NOISY}; sys.exit(3)"]
    other: dict[str, Any] = copy.deepcopy(text["hosts"]["app_1"])
    text["hosts"]["app_1"]["commands"]["workers"] = ["pgrep", "-af", PROCESS]
    other["title"] = "Other machine"
    other["commands"] |= {"read_secret": noisy, "memory": [*noisy, "again"]}
    text["hosts"]["app_2"] = other
    dump_plain(path, text)


@contextmanager
def planted(stage: Stage) -> Iterator[None]:
    """In the log, the queries, the processes, the environment file and the Secrets Manager of the stage."""
    stage.environment_path.write_text(IN_FILE, encoding="utf-8")
    with stage.warehouse_log_path.open("a", encoding="utf-8") as log:
        bare = [f"ERROR bad key {value} here" for value in make_values(stage).values()]  # the bot has read them
        log.writelines(f"2026-01-01 00:00:00,000 {line}\n" for line in [*IN_LOG, *bare])
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)", *ARGUMENTS])
    connection = psycopg.connect(stage.cluster.url(DATABASE), autocommit=True, application_name="planted")
    query = threading.Thread(target=run_quietly, args=(connection, QUERY), daemon=True)
    query.start()
    try:
        yield
    finally:
        process.kill()
        process.wait()
        connection.cancel_safe(timeout=5)
        query.join(timeout=10)
        connection.close()
        stage.warehouse_log_path.write_text("", encoding="utf-8")


def run_quietly(connection: psycopg.Connection, query: str) -> None:
    try:
        connection.execute(query)
    except psycopg.Error:  # it is ended, by the bot or by us
        return


@pytest.fixture
def rig(shared_stage: SharedStage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    """The real bot between a workspace and the stage in which everything is planted."""
    shared_stage.reset()
    stage = shared_stage.stage
    for name, value in stage.cloud.environment().items():
        monkeypatch.setenv(name, value)
    environment: dict[str, Any] = ENVIRONMENT
    with secrets_in(stage), planted(stage), open_rig(shared_stage, tmp_path, adapt=adapt, **environment) as rig:
        rig.start_and_wait()
        yield rig
    give_old_password(stage)


def test_none_of_them_is_found_afterwards(rig: Rig, tmp_path: Path) -> None:
    incident = rig.declare("Everything leaks")
    channel = rig.room(incident.id)
    rig.join("diego", channel)
    for action, given, state in (
        ("write_environment", {"application": "traitortrack"}, "failed"),
        ("rotate_secret", {"secret": "SESSION_SECRET"}, "done"),
        ("restart_application", {"application": "traitortrack"}, "done"),
        ("end_queries", {"database": DATABASE, "mode": "terminate"}, "done"),
    ):
        run = rig.finished(start(rig, action, given).id)
        assert run.state == state, run.words
        rig.actor("diego").type_command(channel.id, "/dr", f"output {run.id}")
    rig.actor("diego").type_command(channel.id, "/dr", "diagnose all")
    rig.wait("the findings", lambda: is_diagnosed(rig, incident))
    rig.services.desk.resolve(incident.id, actor="amara", text="all back")
    rig.wait("the post-mortem", lambda: rig.services.drafts.latest(incident.id))
    rig.settle()
    places = list_places(rig, tmp_path)
    assert_is_complete(places)
    leaks = {name: find_leaks(rig, text) for name, text in places.items()}
    assert {name: found for name, found in leaks.items() if found} == {}


def is_diagnosed(rig: Rig, incident: Incident) -> bool | None:
    sweep = rig.services.sweeps.latest(incident.id)
    return bool(sweep and sweep.finished_at) or None


def list_places(rig: Rig, folder: Path) -> dict[str, str]:
    """Whatever the bot has written, by where."""
    state, places = rig.workspace.state, dict[str, str]()
    for channel in state.channels.values():
        said = [*channel.messages.values(), *channel.ephemerals]
        places[f"Slack, #{channel.name}"] = json.dumps(said, default=str, ensure_ascii=False)
    places["Slack, files"] = "\n".join(
        (file.content or b"").decode("utf-8", "replace") for file in state.files.values()
    )
    places["Slack, views"] = json.dumps([view.payload for view in state.views.values()], default=str)
    places["ledger"] = "\n".join(f"{entry.text} {entry.data}" for entry in rig.entries())
    for path in folder.rglob("*"):
        if path.is_file() and path.name != "policy.yml":
            places[str(path.relative_to(folder))] = path.read_bytes().decode("utf-8", "replace")
    return places


def assert_is_complete(places: dict[str, str]) -> None:
    """What was planted was looked at: the words around it are there."""
    everything = "\n".join(places.values())
    for seen in ("login failed", "pg_sleep", PROCESS, "was not read", "OTHER_TOKEN"):
        assert seen in everything, seen
    assert {"ledger", "Slack, files", "holdfast.db", "bot0.log"} <= set(places)


def find_leaks(rig: Rig, text: str) -> list[str]:
    """The marks, and the secrets of the stage that have none, each once with what is around it."""
    stage = rig.shared.stage
    secrets = [*make_values(stage).values(), *stage.cluster._passwords.values()]
    shapes = [re.compile(r"planted-[a-z]+-[0-9]*"), *(re.compile(re.escape(secret)) for secret in secrets)]
    found = {
        one.group(): text[max(0, one.start() - 60) : one.end() + 20] for shape in shapes for one in shape.finditer(text)
    }
    return list(found.values())
