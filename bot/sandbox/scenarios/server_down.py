"""A server dies with everything on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.sandbox.scenarios import Scenario, ScenarioFailed

if TYPE_CHECKING:
    from bot.sandbox.stage import Stage


def pull(stage: Stage) -> str:
    """Kill the first of the servers that there were at the beginning and that is still up."""
    if stage.fleet is None:
        raise ScenarioFailed("this stage has no servers of its own; the application runs on this machine")
    for name in stage.fleet.instance_ids:
        if stage.cloud.describe_machine(name).is_up:
            stage.cloud.crash_machine(name)
            return f"Server {name} died, the application with it; EC2 goes on to call it running."
    raise ScenarioFailed("the servers that there were at the beginning are all down already")


SCENARIO = Scenario(
    name="server-down",
    title="Kill a server",
    description="One of the application's servers dies with everything on it; the load balancer sends nobody there.",
    pull=pull,
    position=45,
)
