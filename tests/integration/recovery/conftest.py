"""One bot for all tests of a file, each test with an incident of its own; or services alone, on either store."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.store.tables import Incident
from tests.crash.rig import Rig, open_rig
from tests.stage_fixtures import SharedStage

EIGHT = [f"approver{number}" for number in range(8)]
PEOPLE: list[dict[str, Any]] = [
    {"key": key, "name": f"Approver {key}", "email": f"{key}@example.com", "roles": ["devops_engineer"]}
    for key in EIGHT
]  # fmt: skip


@pytest.fixture(scope="module")
def running_rig(shared_stage: SharedStage, tmp_path_factory: pytest.TempPathFactory, aws_calls: Path) -> Iterator[Rig]:
    """A bot that runs, its AWS calls written down; tests take `rig`."""
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


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path, shared_stage: SharedStage) -> Iterator[str]:
    """The URL of an empty store."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'holdfast.db'}"
        return
    with shared_stage.bot_store() as url:
        yield url


@pytest.fixture
def crowd(shared_stage: SharedStage, tmp_path: Path, store: str) -> Iterator[Rig]:
    """Services with eight people who may approve; no bot runs, so what is queued stays queued."""
    with open_rig(shared_stage, tmp_path, store=store, people=PEOPLE) as rig:
        yield rig
