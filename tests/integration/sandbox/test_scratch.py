"""Scratch directories: gone after use, and what a killed owner left is removed by the next one."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from bot.sandbox.children import PACKAGE_ROOT
from bot.sandbox.scratch import ScratchDirectory

HOLD = "from bot.sandbox.scratch import ScratchDirectory as S; s = S('held'); print(s.path, flush=True); input()"
LONG_AGO = (1_000_000_000, 1_000_000_000)


@pytest.fixture(autouse=True)
def _own_temporary_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def hold(tmp_path: Path) -> tuple[subprocess.Popen[str], Path]:
    env = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": str(PACKAGE_ROOT)}
    owner = subprocess.Popen(
        [sys.executable, "-c", HOLD], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    return owner, Path(owner.stdout.readline().strip())


def test_it_is_removed_once_and_for_all() -> None:
    scratch = ScratchDirectory("test")
    (scratch.path / "file").touch()
    scratch.remove()
    scratch.remove()
    assert not scratch.path.exists()


def test_a_killed_owner_s_directory_is_removed_and_a_living_one_s_is_not(tmp_path: Path) -> None:
    (killed, abandoned), (living, held) = hold(tmp_path), hold(tmp_path)
    with killed, living:
        killed.kill()
        killed.wait()
        for path in (abandoned, held):
            os.utime(path, LONG_AGO)
        ScratchDirectory("next").remove()
        assert not abandoned.exists()
        assert held.exists()
        living.kill()


def test_a_young_directory_is_left_alone(tmp_path: Path) -> None:
    owner, path = hold(tmp_path)
    with owner:
        owner.kill()
        owner.wait()
        ScratchDirectory("next").remove()
        assert path.exists()
