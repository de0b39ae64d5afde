"""Which of the machine's client programs is taken for a server."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.systems import client_tools
from bot.systems.client_tools import ClientToolsUnfit, find_client_tools


def install(directory: Path, version: str) -> Path:
    """A directory with programs that say they are of a version."""
    directory.mkdir(parents=True)
    for name in ("pg_dump", "pg_restore", "psql"):
        program = directory / name
        program.write_text(f'#!/bin/sh\necho "{name} (PostgreSQL) {version} (from a test)"\n')
        program.chmod(0o755)
    return directory


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """A machine with clients 13, 15, 16 and 18 and no choice made by the environment."""
    monkeypatch.delenv(client_tools.BINDIR_VARIABLE, raising=False)
    versions = ("13.9", "16.1", "15.18", "18beta1")
    places = [install(tmp_path / version, version) for version in versions]
    monkeypatch.setattr(client_tools, "_list_bindirs", lambda: [tmp_path / "empty", *places])
    return places


@pytest.mark.parametrize(
    ("server", "dump", "version"),
    [(14, 0, "15.18"), (15, 0, "15.18"), (15, 16, "16.1"), (16, 0, "16.1"), (17, 0, "18beta1"), (18, 16, "18beta1")],
)
def test_oldest_that_fits_is_taken(machine: list[Path], server: int, dump: int, version: str) -> None:
    assert find_client_tools(server, dump_major=dump).version == version


@pytest.mark.parametrize(("server", "dump"), [(19, 0), (15, 17), (16, 18)])
def test_none_that_fits_is_refused(machine: list[Path], server: int, dump: int) -> None:
    with pytest.raises(ClientToolsUnfit, match=rf"PostgreSQL {server}.*15\.18 in .*Nothing was changed"):
        find_client_tools(server, dump_major=dump)


def test_environment_leaves_no_choice(machine: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(client_tools.BINDIR_VARIABLE, str(machine[0]))

    with pytest.raises(ClientToolsUnfit, match=r"found: 13\.9 in"):
        find_client_tools(15)


def test_empty_machine_is_told_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(ClientToolsUnfit, match=r"none at all.*postgresql-client-15"):
        find_client_tools(15, bindir=tmp_path)
