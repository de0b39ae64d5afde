"""Ways to reach people, one a file with `NAME` and `build(wiring)`; Slack, which needs its client, `app` builds.

A channel that is served by AWS has `list_rights(policy)` as well: what IAM must allow, each right with its resources.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType

from bot.comms.deliveries import Channel, ChannelRefused
from bot.comms.prose import Prose
from bot.policy import Policy
from bot.store.database import Database


class NotSetUp(Exception):
    """A channel that the policy wants cannot be used; the message names what is missing, and where it belongs."""


@dataclass(frozen=True)
class Wiring:
    """What channels are built from. Secrets are read from `environment` when something is sent, not before."""

    policy: Policy
    environment: Mapping[str, str]
    database: Database
    prose: Prose

    def require(self, *variables: str | None) -> None:
        """Raises `NotSetUp` where one of these variables of the environment is missing."""
        missing = [name for name in variables if name and not self.environment.get(name)]
        if missing:
            raise NotSetUp(f"{', '.join(missing)} is not set in the bot's environment")

    def secret(self, variable: str) -> str:
        """A secret, for one call. Raises `ChannelRefused` where it is gone since the start."""
        value = self.environment.get(variable, "").strip()
        if not value:
            raise ChannelRefused(f"{variable} is not set in the bot's environment")
        return value


def build_channels(wiring: Wiring) -> tuple[dict[str, Channel], dict[str, str]]:
    """The channels that can be used by name, and why the others that the policy sets up cannot."""
    ready, lacking = dict[str, Channel](), dict[str, str]()
    for name, module in channel_modules().items():
        if getattr(wiring.policy.channels, name) is None:
            continue
        try:
            ready[name] = module.build(wiring)
        except NotSetUp as error:
            lacking[name] = str(error)
    return ready, lacking


def list_aws_rights(policy: Policy) -> dict[str, tuple[str, ...]]:
    """What the channels that the policy sets up need in AWS: each right, and the ARNs that it is needed on."""
    found: dict[str, tuple[str, ...]] = {}
    for name, module in channel_modules().items():
        if getattr(policy.channels, name) is not None and hasattr(module, "list_rights"):
            for right, resources in module.list_rights(policy).items():
                found[right] = (*found.get(right, ()), *resources)
    return found


def channel_modules() -> dict[str, ModuleType]:
    """Every file of this folder that builds a channel, by the channel's name."""
    found = [importlib.import_module(f"{__name__}.{info.name}") for info in pkgutil.iter_modules(__path__)]
    return {module.NAME: module for module in found if hasattr(module, "NAME")}
