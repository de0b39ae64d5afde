"""The pieces of a modal, within Slack's limits (Block Kit reference: views and inputs)."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import JsonValue
from slack_sdk.models.blocks import (
    Block,
    CheckboxesElement,
    InputBlock,
    InputInteractiveElement,
    Option,
    PlainTextInputElement,
    PlainTextObject,
    StaticMultiSelectElement,
    StaticSelectElement,
)
from slack_sdk.models.views import View

from bot.words import cut

TITLE_LIMIT = 24
LABEL_LIMIT = 2000
OPTION_LIMIT = 75
OPTION_VALUE_LIMIT = 150
OPTIONS = 100
METADATA_LIMIT = 3000
VIEW_LIMIT_BYTES = 250_000
"""Of a whole view as JSON; what is not ASCII takes up to twelve bytes a character."""
ACTION_ID_LIMIT = 255
INPUT = "value"
"""action_id of every input, or its beginning; the block_id names the field."""


def modal(
    callback_id: str, title: str, blocks: Sequence[Block], *, submit: str | None = None,
    metadata: Mapping[str, JsonValue] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """A view. `metadata` comes back with the submission; it is what the bot knew, never who may."""
    packed = json.dumps(dict(metadata or {}), separators=(",", ":"))
    if len(packed) > METADATA_LIMIT:
        raise ValueError(f"private_metadata of {callback_id} is too long for Slack: {len(packed)}")
    view = View(
        type="modal",
        callback_id=callback_id,
        title=PlainTextObject(text=cut(title, TITLE_LIMIT)),
        submit=PlainTextObject(text=submit) if submit else None,
        close=PlainTextObject(text="Cancel" if submit else "Close"),
        private_metadata=packed,
        blocks=list(blocks),
    )
    return dict(view.to_dict())


def fits(view: Mapping[str, Any]) -> bool:
    """Whether Slack takes a view of this size."""
    return len(json.dumps(view)) <= VIEW_LIMIT_BYTES


def text_input(
    block_id: str, label: str, *, initial: str = "", multiline: bool = False, hint: str = "",
    optional: bool = False, max_length: int = 3000, placeholder: str = "",
) -> Block:  # fmt: skip
    element = PlainTextInputElement(
        action_id=INPUT,
        multiline=multiline,
        max_length=max_length,
        initial_value=initial[:max_length] or None,
        placeholder=PlainTextObject(text=placeholder) if placeholder else None,
    )
    return _input(block_id, label, element, hint, optional)


def choice(
    block_id: str, label: str, options: Sequence[tuple[str, str]], *, initial: str | None = None, hint: str = ""
) -> Block:
    """A select of (value, label) pairs; the first hundred.

    Where a value is longer than Slack takes, such as a key in S3, what all begin with is kept in the action_id.
    """
    start = _common_start([value for value, _ in options[:OPTIONS]])
    shown = _options([(value.removeprefix(start), text) for value, text in options[:OPTIONS]])
    chosen = next((option for option in shown if initial is not None and start + option.value == initial), None)
    element = StaticSelectElement(action_id=INPUT + start, options=shown, initial_option=chosen)
    return _input(block_id, label, element, hint, False)


def _common_start(values: Sequence[str]) -> str:
    """Empty where every value fits as it is; something is left of each."""
    if all(len(value) <= OPTION_VALUE_LIMIT for value in values):
        return ""
    common = os.path.commonprefix(list(values))[: ACTION_ID_LIMIT - len(INPUT)]  # noqa: RUF071 (they are no paths)
    return common[:-1] if common in values else common


def choices(
    block_id: str, label: str, options: Sequence[tuple[str, str]], *, initial: Sequence[str] = (), hint: str = "",
    optional: bool = True,
) -> Block:  # fmt: skip
    """Any number of (value, label) pairs; of the first hundred."""
    shown = _options(options[:OPTIONS])
    element = StaticMultiSelectElement(
        action_id=INPUT, options=shown, initial_options=[one for one in shown if one.value in initial] or None
    )
    return _input(block_id, label, element, hint, optional)


def checkbox(block_id: str, label: str, text: str, *, ticked: bool = False, hint: str = "") -> Block:
    """One box; `text` beside it. Its value is "yes" where it is ticked."""
    box = _options([("yes", text)])
    element = CheckboxesElement(action_id=INPUT, options=box, initial_options=box if ticked else None)
    return _input(block_id, label, element, hint, True)


def _options(pairs: Sequence[tuple[str, str]]) -> list[Option]:
    return [Option(value=value[:OPTION_VALUE_LIMIT], label=cut(text, OPTION_LIMIT)) for value, text in pairs]


def _input(block_id: str, label: str, element: InputInteractiveElement, hint: str, optional: bool) -> Block:
    return InputBlock(
        block_id=block_id,
        label=PlainTextObject(text=cut(label, LABEL_LIMIT)),
        element=element,
        hint=PlainTextObject(text=cut(hint, LABEL_LIMIT)) if hint else None,
        optional=optional,
    )


def read_metadata(view: Mapping[str, Any]) -> dict[str, Any]:
    found = json.loads(view.get("private_metadata") or "{}")
    return found if isinstance(found, dict) else {}


def read_values(view: Mapping[str, Any]) -> dict[str, str]:
    """What was typed or chosen, by block_id; empty text for what was left out.

    A moment is given as ISO 8601 in UTC, several choices one a line.
    """
    return {
        block_id: (action_id.removeprefix(INPUT) if state.get("selected_option") else "") + _read(state)
        for block_id, actions in view["state"]["values"].items()
        for action_id, state in actions.items()
    }


def _read(state: Mapping[str, Any]) -> str:
    if state.get("selected_option"):
        return str(state["selected_option"]["value"])
    if state.get("selected_date_time"):
        return datetime.fromtimestamp(int(state["selected_date_time"]), UTC).isoformat()
    if state.get("selected_options"):
        return "\n".join(str(option["value"]) for option in state["selected_options"])
    return str(state.get("value") or "")
