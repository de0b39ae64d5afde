"""The stage as a whole: complete, reachable through its environment alone, and gone without a trace."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import boto3
import psycopg
import pytest

from bot.sandbox.children import PACKAGE_ROOT, Child, ChildFailed
from bot.sandbox.stage import Stage

from .waiting import is_alive, wait_until_gone

RUN_STAGE = """
import signal, psycopg
from bot.sandbox.stage import Stage
with Stage(bags=100) as stage:
    with psycopg.connect(stage.application_url) as connection:
        backend = connection.info.backend_pid
        print(stage.warehouse.pid, stage.cluster.pid, stage.cloud.pid, backend, flush=True)
        signal.pause()
"""


def test_the_bot_finds_everything_through_its_environment(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in stage.environment().items():
        monkeypatch.setenv(name, value)
    s3 = boto3.client("s3")
    assert s3.get_bucket_versioning(Bucket="traitortrack-backups")["Status"] == "Enabled"
    s3.put_object(Bucket="traitortrack-backups", Key="database/once", Body=b"x", IfNoneMatch="*")
    with pytest.raises(s3.exceptions.ClientError, match="PreconditionFailed"):
        s3.put_object(Bucket="traitortrack-backups", Key="database/once", Body=b"y", IfNoneMatch="*")
    for name, role in (("PRODUCTION_DATABASE_URL", "traitortrack"), ("HOLDFAST_RECOVERY_DATABASE_URL", "holdfast")):
        with psycopg.connect(os.environ[name]) as connection:
            assert connection.info.user == role
            assert connection.info.dbname == "traitortrack"
    dump = [f"{os.environ['HOLDFAST_PG_BINDIR']}/pg_dump", "-s", os.environ["HOLDFAST_RECOVERY_DATABASE_URL"]]
    assert b"CREATE TABLE public.bag " in subprocess.run(dump, capture_output=True, check=True).stdout


def test_all_lights_are_green(stage: Stage) -> None:
    lights = stage.lights()
    assert [(light["name"], light["state"]) for light in lights] == [
        ("Warehouse", "ok"),
        ("Database", "ok"),
        ("Backup storage", "ok"),
    ]
    assert re.match(r"1,\d{3} bags", lights[0]["detail"])
    assert "traitortrack-backups" in lights[2]["detail"]


def test_a_cloud_that_is_gone_is_a_red_light(stage: Stage) -> None:
    stage.cloud.stop()
    assert stage.lights()[2]["state"] == "down"
    stage.cloud.start()
    assert stage.lights()[2]["state"] == "ok"


def test_when_a_part_does_not_start_the_others_are_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(bags=10)
    started: list[int] = []

    def fail() -> None:
        assert stage.cluster.pid is not None
        started.append(stage.cluster.pid)
        raise ChildFailed("no warehouse today")

    monkeypatch.setattr(stage, "start_application", fail)
    with pytest.raises(ChildFailed, match="no warehouse today"):
        stage.start()
    wait_until_gone(started)
    assert not stage.directory.exists()


@pytest.mark.crash
def test_kill_9_of_the_owner_leaves_no_process() -> None:
    home = Path(tempfile.mkdtemp())  # pytest's own directories are closed to the user that PostgreSQL runs as
    home.chmod(0o755)
    env = {**os.environ, "PYTHONPATH": str(PACKAGE_ROOT), "TMPDIR": str(home)}
    try:
        with subprocess.Popen([sys.executable, "-c", RUN_STAGE], stdout=subprocess.PIPE, text=True, env=env) as owner:
            assert owner.stdout is not None
            pids = [int(word) for word in owner.stdout.readline().split()]
            assert len(pids) == 4
            assert all(map(is_alive, pids))
            owner.kill()
        wait_until_gone(pids)
    finally:
        shutil.rmtree(home)


def test_parts_can_be_stopped_twice(tmp_path: Path) -> None:
    child = Child("idle", ["sleep", "60"], log_path=tmp_path / "log")
    child.stop()
    stage = Stage(bags=10)
    stage.stop()
    stage.stop()
