"""manifest.yml asks Slack for what the bot uses: no less, and no more."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from slack_sdk import WebClient

from bot.policy.plain_yaml import load_plain
from bot.settings import manifest_path
from handlers.commands.listener import COMMANDS
from handlers.commands.subcommand import find_subcommands
from tests.unit.packaging.checkout import ROOT
from tests.unit.packaging.listened import Listened

CHANGES = {"channels:manage", "groups:write"}  # of public channels, and of those of private incidents
# Method of slack_sdk's WebClient → scopes without which Slack refuses it, or leaves out of its answer what the bot
# reads there. From each method's page at https://docs.slack.dev/reference/methods.
SCOPES: dict[str, set[str]] = {
    "auth_test": set(),
    "chat_getPermalink": set(),
    "chat_postEphemeral": {"chat:write"},
    "chat_postMessage": {"chat:write"},
    "chat_update": {"chat:write"},
    "conversations_archive": CHANGES,
    "conversations_create": CHANGES,
    "conversations_history": {"channels:history", "groups:history", "files:read"},  # with the files that were posted
    "conversations_info": {"channels:read", "groups:read"},
    "conversations_invite": CHANGES,
    "conversations_join": {"channels:join"},
    "conversations_kick": CHANGES,
    "conversations_list": {"channels:read", "groups:read"},
    "conversations_rename": CHANGES,
    "conversations_replies": {"channels:history", "groups:history"},
    "conversations_setPurpose": CHANGES,
    "conversations_setTopic": CHANGES,
    "conversations_unarchive": CHANGES,
    "files_upload_v2": {"files:write"},
    "pins_add": {"pins:write"},
    "pins_remove": {"pins:write"},
    "usergroups_list": {"usergroups:read"},
    "usergroups_users_list": {"usergroups:read"},  # who of them may approve
    "users_info": {"users:read", "users:read.email"},  # with the address, by which a person is recognised
    "users_lookupByEmail": {"users:read.email", "users:read"},
    "views_open": set(),
    "views_publish": set(),
    "views_push": set(),
    "views_update": set(),
}
EVENT_SCOPES: dict[str, set[str]] = {
    "app_home_opened": set(),
    "app_mention": {"app_mentions:read"},
    "message": {"channels:history", "groups:history"},
    "reaction_added": {"reactions:read"},
    "reaction_removed": {"reactions:read"},
}
SUBSCRIPTIONS = {"message": ["message.channels", "message.groups"]}
"""Events that Slack's settings know by other names than payloads do."""
ALWAYS = {
    "commands",  # slash commands
    "chat:write.public",  # to answer in a public channel that the bot was not invited to
}
# https://docs.slack.dev/reference/app-manifest
LIMITS = {"name": 35, "description": 140, "long_description": 4000}


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    loaded: dict[str, Any] = load_plain(manifest_path())
    return loaded


@pytest.fixture(scope="module")
def listened() -> Listened:
    return Listened()


def test_its_commands_are_the_registered_ones(manifest: dict[str, Any], listened: Listened) -> None:
    declared = [one["command"] for one in manifest["features"]["slash_commands"]]
    assert sorted(declared) == sorted(COMMANDS) == sorted(listened.commands)


def test_its_hints_name_subcommands_that_there_are(manifest: dict[str, Any]) -> None:
    for one in manifest["features"]["slash_commands"]:
        hinted = {part.split()[0] for part in one["usage_hint"].strip("[]").split("|")}
        assert hinted - {"help"} <= set(find_subcommands(COMMANDS[one["command"]])), one["command"]


def test_people_and_channels_in_commands_arrive_as_ids(manifest: dict[str, Any]) -> None:
    assert all(one["should_escape"] is True for one in manifest["features"]["slash_commands"])


def test_its_events_are_those_listened_to(manifest: dict[str, Any], listened: Listened) -> None:
    subscribed = [one for name in listened.events for one in SUBSCRIPTIONS.get(name, [name])]
    assert sorted(manifest["settings"]["event_subscriptions"]["bot_events"]) == sorted(subscribed)


def test_its_shortcuts_are_those_listened_to(manifest: dict[str, Any], listened: Listened) -> None:
    declared = [one["callback_id"] for one in manifest["features"]["shortcuts"]]
    assert sorted(declared) == sorted(listened.shortcuts)
    assert len(declared) <= 10
    assert all(len(one["name"]) <= 24 and len(one["description"]) <= 150 for one in manifest["features"]["shortcuts"])


def test_it_has_a_home_tab_if_one_is_published(manifest: dict[str, Any]) -> None:
    called = set(find_calls())
    assert manifest["features"]["app_home"]["home_tab_enabled"] is ("views_publish" in called)


def test_every_method_that_is_called_has_its_scopes_stated() -> None:
    unknown = set(find_calls()) - set(SCOPES)
    assert not unknown, "say in SCOPES what they need, and put it into manifest.yml"


def test_its_scopes_are_those_that_the_calls_need(manifest: dict[str, Any], listened: Listened) -> None:
    needed = ALWAYS.union(*(SCOPES.get(method, set()) for method in find_calls()))
    needed = needed.union(*(EVENT_SCOPES[name] for name in listened.events))
    assert set(manifest["oauth_config"]["scopes"]["bot"]) == needed


def test_it_works_for_both_ways_to_connect(manifest: dict[str, Any]) -> None:
    settings = manifest["settings"]
    assert settings["socket_mode_enabled"] is True
    addresses = [one["url"] for one in manifest["features"]["slash_commands"]]
    addresses += [settings["event_subscriptions"]["request_url"], settings["interactivity"]["request_url"]]
    assert len(set(addresses)) == 1
    assert re.fullmatch(r"https://[a-z.]+/slack/events", addresses[0])
    assert settings["interactivity"]["is_enabled"] is True


def test_slack_takes_its_texts(manifest: dict[str, Any]) -> None:
    shown = manifest["display_information"]
    assert all(0 < len(shown[name]) <= limit for name, limit in LIMITS.items())
    assert len(shown["long_description"]) >= 174
    assert re.fullmatch(r"#[0-9a-f]{6}", shown["background_color"])
    assert len(manifest["features"]["bot_user"]["display_name"]) <= 80


def test_the_table_of_scopes_knows_slack() -> None:
    assert all(hasattr(WebClient, method) for method in SCOPES)


def find_calls() -> Iterator[str]:
    """Methods of the Web API that the bot's code names: attributes of something called client or slack."""
    for path in find_sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and "_" in node.attr and hasattr(WebClient, node.attr):
                owner = node.value
                name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
                if name.strip("_") in ("client", "slack") and not hasattr(object, node.attr):
                    yield node.attr


def find_sources() -> Iterator[Path]:
    yield from (ROOT / "handlers").rglob("*.py")
    yield from (path for path in (ROOT / "bot").rglob("*.py") if "sandbox" not in path.parts)
