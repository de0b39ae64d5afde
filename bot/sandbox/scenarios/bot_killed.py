"""The bot itself dies in the middle of whatever it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.sandbox.scenarios import Scenario, ScenarioFailed

if TYPE_CHECKING:
    from bot.sandbox.stage import Stage


def pull(stage: Stage) -> str:
    """Kill the bot with SIGKILL; its supervisor starts it again."""
    if stage.bot is None or not stage.bot.running:
        raise ScenarioFailed("the bot does not run")
    stage.bot.crash()
    return "The bot was killed with SIGKILL; it is being started again."


SCENARIO = Scenario(
    name="bot-killed",
    title="Kill the bot",
    description="The bot's process is killed without warning, wherever it is, and started again.",
    pull=pull,
    position=60,
)
