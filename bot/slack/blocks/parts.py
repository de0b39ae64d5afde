"""The pieces that every message is made of, each within Slack's limits (Block Kit reference)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import JsonValue
from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    ConfirmObject,
    ContextBlock,
    DividerBlock,
    HeaderBlock,
    MarkdownTextObject,
    PlainTextObject,
    SectionBlock,
)

from bot.slack.text import HEADER_LIMIT, SECTION_LIMIT, cut

__all__ = ["HEADER_LIMIT", "SECTION_LIMIT", "ButtonElement"]

MESSAGE_BLOCKS = 50
MESSAGE_CHARACTERS = 13_000
"""Below the 13,300 or so at which Slack answers msg_blocks_too_long (measured in slackapi/bolt-js#2509)."""
BLOCK_COST = 125
"""What each block takes of these besides its text."""
LEFT_OUT = "_The rest is left out here; the timeline has it all._"
FIELD_LIMIT = 2000
FIELDS = 10
BUTTON_LIMIT = 75
BUTTON_VALUE_LIMIT = 2000
ACTIONS = 25
CONFIRM_LIMIT = 300
CONFIRM_BUTTON_LIMIT = 30
CONTEXT_ELEMENTS = 10
CONTEXT_LIMIT = 2000


def header(text: str) -> Block:
    return HeaderBlock(text=PlainTextObject(text=cut(text, HEADER_LIMIT) or " ", emoji=True))


def marked(mrkdwn: str, accessory: ButtonElement | None = None) -> Block:
    """A section of our own mrkdwn; what others wrote inside it has gone through `literal`."""
    return SectionBlock(text=MarkdownTextObject(text=cut(mrkdwn, SECTION_LIMIT)), accessory=accessory)


def words(text: str, limit: int = SECTION_LIMIT) -> Block:
    """A section of what others wrote, shown exactly so."""
    return SectionBlock(text=PlainTextObject(text=cut(text, limit), emoji=False))


def fields(pairs: Iterable[tuple[str, str]]) -> Block:
    """Label and value side by side; on a phone one below the other."""
    shown = [MarkdownTextObject(text=cut(f"*{label}*\n{value}", FIELD_LIMIT)) for label, value in pairs]
    return SectionBlock(fields=shown[:FIELDS])


def context(*mrkdwn: str) -> Block:
    elements = [MarkdownTextObject(text=cut(text, CONTEXT_LIMIT)) for text in mrkdwn if text]
    return ContextBlock(elements=elements[:CONTEXT_ELEMENTS])


def divider() -> Block:
    return DividerBlock()


def button(
    label: str, action_id: str, value: Mapping[str, JsonValue] | None = None, style: str | None = None,
    confirm: str = "",
) -> ButtonElement:  # fmt: skip
    """`value` travels as JSON; it says what is meant, never who may. `confirm` is asked first, where it is given."""
    packed = json.dumps(dict(value or {}), separators=(",", ":"), ensure_ascii=False)
    if len(packed) > BUTTON_VALUE_LIMIT:
        raise ValueError(f"the value of button {action_id} is {len(packed)} characters, Slack takes 2,000")
    asked = _ask(confirm, label) if confirm else None
    return ButtonElement(text=cut(label, BUTTON_LIMIT), action_id=action_id, value=packed, style=style, confirm=asked)


def _ask(question: str, label: str) -> ConfirmObject:
    return ConfirmObject(
        title=PlainTextObject(text="Are you sure?"),
        text=PlainTextObject(text=cut(question, CONFIRM_LIMIT)),
        confirm=PlainTextObject(text=cut(label, CONFIRM_BUTTON_LIMIT)),
        deny=PlainTextObject(text="Cancel"),
    )


def actions(buttons: list[ButtonElement], block_id: str | None = None) -> Block:
    return ActionsBlock(elements=list(buttons[:ACTIONS]), block_id=block_id)


def pack(blocks: Iterable[Block]) -> list[dict[str, Any]]:
    """As Slack takes them: at most 50 blocks, and no more in them than a message holds; what is left out is said.

    The last row of buttons stays in any case: it is what the message is there for.
    """
    shapes = [block.to_dict() for block in blocks]
    buttons = [shape for shape in shapes if shape["type"] == ActionsBlock.type][-1:]
    size = sum(map(_weigh, buttons)) + BLOCK_COST + len(LEFT_OUT)
    packed: list[dict[str, Any]] = []
    for shape in shapes:
        size += 0 if shape in buttons else _weigh(shape)
        if size > MESSAGE_CHARACTERS or len(packed) == MESSAGE_BLOCKS - 2 < len(shapes) - 2:
            left_out = context(LEFT_OUT).to_dict()
            return [*packed, left_out, *(button for button in buttons if button not in packed)]
        packed.append(shape)
    return packed


def _weigh(shape: dict[str, Any]) -> int:
    return count_characters(shape) + BLOCK_COST


def count_characters(shape: object) -> int:
    """Every sign in a block, its own words for types and ids included: more than Slack counts."""
    if isinstance(shape, dict):
        return sum(map(count_characters, shape.values()))
    if isinstance(shape, list):
        return sum(map(count_characters, shape))
    return len(shape) if isinstance(shape, str) else 0
