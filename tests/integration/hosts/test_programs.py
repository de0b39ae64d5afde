"""The programs that actions bring to a host, run there as they are run for real."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bot.outcome import Failed
from bot.systems.hosts.command import Machine
from bot.systems.hosts.programs import read_answer, read_program


def run(machine: Machine, program: str, *arguments: str) -> object:
    words = [sys.executable, "-I", "-c", read_program(program), *arguments]
    return read_answer(machine.run(words, 20), machine.title)


def test_a_folder_is_emptied_and_stays(machine: Machine, tmp_path: Path) -> None:
    folder, outside = tmp_path / "sessions", tmp_path / "outside"
    (folder / "deep").mkdir(parents=True)
    outside.mkdir()
    (outside / "mine").touch()
    (folder / "deep" / "one").touch()
    (folder / "two $(x)").touch()
    (folder / "link").symlink_to(outside)
    assert run(machine, "empty_folder", str(folder)) == {"removed": 3, "left": 0}
    assert run(machine, "empty_folder", str(folder)) == {"removed": 0, "left": 0}
    assert list(folder.iterdir()) == []
    assert (outside / "mine").exists(), "what a link leads to is not ours"


def test_a_folder_that_is_a_link_or_leads_elsewhere_is_left_alone(machine: Machine, tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.mkdir()
    (real / "mine").touch()
    link.symlink_to(real)
    for folder in (str(link), f"{real}/../real", "/", "/etc", "sessions", ""):
        with pytest.raises(Failed, match="no plain folder"):
            run(machine, "empty_folder", folder)
    assert (real / "mine").exists()
