"""What the app's manifest says: its name, bot user, commands, shortcuts, scopes and event subscriptions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox.workspace.vendor import Json


@dataclass(frozen=True)
class SlashCommand:
    """A slash command; `should_escape` makes Slack send users and channels as `<@U…|name>`."""

    command: str
    description: str = ""
    usage_hint: str = ""
    should_escape: bool = False


@dataclass(frozen=True)
class Shortcut:
    """A global or message shortcut."""

    name: str
    type: str
    callback_id: str
    description: str = ""


@dataclass(frozen=True)
class AppManifest:
    """The parts of a Slack app manifest that change how Slack treats the app."""

    name: str
    bot_name: str
    commands: Mapping[str, SlashCommand] = field(default_factory=dict)
    shortcuts: tuple[Shortcut, ...] = ()
    scopes: tuple[str, ...] = ()
    events: frozenset[str] = frozenset()
    home_tab: bool = False

    @classmethod
    def parse(cls, manifest: Mapping[str, Any]) -> AppManifest:
        """Read a manifest as Slack's app settings accept it (YAML or JSON, already loaded)."""
        features: Json = manifest.get("features") or {}
        settings: Json = manifest.get("settings") or {}
        oauth: Json = manifest.get("oauth_config") or {}
        home: Json = features.get("app_home") or {}
        name = str(manifest["display_information"]["name"])
        return cls(
            name=name,
            bot_name=str((features.get("bot_user") or {}).get("display_name", name)),
            commands=_commands(features),
            shortcuts=_shortcuts(features),
            scopes=tuple((oauth.get("scopes") or {}).get("bot") or ()),
            events=frozenset((settings.get("event_subscriptions") or {}).get("bot_events") or ()),
            home_tab=bool(home.get("home_tab_enabled", False)),
        )


def _commands(features: Json) -> dict[str, SlashCommand]:
    keys = ("command", "description", "usage_hint", "should_escape")
    found = [SlashCommand(**{k: c[k] for k in keys if k in c}) for c in features.get("slash_commands") or ()]
    return {command.command: command for command in found}


def _shortcuts(features: Json) -> tuple[Shortcut, ...]:
    keys = ("name", "type", "callback_id", "description")
    return tuple(Shortcut(**{k: s[k] for k in keys if k in s}) for s in features.get("shortcuts") or ())
