"""Finding PostgreSQL: complete, running, new enough, newest first, the wheel as second choice."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.sandbox import postgres_binaries
from bot.sandbox.postgres_binaries import PROGRAMS, PostgresNotFound, find_binaries, inspect_directory


def install(directory: Path, says: str, programs: tuple[str, ...] = PROGRAMS) -> Path:
    """Put programs there that print one line, as `postgres -V` does."""
    directory.mkdir(parents=True)
    for program in programs:
        (directory / program).write_text(f"#!/bin/sh\necho '{says}'\n")
        (directory / program).chmod(0o755)
    return directory


def test_the_wheel_carries_one_that_runs() -> None:
    found = find_binaries("wheel")
    assert found.origin == "wheel"
    assert found.version >= (16, 0)


def test_the_newest_on_path_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = install(tmp_path / "a", "postgres (PostgreSQL) 95.4")
    new = install(tmp_path / "b", "postgres (PostgreSQL) 99.1 (Debian 99.1-1)")
    monkeypatch.setenv("PATH", f"{old}:{new}:/usr/bin:/bin")
    found = find_binaries()
    assert (found.bindir, found.version, found.origin) == (new, (99, 1), "machine")
    assert str(found) == "PostgreSQL 99.1"


def test_a_link_on_path_leads_to_the_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = install(tmp_path / "real", "postgres (PostgreSQL) 99.1")
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "postgres").symlink_to(real / "postgres")
    monkeypatch.setenv("PATH", f"{tmp_path / 'links'}:/usr/bin:/bin")
    assert find_binaries().bindir == real


@pytest.mark.parametrize(
    ("says", "programs"),
    [
        pytest.param("postgres (PostgreSQL) 13.9", PROGRAMS, id="too old"),
        pytest.param("postgres (PostgreSQL) 17.1", ("postgres", "initdb"), id="without clients"),
        pytest.param("Segmentation fault", PROGRAMS, id="does not run"),
    ],
)
def test_what_cannot_be_used_is_passed_over(tmp_path: Path, says: str, programs: tuple[str, ...]) -> None:
    assert inspect_directory(install(tmp_path / "bin", says, programs), "machine") is None


def test_a_program_for_another_processor_is_passed_over(tmp_path: Path) -> None:
    directory = install(tmp_path / "bin", "postgres (PostgreSQL) 17.1")
    (directory / "postgres").write_bytes(b"\x7fELF not for this machine")
    assert inspect_directory(directory, "machine") is None


def test_a_beta_has_no_minor_version(tmp_path: Path) -> None:
    found = inspect_directory(install(tmp_path / "bin", "postgres (PostgreSQL) 19beta1"), "machine")
    assert found is not None
    assert found.version == (19, 0)


def test_where_there_is_none_the_refusal_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_binaries, "OLDEST_MAJOR", 99)
    with pytest.raises(PostgresNotFound, match=r"pip install 'holdfast\[sandbox\]'"):
        find_binaries()
