"""A Web API method: how it is registered, what it is given, and what the caller may do."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.sandbox.workspace.errors import SlackError
from bot.sandbox.workspace.rates import Tier
from bot.sandbox.workspace.state import Channel
from bot.sandbox.workspace.vendor import Json
from bot.sandbox.workspace.workspace import Workspace

# Scopes by kind of channel: any one of them is enough.
ByKind = Mapping[str, tuple[str, ...]]
Scopes = tuple[str, ...] | ByKind

READ: ByKind = {"public": ("channels:read",), "private": ("groups:read",), "im": ("im:read",)}
HISTORY: ByKind = {"public": ("channels:history",), "private": ("groups:history",), "im": ("im:history",)}
MANAGE: ByKind = {"public": ("channels:manage",), "private": ("groups:write",), "im": ("im:write",)}
INVITE: ByKind = {
    "public": ("channels:manage", "channels:write.invites"),
    "private": ("groups:write", "groups:write.invites"),
}
TOPIC: ByKind = {
    "public": ("channels:manage", "channels:write.topic"),
    "private": ("groups:write", "groups:write.topic"),
    "im": ("im:write", "im:write.topic"),
}


@dataclass(frozen=True)
class Method:
    """One registered method. `caller` says whose token it takes: bot, app or anyone (none needed)."""

    name: str
    handler: Callable[[Call], Json]
    tier: Tier
    scopes: Scopes
    caller: str


METHODS: dict[str, Method] = {}
Handler = Callable[["Call"], Json]


def method(name: str, tier: Tier, scopes: Scopes = (), *, caller: str = "bot") -> Callable[[Handler], Handler]:
    """Register a function as the Web API method `name`; it answers with the fields beside `ok`."""

    def register(handler: Handler) -> Handler:
        METHODS[name] = Method(name, handler, tier, scopes, caller)
        return handler

    return register


@dataclass(frozen=True)
class Call:
    """One call of a method by the app."""

    workspace: Workspace
    method: Method
    arguments: Json

    @property
    def caller(self) -> str:
        """Who calls: the app's bot user."""
        return self.workspace.installed.bot_user_id

    def text(self, name: str, default: str = "") -> str:
        """A text argument."""
        value = self.arguments.get(name)
        return default if value is None else str(value)

    def required(self, name: str, error: str = "") -> str:
        """A text argument that must be there; `error`, else invalid_arguments, when it is not."""
        value = self.text(name)
        if value:
            return value
        if error:
            raise SlackError(error)
        raise SlackError("invalid_arguments", [f"[ERROR] missing required field: {name}"])

    def flag(self, name: str, *, default: bool = False) -> bool:
        """A true-or-false argument, however it is spelled."""
        value = self.arguments.get(name)
        return default if value is None else str(value).lower() in ("1", "true")

    def integer(self, name: str, default: int) -> int:
        """A whole number; SlackError invalid_arguments when it is none."""
        try:
            return int(self.arguments.get(name) or default)
        except ValueError:
            raise SlackError("invalid_arguments", [f"[ERROR] must be an integer: {name}"]) from None

    def names(self, name: str) -> list[str]:
        """A list of ids: an array or comma-separated."""
        value = self.arguments.get(name) or []
        if isinstance(value, str):
            value = self.structure(name) if value.startswith("[") else value.split(",")
        return [str(entry).strip() for entry in value if str(entry).strip()]

    def structure(self, name: str, error: str = "invalid_arguments") -> Any:
        """A JSON argument: as it is, or decoded where it came as a string; None when absent."""
        value = self.arguments.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value else None
        except ValueError:
            raise SlackError(error, [f"[ERROR] must be valid JSON: {name}"]) from None

    def channel(self, name: str = "channel", *, member: bool = False, active: bool = False) -> Channel:
        """The channel named by an argument. `member`: the app must be in it (not_in_channel);
        `active`: it must not be archived (is_archived)."""
        channel = self.workspace.state.channel(self.text(name), self.caller)
        self.check_scope(channel.kind)
        if active and channel.is_archived:
            raise SlackError("is_archived")
        if member and self.caller not in channel.members:
            raise SlackError("not_in_channel")
        return channel

    def check_scope(self, kind: str) -> None:
        """missing_scope unless the app may do this to a channel of that kind."""
        if isinstance(self.method.scopes, Mapping):
            if kind not in self.method.scopes:
                raise SlackError("method_not_supported_for_channel_type")
            require_any(self.workspace, self.method.scopes[kind])


def require_any(workspace: Workspace, scopes: tuple[str, ...]) -> None:
    """missing_scope unless the manifest asks for one of these scopes."""
    provided = workspace.manifest.scopes
    if scopes and not any(scope in provided for scope in scopes):
        raise SlackError("missing_scope", needed=scopes[0], provided=",".join(provided))


def all_scopes(scopes: Scopes) -> tuple[str, ...]:
    """Every scope that can be enough for some kind of channel."""
    if isinstance(scopes, Mapping):
        return tuple(scope for group in scopes.values() for scope in group)
    return scopes
