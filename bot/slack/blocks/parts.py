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
MESSAGE_CHARACTERS = 12_000
"""Below the 13,200 or so at which Slack answers msg_blocks_too_long."""
FIELD_LIMIT = 2000
FIELDS = 10
BUTTON_LIMIT = 75
BUTTON_VALUE_LIMIT = 2000
ACTIONS = 25
CONTEXT_ELEMENTS = 10


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
    elements = [MarkdownTextObject(text=cut(text, SECTION_LIMIT)) for text in mrkdwn if text]
    return ContextBlock(elements=elements[:CONTEXT_ELEMENTS])


def divider() -> Block:
    return DividerBlock()


def button(
    label: str, action_id: str, value: Mapping[str, JsonValue] | None = None, style: str | None = None
) -> ButtonElement:
    """`value` travels as JSON; it says what is meant, never who may."""
    packed = json.dumps(dict(value or {}), separators=(",", ":"))
    if len(packed) > BUTTON_VALUE_LIMIT:
        raise ValueError(f"the value of button {action_id} is {len(packed)} characters, Slack takes 2,000")
    return ButtonElement(text=cut(label, BUTTON_LIMIT), action_id=action_id, value=packed, style=style)


def actions(buttons: list[ButtonElement], block_id: str | None = None) -> Block:
    return ActionsBlock(elements=list(buttons[:ACTIONS]), block_id=block_id)


def pack(blocks: Iterable[Block]) -> list[dict[str, Any]]:
    """As Slack takes them: at most 50 blocks and 12,000 characters; what is left out is said."""
    packed: list[dict[str, Any]] = []
    size = 0
    for block in blocks:
        shape = block.to_dict()
        size += _characters(shape)
        if len(packed) == MESSAGE_BLOCKS - 1 or size > MESSAGE_CHARACTERS:
            packed.append(context("_The rest is left out here; the timeline has it all._").to_dict())
            break
        packed.append(shape)
    return packed


def _characters(shape: object) -> int:
    if isinstance(shape, dict):
        return sum(_characters(value) for value in shape.values())
    if isinstance(shape, list):
        return sum(map(_characters, shape))
    return len(shape) if isinstance(shape, str) else 0
