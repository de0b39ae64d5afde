"""A ballot under the shipped policy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.recovery.ballot import Ballot, open_ballot


@pytest.fixture
def ballot(tmp_path: Path) -> Iterator[Ballot]:
    with open_ballot(tmp_path) as opened:
        yield opened
