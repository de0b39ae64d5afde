"""What people enter into inputs: the values that Slack's client sends, and what it refuses itself."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any

from bot.sandbox.workspace.errors import SlackError
from bot.sandbox.workspace.limits.blocks import interactive
from bot.sandbox.workspace.vendor import Json

# Where each element keeps what was entered, and where its starting value stands.
_FIELDS = {
    "plain_text_input": ("value", "initial_value"),
    "number_input": ("value", "initial_value"),
    "email_text_input": ("value", "initial_value"),
    "url_text_input": ("value", "initial_value"),
    "static_select": ("selected_option", "initial_option"),
    "external_select": ("selected_option", "initial_option"),
    "radio_buttons": ("selected_option", "initial_option"),
    "checkboxes": ("selected_options", "initial_options"),
    "multi_static_select": ("selected_options", "initial_options"),
    "multi_external_select": ("selected_options", "initial_options"),
    "users_select": ("selected_user", "initial_user"),
    "multi_users_select": ("selected_users", "initial_users"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
    "channels_select": ("selected_channel", "initial_channel"),
    "multi_channels_select": ("selected_channels", "initial_channels"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
}
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_URL = re.compile(r"https?://[^\s]+")


def complete_values(blocks: list[Json], entered: Json) -> Json:
    """`state.values` for every input in the blocks: what was entered, else the starting value, else null."""
    values: Json = {}
    for block in blocks:
        for element in interactive(block):
            if element["type"] not in _FIELDS:
                continue
            given = (entered.get(block["block_id"]) or {}).get(element["action_id"])
            values.setdefault(block["block_id"], {})[element["action_id"]] = _value(element, given)
    return values


def find_errors(blocks: list[Json], values: Json) -> dict[str, str]:
    """What Slack's client says beneath a field before anything is sent, by block_id."""
    errors: dict[str, str] = {}
    for block in blocks:
        if block["type"] != "input":
            continue
        element = block["element"]
        entry = values[block["block_id"]][element["action_id"]]
        value = entry.get(_FIELDS[element["type"]][0])
        problem = _problem(element, value, is_optional=bool(block.get("optional")))
        if problem:
            errors[block["block_id"]] = problem
    return errors


def check_choice(element: Json, entry: Json) -> None:
    """What was chosen must be among the element's own options: option_not_found."""
    offered = list(element.get("options") or [])
    for group in element.get("option_groups") or []:
        offered += group["options"]
    if not offered:
        return
    chosen = list(entry.get("selected_options") or [])
    if entry.get("selected_option"):
        chosen.append(entry["selected_option"])
    known = {option["value"] for option in offered}
    if any(option.get("value") not in known for option in chosen):
        raise SlackError("option_not_found")


def _value(element: Json, given: Json | None) -> Json:
    field, initial = _FIELDS[element["type"]]
    check_choice(element, given or {})
    value = element.get(initial) if given is None else given.get(field)
    if field.endswith("s") and value is None:
        value = []
    if element["type"] == "number_input" and value is not None:
        value = str(value)
    if element["type"] in ("plain_text_input", "email_text_input", "url_text_input") and value == "":
        value = None
    return {"type": element["type"], field: value}


def _problem(element: Json, value: Any, *, is_optional: bool) -> str:
    if value in (None, "", []):
        return "" if is_optional else "Please complete this required field."
    kind = element["type"]
    if kind == "plain_text_input":
        return _length_problem(element, value)
    if kind == "number_input":
        return _number_problem(element, value)
    if kind == "email_text_input" and not _EMAIL.fullmatch(value):
        return "Please enter a valid email address."
    if kind == "url_text_input" and not _URL.fullmatch(value):
        return "Please enter a valid URL."
    most = element.get("max_selected_items")
    return f"Please select at most {most}." if most and len(value) > most else ""


def _length_problem(element: Json, value: str) -> str:
    low, high = element.get("min_length", 0), element.get("max_length", 3000)
    if len(value) < low:
        return f"Please enter at least {low} characters."
    return f"Please enter at most {high} characters." if len(value) > high else ""


def _number_problem(element: Json, value: str) -> str:
    try:
        number = Decimal(value)
    except InvalidOperation:
        return "Please enter a number."
    if not element["is_decimal_allowed"] and number != number.to_integral_value():
        return "Please enter a whole number."
    low, high = element.get("min_value"), element.get("max_value")
    if low is not None and number < Decimal(low):
        return f"Please enter a number of at least {low}."
    return f"Please enter a number of at most {high}." if high is not None and number > Decimal(high) else ""
