"""The form of any recovery action: one input for each of its parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import JsonValue
from slack_sdk.models.blocks import (
    Block,
    DateTimePickerElement,
    InputBlock,
    Option,
    PlainTextObject,
    StaticMultiSelectElement,
)

from bot.slack.blocks import parts
from bot.slack.text import literal
from bot.slack.views.forms import INPUT, LABEL_LIMIT, OPTION_LIMIT, OPTION_VALUE_LIMIT, choice, modal, text_input
from bot.words import cut

ACTION = "recovery.action"
YES_NO = (("true", "yes"), ("false", "no"))


@dataclass(frozen=True)
class Field:
    """One input. `options` are (value, label) pairs where only these are right."""

    name: str
    title: str
    hint: str
    kind: Literal["text", "number", "moment", "yes_no", "choice", "list"]
    required: bool
    initial: str
    options: Sequence[tuple[str, str]] = ()


def action_loading(title: str) -> dict[str, Any]:
    """Opened at once, since Slack's trigger lives three seconds; the form follows."""
    return modal(ACTION, title, [parts.marked(":hourglass_flowing_sand: Looking at what there is to choose from…")])


def action_failed(title: str, words: str) -> dict[str, Any]:
    return modal(ACTION, title, [parts.marked(words)])


def action_form(
    title: str, purpose: str, fields: Sequence[Field], metadata: Mapping[str, JsonValue], preview: bool
) -> dict[str, Any]:
    """Submitting it asks for a plan; nothing is changed by it."""
    then = "only to be read" if preview else "to be approved where the policy asks for it"
    blocks = [
        parts.marked(f"{literal(purpose)}. Nothing is changed yet: what you choose becomes a *plan*, {then}."),
        *(block for field in fields for block in _show(field)),
    ]
    return modal(ACTION, title, blocks, submit="Make a plan", metadata=metadata)


def _show(field: Field) -> Iterator[Block]:
    if field.kind == "moment":
        yield _moment(field)
    elif field.kind == "list" and field.options:
        yield _several(field)
    elif field.kind == "yes_no":
        yield choice(field.name, field.title, YES_NO, initial=field.initial or "false", hint=field.hint)
    elif field.options:
        initial = field.initial or field.options[0][0]
        yield choice(field.name, field.title, field.options, initial=initial, hint=field.hint)
    else:
        optional = not field.required
        yield text_input(field.name, field.title, initial=field.initial, hint=field.hint, optional=optional)


def _moment(field: Field) -> Block:
    """Shown and chosen in the reader's own time zone (Block Kit: datetimepicker)."""
    at = int(datetime.fromisoformat(field.initial).timestamp()) if field.initial else None
    element = DateTimePickerElement(action_id=INPUT, initial_date_time=at)
    return _input(field, element)


def _several(field: Field) -> Block:
    options = [
        Option(value=value[:OPTION_VALUE_LIMIT], label=cut(label, OPTION_LIMIT)) for value, label in field.options[:100]
    ]
    return _input(field, StaticMultiSelectElement(action_id=INPUT, options=options))


def _input(field: Field, element: Any) -> Block:
    return InputBlock(
        block_id=field.name,
        label=PlainTextObject(text=cut(field.title, LABEL_LIMIT)),
        element=element,
        hint=PlainTextObject(text=cut(field.hint, LABEL_LIMIT)) if field.hint else None,
        optional=not field.required,
    )
