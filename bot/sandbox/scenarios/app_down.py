"""The application's process dies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.sandbox.scenarios import Scenario, ScenarioFailed

if TYPE_CHECKING:
    from bot.sandbox.stage import Stage


def pull(stage: Stage) -> str:
    """Kill the warehouse application; nobody starts it again by himself."""
    if not stage.application.running:
        raise ScenarioFailed("the warehouse application is down already")
    stage.application.kill()
    return "The warehouse application was killed; it stays down until somebody starts it."


SCENARIO = Scenario(
    name="app-down",
    title="Kill the application",
    description="The warehouse application's process is killed and does not come back by itself.",
    pull=pull,
    position=30,
)
