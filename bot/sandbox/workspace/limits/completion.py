"""What Slack adds to blocks that came without it: ids and the defaults of text objects."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from bot.sandbox.workspace.limits.blocks import interactive
from bot.sandbox.workspace.vendor import Json


def complete_blocks(blocks: list[Json], new_id: Callable[[], str]) -> list[Json]:
    """A copy of valid blocks with block_id, action_id, `emoji` and `verbatim` filled in."""
    completed: list[Json] = copy.deepcopy(blocks)
    for block in completed:
        block.setdefault("block_id", new_id())
        for element in interactive(block):
            element.setdefault("action_id", new_id())
        _complete_texts(block)
    return completed


def _complete_texts(value: Any) -> None:
    if isinstance(value, list):
        for entry in value:
            _complete_texts(entry)
    elif isinstance(value, dict):
        if value.get("type") == "plain_text" and "text" in value:
            value.setdefault("emoji", True)
        elif value.get("type") == "mrkdwn" and "text" in value:
            value.setdefault("verbatim", False)
        for entry in value.values():
            _complete_texts(entry)
