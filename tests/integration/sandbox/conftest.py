"""A small stage, shared by all tests here; whoever breaks it resets it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.sandbox.stage import Stage

BAGS = 1000


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """A running stage with 1,000 bags and ten new ones a second; a new one for each file, so that it is never old."""
    with Stage(bags=BAGS, bags_per_s=10) as running:
        yield running
