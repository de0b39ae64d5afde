"""The way back from app-down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.sandbox.scenarios import Scenario

if TYPE_CHECKING:
    from bot.sandbox.stage import Stage


def pull(stage: Stage) -> str:
    """Start the warehouse application unless it runs."""
    if stage.application.running:
        return "The warehouse application runs already."
    stage.start_application()
    return "The warehouse application was started."


SCENARIO = Scenario(
    name="app-up",
    title="Start the application",
    description="Starts the warehouse application again after it was killed.",
    pull=pull,
    position=40,
)
