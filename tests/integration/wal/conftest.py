"""One bot on the archiving stage for all tests of a file, each test with an incident of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from bot.store.tables import Incident
from tests.archiving_stage import ArchivingStage
from tests.crash.rig import Rig, open_rig


@pytest.fixture(scope="module")
def running_rig(archiving_stage: ArchivingStage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """A bot that runs; tests take `rig`."""
    archiving_stage.reset()
    with open_rig(archiving_stage, tmp_path_factory.mktemp("rig")) as rig:
        rig.start_and_wait()
        yield rig


@pytest.fixture
def rig(running_rig: Rig, fresh_archiving_stage: ArchivingStage) -> Rig:
    """The bot, with the stage as at its start."""
    return running_rig


@pytest.fixture
def incident(rig: Rig, request: pytest.FixtureRequest) -> Incident:
    """This test's incident, with a room."""
    return rig.declare(re.sub(r"\W+", " ", request.node.name))
