"""Children end with us, say how they ended, and never fill our memory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from bot.systems.outcomes import SystemCancelled
from bot.systems.processes import STDERR_LINES, Child, ProcessFailed, capture
from tests.integration.sandbox.waiting import is_alive, wait_until_gone

PARENT = """
import sys, time
from bot.systems.processes import Child
with Child(["sleep", "1000"]) as child:
    print(child.pid, flush=True)
    time.sleep(1000)
"""


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_output_is_captured() -> None:
    assert capture(python("print('ünï')")) == "ünï\n"


def test_failure_carries_the_end_of_what_was_said() -> None:
    code = "import sys\nfor i in range(10**5): print('line', i, file=sys.stderr)\nsys.exit(3)"

    with pytest.raises(ProcessFailed, match=r"ended with status 3: line") as caught:
        capture(python(code))

    assert caught.value.said.splitlines()[-1] == "line 99999"
    assert len(caught.value.said.splitlines()) == STDERR_LINES


def test_one_endless_line_is_cut() -> None:
    with pytest.raises(ProcessFailed) as caught:
        capture(python("import sys; sys.stderr.write('x' * 10**7); sys.exit(1)"))

    assert len(caught.value.said) < 40_000


def test_program_that_does_not_exist_fails() -> None:
    with pytest.raises(ProcessFailed, match="No such file"):
        capture(["/nowhere/pg_dump"])


def test_signal_is_named() -> None:
    with Child(["sleep", "1000"]) as child:
        os.kill(child.pid, signal.SIGTERM)
        with pytest.raises(ProcessFailed, match="was ended by SIGTERM"):
            child.finish()


def test_leaving_kills_grandchildren_too() -> None:
    with Child(["sh", "-c", "sleep 1000 & echo $!; wait"], stdout=True) as child:
        grandchild = int(child.stdout.readline())
        assert is_alive(grandchild)

    wait_until_gone([child.pid, grandchild])


def test_check_stops_the_waiting() -> None:
    def check() -> None:
        raise SystemCancelled("enough")

    with pytest.raises(SystemCancelled), Child(["sleep", "1000"]) as child:
        child.finish(poll_s=0.01, check=check)

    wait_until_gone([child.pid])


@pytest.mark.crash
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
def test_child_dies_with_us() -> None:
    with subprocess.Popen(python(PARENT), stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert is_alive(child)
        parent.kill()

    wait_until_gone([child])
