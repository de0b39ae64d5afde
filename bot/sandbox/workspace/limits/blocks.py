"""Blocks (docs.slack.dev, "Blocks"), and what holds across all blocks of one message or view."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bot.sandbox.workspace.limits.composition import plain, text
from bot.sandbox.workspace.limits.elements import ELEMENTS, IN_ACTIONS, IN_INPUT, IN_SECTION
from bot.sandbox.workspace.limits.rich_text import RICH_TEXT
from bot.sandbox.workspace.limits.rules import Report, Rule, array, boolean, one_of, record, string, tagged
from bot.sandbox.workspace.vendor import Json

_BLOCK_ID = {"block_id": string(1, 255)}


def _text_or_fields(value: Any, pointer: str, report: Report) -> None:
    if not value.get("text") and not value.get("fields"):
        report.add("must define either `text` or `fields`", pointer)


def _context_element(value: Any, pointer: str, report: Report) -> None:
    kind = value.get("type") if isinstance(value, dict) else None
    rule = tagged(ELEMENTS, ("image",)) if kind == "image" else text(2000)
    rule(value, pointer, report)


def _one_picture(value: Any, pointer: str, report: Report) -> None:
    if ("image_url" in value) == ("slack_file" in value):
        report.add("must define either `image_url` or `slack_file`", pointer)


BLOCKS: dict[str, Rule] = {
    "section": record(
        {},
        {
            **_BLOCK_ID,
            "text": text(3000),
            "fields": array(text(2000), 1, 10),
            "accessory": tagged(ELEMENTS, IN_SECTION),
            "expand": boolean,
        },
        _text_or_fields,
    ),
    "header": record({"text": plain(150)}, _BLOCK_ID),
    "divider": record({}, _BLOCK_ID),
    "context": record({"elements": array(_context_element, 1, 10)}, _BLOCK_ID),
    "actions": record({"elements": array(tagged(ELEMENTS, IN_ACTIONS), 1, 25)}, _BLOCK_ID),
    "input": record(
        {"label": plain(2000), "element": tagged(ELEMENTS, IN_INPUT)},
        {**_BLOCK_ID, "hint": plain(2000), "optional": boolean, "dispatch_action": boolean},
    ),
    "image": record(
        {"alt_text": string(1, 2000)},
        {
            **_BLOCK_ID,
            "image_url": string(1, 3000),
            "slack_file": record({}, {"id": string(1, 255), "url": string(1, 3000)}),
            "title": plain(2000),
        },
        _one_picture,
    ),
    "rich_text": record({"elements": array(tagged(RICH_TEXT), 1)}, _BLOCK_ID),
    "file": record({"external_id": string(1, 255), "source": one_of("remote")}, _BLOCK_ID),
}


def check_blocks(blocks: Any, pointer: str, high: int, report: Report) -> None:
    """All blocks of a message (`high` 50) or a view (`high` 100)."""
    array(tagged(BLOCKS), 0, high)(blocks, pointer, report)
    if report.problems:
        return
    _check_unique([b.get("block_id") for b in blocks], "block_id", pointer, report)
    for index, block in enumerate(blocks):
        ids = [element.get("action_id") for element in interactive(block)]
        _check_unique(ids, "action_id", f"{pointer}/{index}", report)
    if sum(bool(e.get("focus_on_load")) for b in blocks for e in interactive(b)) > 1:
        report.add("only one element may have focus_on_load", pointer)


def interactive(block: Json) -> Iterator[Json]:
    """The elements of a block that a person can use."""
    found: list[Json] = []
    if block["type"] == "actions":
        found = block["elements"]
    elif block["type"] == "input":
        found = [block["element"]]
    elif block["type"] == "section" and block.get("accessory"):
        found = [block["accessory"]]
    return (element for element in found if element["type"] != "image")


def _check_unique(ids: list[str | None], name: str, pointer: str, report: Report) -> None:
    given = [value for value in ids if value]
    for value in sorted({value for value in given if given.count(value) > 1}):
        report.add(f"`{name}` already exists: {value}", pointer)
