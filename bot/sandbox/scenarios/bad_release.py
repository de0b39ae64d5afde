"""A release whose health is as good as ever, and whose figures fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.sandbox.children import ChildFailed
from bot.sandbox.fleet import RELEASE, deploy
from bot.sandbox.scenarios import Scenario, ScenarioFailed
from bot.sandbox.service import ask

if TYPE_CHECKING:
    from bot.sandbox.stage import Stage

BAD = "v1.3.0"


def pull(stage: Stage) -> str:
    """Deploy it to every machine, as a team would that trusts its health endpoint."""
    disks = stage.list_disks()
    if not disks:
        raise ScenarioFailed("no machine of the application is up")
    repositories = stage.make_repositories()
    for disk in disks:
        try:
            if not disk.current.exists():
                deploy(disk, repositories, RELEASE)
            deploy(disk, repositories, BAD)
        except ChildFailed as trouble:
            raise ScenarioFailed(str(trouble)) from trouble
        status, words = ask(str(disk.init_socket), "restart")
        if status:
            raise ScenarioFailed(f"{BAD} was deployed and did not start: {words}")
    count = f"{len(disks)} servers" if len(disks) > 1 else "the server"
    return f"{BAD} was deployed to {count} in place of {RELEASE}: health is good, the dashboard's figures fail."


SCENARIO = Scenario(
    name="bad-release",
    title="Deploy a bad release",
    description=f"{BAD} goes live: it counts bags in a table that does not exist yet, and its health does not notice.",
    pull=pull,
    position=35,
)
