"""What is shipped: the wheel's content, the lock, the version."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.unit.packaging.checkout import CHANGELOG, LOCK, ROOT, read_project

PINNED = re.compile(r"^(?P<name>[a-z0-9-]+)(\[[a-z,]+\])?==(?P<version>[^ ;]+)", re.MULTILINE)


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of the files in a wheel built from this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return set(zipfile.ZipFile(wheel).namelist())


@pytest.mark.parametrize("package", ["bot", "handlers", "templates"])
def test_the_wheel_holds_every_file_of_the_packages(shipped: set[str], package: str) -> None:
    there = {str(path.relative_to(ROOT)) for path in find_files(ROOT / package)}
    assert there
    assert there <= shipped


def test_the_wheel_holds_what_is_read_at_run_time(shipped: set[str]) -> None:
    assert {
        "bot/manifest.yml",
        "bot/policy/traitortrack.yml",
        "bot/store/migrations/env.py",
        "bot/store/migrations/script.py.mako",
        "bot/sandbox/page/page.html",
    } <= shipped
    assert any(name.endswith("licenses/LICENSE") for name in shipped)


def test_the_wheel_holds_nothing_else(shipped: set[str]) -> None:
    tops = {name.split("/")[0] for name in shipped}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"bot", "handlers", "templates"}
    assert not [name for name in shipped if "__pycache__" in name or "/tests/" in name]


def test_the_lock_has_everything_that_is_asked_for() -> None:
    locked = {found["name"]: found["version"] for found in PINNED.finditer(LOCK.read_text(encoding="utf-8"))}
    for requirement in find_requirements(read_project()):
        version = locked.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement.name} is not locked: make lock"
        assert requirement.specifier.contains(version, prereleases=True), f"{requirement} is locked as {version}"


def test_the_lock_has_hashes_and_names_no_place() -> None:
    text = LOCK.read_text(encoding="utf-8")
    entries = re.split(r"\n(?=\S)", text.strip())
    assert len(entries) == len(list(PINNED.finditer(text)))
    assert all("--hash=sha256:" in entry for entry in entries)
    assert not re.search(r"://|--(extra-)?index-url|--find-links| @ ", text)


def test_the_build_backend_is_locked_as_the_build_asks_for_it() -> None:
    project = read_project()
    assert project["build-system"]["requires"] == project["dependency-groups"]["build"]


def test_the_changelog_tells_of_this_version() -> None:
    version = read_project()["project"]["version"]
    assert f"\n## [{version}]" in CHANGELOG.read_text(encoding="utf-8")


def find_files(folder: Path) -> Iterator[Path]:
    yield from (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def find_requirements(project: dict[str, Any]) -> Iterator[Requirement]:
    """Of the program, its extras and the groups; a group that includes another is met at that other."""
    yield from map(Requirement, project["project"]["dependencies"])
    for extra in project["project"]["optional-dependencies"].values():
        yield from map(Requirement, extra)
    for group in project["dependency-groups"].values():
        yield from (Requirement(one) for one in group if isinstance(one, str))
