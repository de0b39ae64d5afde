"""The stories that `holdfast demo --headless` plays, from detection to post-mortem, among them the document's two."""

from __future__ import annotations

import pytest

from bot.sandbox.demo import open_sandbox
from bot.sandbox.stories import play


@pytest.mark.timeout(400)
@pytest.mark.parametrize("scenario", ["server-down", "bad-release", "database-corruption"])
def test_every_verdict_is_good(scenario: str) -> None:
    """Among them that each phase of the document was measured, where it has some."""
    with open_sandbox(bags=500, furnished=False) as sandbox:
        story = play(sandbox, scenario, ready_s=0.0)
    assert story.good, [verdict for verdict in story.verdicts if not verdict.good]
