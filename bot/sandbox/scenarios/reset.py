"""Back to the beginning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.sandbox.scenarios import Scenario

if TYPE_CHECKING:
    from bot.sandbox.stage import Stage


def pull(stage: Stage) -> str:
    """Make the warehouse anew; backups stay."""
    stage.reset()
    return f"The warehouse was made anew with {stage.bags:,} bags; backups were kept."


SCENARIO = Scenario(
    name="reset",
    title="Start over",
    description="Drops every database of the sandbox and makes a fresh warehouse; backups in storage stay.",
    pull=pull,
    position=90,
)
