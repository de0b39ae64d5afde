"""Children: they end with us, whatever ends us, and say why they failed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bot.sandbox.children import PACKAGE_ROOT, Child, ChildFailed, module_environment

from .waiting import is_alive, wait_for, wait_until_gone

SLEEPER = [sys.executable, "-c", "import time; print('awake', flush=True); time.sleep(600)"]
STUBBORN = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(os.getpid(), flush=True)
time.sleep(600)
"""
PARENT = """
import signal, sys
from pathlib import Path
from bot.sandbox.children import Child
sleeper = "import time; print('awake', flush=True); time.sleep(600)"
child = Child("sleeper", [sys.executable, "-c", sleeper], log_path=Path(sys.argv[1]))
child.start()
child.wait_until(lambda: "awake" in child.log_tail(), "awake", 10)
print(child.pid, flush=True)
signal.pause()
"""


def make(tmp_path: Path, argv: list[str], *, restart: bool = False) -> Child:
    return Child("it", argv, log_path=tmp_path / "it.log", restart=restart)


@pytest.mark.crash
@pytest.mark.parametrize("watched_by", ["kernel", "process"])
def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path, watched_by: str) -> None:
    extra = {"LIFELINE_WATCH": "1"} if watched_by == "process" else {}
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path / "log")],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(PACKAGE_ROOT), **extra},
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert is_alive(child)
        parent.kill()
    wait_until_gone([child])


def test_a_child_outlives_the_thread_that_started_it(tmp_path: Path) -> None:
    child = make(tmp_path, SLEEPER)
    starter = threading.Thread(target=child.start)
    starter.start()
    starter.join()
    child.wait_until(lambda: "awake" in child.log_tail(), "awake", 10)
    assert child.running
    child.stop()
    assert not child.running


def test_stop_ends_a_stubborn_child_and_its_own_children(tmp_path: Path) -> None:
    child = make(tmp_path, [sys.executable, "-c", STUBBORN])
    child.start()
    child.wait_until(lambda: len(child.log_tail().split()) == 2, "both started", 10)
    pids = [int(word) for word in child.log_tail().split()]
    child.stop(grace_s=0.2)
    wait_until_gone(pids)


def test_a_crashed_child_comes_back_if_asked_to_and_not_after_a_stop(tmp_path: Path) -> None:
    child = make(tmp_path, SLEEPER, restart=True)
    child.start()
    first = child.pid
    child.crash()
    wait_for(lambda: child.running and child.pid != first, "a second life")
    assert child.starts == 2
    second = child.pid
    child.stop()
    assert second is not None
    wait_until_gone([second])
    assert child.starts == 2
    child.start()
    third = child.pid
    child.kill()
    assert third is not None
    wait_until_gone([third])
    assert child.starts == 3


def test_start_twice_is_one_process(tmp_path: Path) -> None:
    child = make(tmp_path, SLEEPER)
    child.start()
    pid = child.pid
    child.start()
    assert child.pid == pid
    child.stop()


def test_a_child_that_ends_early_is_reported_with_the_tail_of_its_log(tmp_path: Path) -> None:
    noise = "import sys; [print('noise', n) for n in range(5000)]; sys.exit('the disk is full')"
    child = make(tmp_path, [sys.executable, "-c", noise])
    child.start()
    with pytest.raises(ChildFailed, match=r"ended with status 1 before ready(.|\n)*the disk is full") as caught:
        child.wait_until(lambda: False, "ready", 10)
    assert len(str(caught.value)) < 5000


def test_a_child_that_does_not_get_ready_is_reported(tmp_path: Path) -> None:
    child = make(tmp_path, SLEEPER)
    child.start()
    with pytest.raises(ChildFailed, match=r"not ready within 0.1 s"):
        child.wait_until(lambda: False, "ready", 0.1)
    child.stop()


def test_a_program_that_does_not_exist_is_named(tmp_path: Path) -> None:
    child = make(tmp_path, ["/no/such/program"])
    child.start()
    with pytest.raises(ChildFailed, match=r"cannot run /no/such/program: No such file"):
        child.wait_until(lambda: False, "ready", 10)


def test_a_child_can_be_frozen(tmp_path: Path) -> None:
    child = make(tmp_path, SLEEPER)
    child.start()
    child.send(signal.SIGSTOP)
    assert child.running
    child.stop(grace_s=0.2)
    assert not child.running


def test_children_inherit_no_way_to_the_real_world(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "SLACK_BOT_TOKEN", "PGHOST", "HOLDFAST_POLICY", "PRODUCTION_DATABASE_URL"):
        monkeypatch.setenv(name, "real")
    assert "real" not in module_environment({}).values()
    assert module_environment({"AWS_PROFILE": "wanted"})["AWS_PROFILE"] == "wanted"
