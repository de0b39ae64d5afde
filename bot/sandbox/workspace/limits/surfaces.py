"""What a whole message or view may hold: the entry to the Block Kit rules."""

from __future__ import annotations

import json
from typing import Any

from bot.sandbox.workspace.errors import SlackError
from bot.sandbox.workspace.limits.blocks import check_blocks, interactive
from bot.sandbox.workspace.limits.composition import plain
from bot.sandbox.workspace.limits.elements import MODAL_ONLY
from bot.sandbox.workspace.limits.rules import Report, Rule, anything, array, boolean, one_of, record, string
from bot.sandbox.workspace.vendor import Json

MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100
VIEW_BYTES = 250_000
TEXT_CHARACTERS = 40_000
UPDATE_CHARACTERS = 4_000
ATTACHMENTS = 100

# slackapi/bolt-js#2509 measured where msg_blocks_too_long begins: 13,297 characters in one block,
# 125 fewer for each further block.
_BLOCKS_BUDGET = 13_422
_BLOCK_COST = 125


def _blocks_anything(value: Any, pointer: str, report: Report) -> None:
    check_blocks(value, pointer, MESSAGE_BLOCKS, report)


_FIELD = record({}, {"title": string(), "value": string(), "short": boolean})
_NUMBER_OR_TEXT: Rule = lambda value, pointer, report: (  # noqa: E731
    None if isinstance(value, (int, float, str)) else report.add("must be a number", pointer)
)
_ATTACHMENT = record(
    {},
    {
        **{
            name: string()
            for name in (
                "fallback",
                "color",
                "pretext",
                "author_name",
                "author_link",
                "author_icon",
                "title",
                "title_link",
                "text",
                "image_url",
                "thumb_url",
                "footer",
                "footer_icon",
                "callback_id",
            )
        },
        "fields": array(_FIELD),
        "mrkdwn_in": array(one_of("text", "pretext", "fields")),
        "ts": _NUMBER_OR_TEXT,
        "id": _NUMBER_OR_TEXT,
        "blocks": _blocks_anything,
    },
)
_VIEW_COMMON = {
    "blocks": array(anything),
    "private_metadata": string(0, 3000),
    "callback_id": string(0, 255),
    "external_id": string(0, 255),
}
_MODAL = record(
    {"title": plain(24), "blocks": _VIEW_COMMON["blocks"]},
    {
        **_VIEW_COMMON,
        "submit": plain(24),
        "close": plain(24),
        "clear_on_close": boolean,
        "notify_on_close": boolean,
        "submit_disabled": boolean,
    },
)
_HOME = record({"blocks": _VIEW_COMMON["blocks"]}, _VIEW_COMMON)


def check_message_blocks(blocks: Any) -> None:
    """SlackError invalid_blocks_format, invalid_blocks or msg_blocks_too_long."""
    if not isinstance(blocks, list):
        raise SlackError("invalid_blocks_format")
    report = Report()
    check_blocks(blocks, "/blocks", MESSAGE_BLOCKS, report)
    if not report.problems:
        _refuse_modal_elements(blocks, report)
    _raise("invalid_blocks", report)
    if sum(_BLOCK_COST + count_characters(block) for block in blocks) > _BLOCKS_BUDGET:
        raise SlackError("msg_blocks_too_long")


def check_attachments(attachments: Any) -> None:
    """SlackError invalid_attachments or too_many_attachments."""
    if isinstance(attachments, list) and len(attachments) > ATTACHMENTS:
        raise SlackError("too_many_attachments")
    report = Report()
    array(_ATTACHMENT)(attachments, "/attachments", report)
    _raise("invalid_attachments", report)


def check_view(view: Any, allowed: str) -> None:
    """SlackError invalid_arguments or view_too_large; `allowed` is `modal` or `home`."""
    report = Report()
    if not isinstance(view, dict) or view.get("type") != allowed:
        report.add("must be a valid view type", "/view/type")
        _raise("invalid_arguments", report)
    (_MODAL if allowed == "modal" else _HOME)(view, "/view", report)
    if not report.problems:
        check_blocks(view["blocks"], "/view/blocks", VIEW_BLOCKS, report)
    if allowed == "modal" and not report.problems:
        _check_submit(view, report)
    _raise("invalid_arguments", report)
    if len(json.dumps(view).encode()) > VIEW_BYTES:
        raise SlackError("view_too_large")


def _check_submit(view: Json, report: Report) -> None:
    has_input = any(block["type"] == "input" for block in view["blocks"])
    if has_input and not view.get("submit"):
        report.add("missing required field: submit", "/view")


def count_characters(value: Any) -> int:
    """The characters that people read in a block: every string but types and ids."""
    hidden = ("type", "block_id", "action_id")
    if isinstance(value, str):
        return len(value)
    if isinstance(value, list):
        return sum(count_characters(entry) for entry in value)
    if isinstance(value, dict):
        return sum(count_characters(entry) for name, entry in value.items() if name not in hidden)
    return 0


def _refuse_modal_elements(blocks: list[Json], report: Report) -> None:
    for index, block in enumerate(blocks):
        for element in interactive(block):
            if element["type"] in MODAL_ONLY:
                report.add(f"unsupported type: {element['type']}", f"/blocks/{index}/element/type")


def _raise(code: str, report: Report) -> None:
    if report.problems:
        messages = [f"[ERROR] {problem}" for problem in report.problems]
        raise SlackError(code, messages, errors=report.problems)
