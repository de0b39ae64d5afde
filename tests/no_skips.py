"""A pytest plugin that turns every skip into a failure: `pytest -p tests.no_skips`.

Where everything that the tests need was installed on purpose, a skipped test is one that nobody ran. Expected
failures (xfail) stay what they are.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

import pytest

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that skipped, by a mark, a fixture or itself, has failed."""
    return refuse_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A module that skipped as a whole has failed."""
    return refuse_skip((yield))


def refuse_skip(report: Report) -> Report:
    """Return the report, as a failure that names the test and the reason if it was a skip."""
    if report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid} may not be skipped here: {reason.removeprefix('Skipped: ')}"
    return report
