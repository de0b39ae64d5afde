"""The plugin by which CI refuses skipped tests, tried on a suite of every kind of skip."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.unit.packaging.checkout import ROOT

SUITE = """
import pytest

@pytest.fixture
def missing():
    pytest.skip("no browser here")

@pytest.mark.skip(reason="marked as such")
def test_mark(): ...

def test_fixture(missing): ...

def test_itself():
    pytest.skip("no server here")

@pytest.mark.xfail(reason="known")
def test_expected():
    raise AssertionError

def test_good(): ...
"""


def run_suite(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_suite.py").write_text(SUITE)
    (folder / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder)]
    return subprocess.run(
        [*command, "-c", str(folder / "pytest.ini"), *options, str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_skip_is_a_failure_with_its_reason(tmp_path: Path) -> None:
    done = run_suite(tmp_path, "-p", "tests.no_skips")
    assert done.returncode == 1
    for name, reason in {"mark": "marked as such", "fixture": "no browser here", "itself": "no server here"}.items():
        assert f"test_{name} may not be skipped here: {reason}" in done.stdout
    assert "skipped," not in done.stdout
    assert "1 passed, 1 xfailed" in done.stdout


def test_without_it_a_skip_is_a_skip(tmp_path: Path) -> None:
    done = run_suite(tmp_path)
    assert done.returncode == 0
    assert "1 passed, 3 skipped, 1 xfailed" in done.stdout


def test_a_skipped_module_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "test_module.py").write_text('import pytest\npytest.importorskip("nowhere")\n')
    done = run_suite(tmp_path, "-p", "tests.no_skips")
    assert done.returncode != 0
    assert "test_module.py may not be skipped here: could not import 'nowhere'" in done.stdout
