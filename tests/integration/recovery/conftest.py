"""One bot for all tests of a file; each test has an incident of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from bot.store.tables import Incident
from tests.crash.rig import Rig, open_rig
from tests.stage_fixtures import SharedStage


@pytest.fixture(scope="module")
def running_rig(shared_stage: SharedStage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """A bot that runs; tests take `rig`."""
    shared_stage.reset()
    with open_rig(shared_stage, tmp_path_factory.mktemp("rig")) as rig:
        rig.start_and_wait()
        yield rig


@pytest.fixture
def rig(running_rig: Rig, fresh_stage: SharedStage) -> Rig:
    """The bot, with the stage as at its start."""
    return running_rig


@pytest.fixture
def incident(rig: Rig, request: pytest.FixtureRequest) -> Incident:
    """This test's incident, with a room."""
    return rig.declare(re.sub(r"\W+", " ", request.node.name))
