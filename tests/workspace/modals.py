"""Views for tests."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def text(words: str) -> Json:
    return {"type": "plain_text", "text": words}


def field(block_id: str, **block: Any) -> Json:
    """An input for plain text; its action_id is `entry`."""
    element = {"type": "plain_text_input", "action_id": "entry", **block.pop("element", {})}
    return {"type": "input", "block_id": block_id, "label": text(block_id), "element": element, **block}


def modal(name: str, *blocks: Json, **fields: Any) -> Json:
    """A modal; `name` is its callback_id and title."""
    shown = list(blocks) or [{"type": "divider"}]
    view = {"type": "modal", "callback_id": name, "title": text(name), "submit": text("Go"), "blocks": shown}
    return {**view, **fields}


def button_row(*action_ids: str) -> Json:
    """Buttons; each one's value is its action_id in capitals."""
    elements = [{"type": "button", "text": text(i), "action_id": i, "value": i.upper()} for i in action_ids]
    return {"type": "actions", "block_id": "row", "elements": elements}
