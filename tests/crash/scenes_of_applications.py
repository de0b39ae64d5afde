"""Scenes of the actions on the application and its hosts."""

from __future__ import annotations

from contextlib import ExitStack

from bot.sandbox.children import http_answers
from bot.store.tables import Run
from tests.crash.rig import Rig
from tests.crash.scenes import Scene
from tests.stage_fixtures import SharedStage


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
