"""An app manifest for tests: every feature that the workspace serves."""

from __future__ import annotations

from typing import Any

SCOPES = [
    "app_mentions:read",
    "bookmarks:read",
    "bookmarks:write",
    "channels:history",
    "channels:join",
    "channels:manage",
    "channels:read",
    "chat:write",
    "chat:write.customize",
    "commands",
    "emoji:read",
    "files:read",
    "files:write",
    "groups:history",
    "groups:read",
    "groups:write",
    "im:history",
    "im:read",
    "im:write",
    "pins:read",
    "pins:write",
    "reactions:read",
    "reactions:write",
    "team:read",
    "usergroups:read",
    "users.profile:read",
    "users:read",
    "users:read.email",
]
EVENTS = [
    "app_home_opened",
    "app_mention",
    "channel_archive",
    "channel_rename",
    "member_joined_channel",
    "message.channels",
    "message.groups",
    "message.im",
    "pin_added",
    "reaction_added",
    "reaction_removed",
]


def make_manifest(*, without: tuple[str, ...] = (), extra: tuple[str, ...] = ()) -> dict[str, Any]:
    """The manifest, less the scopes in `without`, with those in `extra`."""
    return {
        "display_information": {"name": "Lifebuoy"},
        "features": {
            "bot_user": {"display_name": "Lifebuoy", "always_online": True},
            "app_home": {"home_tab_enabled": True, "messages_tab_enabled": True},
            "slash_commands": [
                {"command": "/rescue", "description": "Ask for help", "usage_hint": "[what]", "should_escape": True},
                {"command": "/raw", "description": "Text as typed"},
            ],
            "shortcuts": [
                {"name": "Ring the bell", "type": "global", "callback_id": "bell", "description": "Ring"},
                {"name": "Keep this", "type": "message", "callback_id": "keep", "description": "Keep"},
            ],
        },
        "oauth_config": {"scopes": {"bot": [s for s in SCOPES if s not in without] + list(extra)}},
        "settings": {
            "event_subscriptions": {"bot_events": EVENTS},
            "interactivity": {"is_enabled": True},
            "socket_mode_enabled": True,
        },
    }
