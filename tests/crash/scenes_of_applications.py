"""Scenes of the actions on the application and its hosts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from bot.sandbox.children import http_answers
from bot.sandbox.stage import Stage
from bot.store.tables import Run
from tests.crash.rig import Rig
from tests.crash.scenes import Scene
from tests.inventory import secrets_in
from tests.stage_fixtures import SharedStage

OLD_ENVIRONMENT = "SESSION_SECRET=old\nMINE=1\n"


def restart_application(_stack: ExitStack, shared: SharedStage) -> Scene:
    """The supervisor counts; whoever is cancelled may have asked for it before."""
    stage = shared.stage
    before = stage.warehouse.starts

    def done(rig: Rig, run: Run) -> None:
        assert stage.warehouse.starts - before == 1
        assert http_answers(f"{stage.warehouse_url}/health")

    def untouched(rig: Rig, run: Run) -> None:
        rig.wait("the application", lambda: http_answers(f"{stage.warehouse_url}/health") or None)
        assert stage.warehouse.starts - before <= 1

    return Scene({"application": "traitortrack"}, done, untouched)


def write_environment(stack: ExitStack, shared: SharedStage) -> Scene:
    """The old file is kept once, whoever died in between; whoever is cancelled leaves it as it was."""
    path = shared.stage.environment_path
    stack.enter_context(cloud_of(shared.stage))
    stack.enter_context(secrets_in(shared.stage))
    path.write_text(OLD_ENVIRONMENT, encoding="utf-8")

    def done(rig: Rig, run: Run) -> None:
        assert "ENVIRONMENT=production\n" in path.read_text(encoding="utf-8")
        (kept,) = path.parent.glob(f"{path.name}.*")
        assert kept.read_text(encoding="utf-8") == OLD_ENVIRONMENT

    def untouched(rig: Rig, run: Run) -> None:
        assert path.read_text(encoding="utf-8") == OLD_ENVIRONMENT
        assert [one.name for one in path.parent.glob(f"{path.name}*")] == [path.name]

    return Scene({"application": "traitortrack"}, done, untouched)


@contextmanager
def cloud_of(stage: Stage) -> Iterator[None]:
    """boto3 in this process talks to the stage's cloud."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in stage.cloud.environment().items():
            patch.setenv(name, value)
        yield
