"""Let an application run a revision from Git: from the repository, else from its mirror.

(Document: Recovery from Git.)
"""

from __future__ import annotations

from pydantic import Field

from bot.recovery.action import Context, Facts, World
from bot.recovery.code_changes import BRING_S, CodeAction, CodeChange
from bot.recovery.releases import Revision, current_of, fetch, look_up
from bot.systems.hosts.opening import OpenHost


class Deploy(CodeChange):
    revision: Revision = Field(title="Revision", description="A tag, a branch or a commit, such as v1.2.0.")


class DeployCode(CodeAction[Deploy]):
    name = "deploy_code"
    purpose = "Deploy a revision from Git, host by host"
    parameters = Deploy

    def find_target(self, world: World, parameters: Deploy, hosts: list[OpenHost], seen: dict[str, Facts]) -> Facts:
        """The commit is pinned by the plan: a branch that moves makes another plan."""
        found = look_up(world, hosts[0], parameters.revision, current_of(seen[hosts[0].key])[1])
        name = str(found["name"])
        note = "The repository did not answer: the mirror is used." if found["source"] == "mirror" else None
        label = name if found["kind"] == "commit" else f"{parameters.revision} ({name})"
        return {**found, "label": label, "note": note}

    def bring(self, context: Context[Deploy], host: OpenHost) -> Facts:
        return fetch(context, host, str(context.plan.observed["revision"]), BRING_S)


ACTION = DeployCode()
