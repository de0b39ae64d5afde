"""Block elements and the blocks in which each may stand (docs.slack.dev, "Block elements")."""

from __future__ import annotations

from typing import Any

from bot.sandbox.workspace.limits.composition import (
    CONFIRM,
    DISPATCH,
    FILTER,
    OPTION_GROUPS,
    OPTIONS,
    initial_among_options,
    option,
    options_or_groups,
    plain,
)
from bot.sandbox.workspace.limits.rules import (
    Report,
    Rule,
    array,
    boolean,
    integer,
    matching,
    one_of,
    record,
    string,
)

_ACTION = {"action_id": string(1, 255)}
_CONFIRMED = {**_ACTION, "confirm": CONFIRM}
_MENU = {**_CONFIRMED, "placeholder": plain(150), "focus_on_load": boolean}
_MULTI = {**_MENU, "max_selected_items": integer(1)}
_FEW_OPTIONS = array(option(mrkdwn=True), 1, 10)
_STATIC = {"options": OPTIONS, "option_groups": OPTION_GROUPS}
_TYPED = {
    **_ACTION,
    "placeholder": plain(150),
    "focus_on_load": boolean,
    "dispatch_action_config": DISPATCH,
}
_DATE = matching(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])", "date")
_TIME = matching(r"([01]\d|2[0-3]):[0-5]\d", "time")
_ID = string(1, 255)


def _ordered_lengths(value: Any, pointer: str, report: Report) -> None:
    if value.get("min_length", 0) > value.get("max_length", 3000):
        report.add("min_length must be at most max_length", pointer)


def _ordered_values(value: Any, pointer: str, report: Report) -> None:
    low, high = value.get("min_value"), value.get("max_value")
    if low is not None and high is not None and float(low) > float(high):
        report.add("min_value must be at most max_value", pointer)


_IMAGE = record(
    {"alt_text": string(1, 2000)},
    {
        "image_url": string(1, 3000),
        "slack_file": record({}, {"id": _ID, "url": string(1, 3000)}),
    },
    lambda value, pointer, report: (
        report.add("must define either `image_url` or `slack_file`", pointer)
        if ("image_url" in value) == ("slack_file" in value)
        else None
    ),
)

ELEMENTS: dict[str, Rule] = {
    "button": record(
        {"text": plain(75)},
        {
            **_CONFIRMED,
            "url": string(0, 3000),
            "value": string(0, 2000),
            "style": one_of("primary", "danger"),
            "accessibility_label": string(0, 75),
        },
    ),
    "static_select": record(
        {}, {**_MENU, **_STATIC, "initial_option": option()}, options_or_groups, initial_among_options
    ),
    "multi_static_select": record(
        {},
        {**_MULTI, **_STATIC, "initial_options": array(option(), 1, 100)},
        options_or_groups,
        initial_among_options,
    ),
    "external_select": record({}, {**_MENU, "initial_option": option(), "min_query_length": integer(0)}),
    "multi_external_select": record(
        {}, {**_MULTI, "initial_options": array(option(), 1, 100), "min_query_length": integer(0)}
    ),
    "users_select": record({}, {**_MENU, "initial_user": _ID}),
    "multi_users_select": record({}, {**_MULTI, "initial_users": array(_ID)}),
    "conversations_select": record(
        {},
        {
            **_MENU,
            "initial_conversation": _ID,
            "default_to_current_conversation": boolean,
            "response_url_enabled": boolean,
            "filter": FILTER,
        },
    ),
    "multi_conversations_select": record(
        {},
        {
            **_MULTI,
            "initial_conversations": array(_ID),
            "default_to_current_conversation": boolean,
            "filter": FILTER,
        },
    ),
    "channels_select": record({}, {**_MENU, "initial_channel": _ID, "response_url_enabled": boolean}),
    "multi_channels_select": record({}, {**_MULTI, "initial_channels": array(_ID)}),
    "datepicker": record({}, {**_MENU, "initial_date": _DATE}),
    "timepicker": record({}, {**_MENU, "initial_time": _TIME, "timezone": string(1, 255)}),
    "datetimepicker": record(
        {},
        {**_CONFIRMED, "initial_date_time": integer(1_000_000_000, 9_999_999_999), "focus_on_load": boolean},
    ),
    "plain_text_input": record(
        {},
        {
            **_TYPED,
            "initial_value": string(0, 3000),
            "multiline": boolean,
            "min_length": integer(0, 3000),
            "max_length": integer(1, 3000),
        },
        _ordered_lengths,
    ),
    "number_input": record(
        {"is_decimal_allowed": boolean},
        {
            **_TYPED,
            "initial_value": matching(r"-?\d+(\.\d+)?", "number"),
            "min_value": matching(r"-?\d+(\.\d+)?", "number"),
            "max_value": matching(r"-?\d+(\.\d+)?", "number"),
        },
        _ordered_values,
    ),
    "email_text_input": record({}, {**_TYPED, "initial_value": string(0, 3000)}),
    "url_text_input": record({}, {**_TYPED, "initial_value": string(0, 3000)}),
    "checkboxes": record(
        {"options": _FEW_OPTIONS},
        {**_CONFIRMED, "initial_options": array(option(mrkdwn=True), 1, 10), "focus_on_load": boolean},
        initial_among_options,
    ),
    "radio_buttons": record(
        {"options": _FEW_OPTIONS},
        {**_CONFIRMED, "initial_option": option(mrkdwn=True), "focus_on_load": boolean},
        initial_among_options,
    ),
    "overflow": record({"options": array(option(url=True), 1, 5)}, _CONFIRMED),
    "image": _IMAGE,
}

_SINGLE_SELECTS = (
    "static_select",
    "external_select",
    "users_select",
    "conversations_select",
    "channels_select",
)
_MULTI_SELECTS = tuple(f"multi_{name}" for name in _SINGLE_SELECTS)
_CHOICES = ("checkboxes", "radio_buttons", "datepicker", "timepicker")
IN_SECTION = ("button", "overflow", "image", *_SINGLE_SELECTS, *_MULTI_SELECTS, *_CHOICES)
IN_ACTIONS = ("button", "overflow", "datetimepicker", *_SINGLE_SELECTS, *_CHOICES)
MODAL_ONLY = ("number_input", "email_text_input", "url_text_input")
IN_INPUT = (
    "plain_text_input",
    "datetimepicker",
    *_SINGLE_SELECTS,
    *_MULTI_SELECTS,
    *_CHOICES,
    *MODAL_ONLY,
)
