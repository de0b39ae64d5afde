"""Composition objects: text, options, confirmation dialogs, filters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.sandbox.workspace.limits.rules import Report, Rule, array, boolean, one_of, record, string, tagged

OPTIONS_HIGH = 100


def text(high: int, kinds: Sequence[str] = ("plain_text", "mrkdwn"), low: int = 1) -> Rule:
    """A text object of at most `high` characters."""
    return tagged(
        {
            "plain_text": record({"text": string(low, high)}, {"emoji": boolean}),
            "mrkdwn": record({"text": string(low, high)}, {"verbatim": boolean}),
        },
        kinds,
    )


def plain(high: int) -> Rule:
    """A plain_text object of at most `high` characters."""
    return text(high, ("plain_text",))


CONFIRM = record(
    {"title": plain(100), "text": text(300), "confirm": plain(30), "deny": plain(30)},
    {"style": one_of("primary", "danger")},
)
FILTER = record(
    {},
    {
        "include": array(one_of("im", "mpim", "private", "public"), 1),
        "exclude_external_shared_channels": boolean,
        "exclude_bot_users": boolean,
    },
)
DISPATCH = record({}, {"trigger_actions_on": array(one_of("on_enter_pressed", "on_character_entered"), 1)})


def option(*, mrkdwn: bool = False, url: bool = False) -> Rule:
    """An option; `mrkdwn` texts in checkboxes and radio buttons only, `url` in overflow menus only."""
    kinds = ("plain_text", "mrkdwn") if mrkdwn else ("plain_text",)
    extra = {"url": string(1, 3000)} if url else {}
    return record({"text": text(75, kinds), "value": string(1, 150)}, {"description": text(75, kinds), **extra})


OPTIONS = array(option(), 1, OPTIONS_HIGH)
OPTION_GROUPS = array(record({"label": plain(75), "options": OPTIONS}), 1, OPTIONS_HIGH)


def options_or_groups(value: Any, pointer: str, report: Report) -> None:
    """Exactly one of `options` and `option_groups`."""
    if ("options" in value) == ("option_groups" in value):
        report.add("must define either `options` or `option_groups`", pointer)


def initial_among_options(value: Any, pointer: str, report: Report) -> None:
    """`initial_option(s)` are among the options, each once."""
    offered = list(value.get("options") or [])
    for group in value.get("option_groups") or []:
        offered += group["options"]
    known = [choice["value"] for choice in offered]
    if len(set(known)) != len(known):
        report.add("option values must be unique", pointer)
    chosen = value.get("initial_options") or []
    if value.get("initial_option"):
        chosen = [value["initial_option"]]
    if any(choice["value"] not in known for choice in chosen):
        report.add("initial option was not found in the options", pointer)
