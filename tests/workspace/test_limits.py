"""Block Kit's rules, against their numbers and against slack_sdk's own models."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_sdk.models import blocks as models

from bot.sandbox.workspace.errors import SlackError
from bot.sandbox.workspace.limits.completion import complete_blocks
from bot.sandbox.workspace.limits.surfaces import check_message_blocks, check_view

Json = dict[str, Any]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def options(count: int) -> list[Json]:
    return [{"text": plain(f"o{n}"), "value": str(n)} for n in range(count)]


def button(**fields: Any) -> Json:
    return {"type": "button", "text": plain("Go"), **fields}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def field(element: Json) -> Json:
    return {"type": "input", "label": plain("L"), "element": element}


def select(kind: str = "static_select", **fields: Any) -> Json:
    return {"type": kind, **fields}


def modal(*blocks: Json, **fields: Any) -> Json:
    return {"type": "modal", "title": plain("T"), "submit": plain("Go"), "blocks": list(blocks), **fields}


def problems(blocks: list[Json]) -> list[str]:
    with pytest.raises(SlackError) as refused:
        check_message_blocks(blocks)
    assert refused.value.code == "invalid_blocks"
    return refused.value.messages


def view_problems(view: Any, allowed: str = "modal") -> list[str]:
    with pytest.raises(SlackError) as refused:
        check_view(view, allowed)
    assert refused.value.code == "invalid_arguments"
    return refused.value.messages


REFUSED: list[tuple[Json, str, str]] = [
    ({"type": "section"}, "must define either `text` or `fields`", ""),
    ({"type": "section", "text": plain("")}, "must be more than 0 characters", "/text/text"),
    ({"type": "section", "text": plain("x" * 3001)}, "must be less than 3001 characters", "/text/text"),
    ({"type": "section", "text": "words"}, "must be an object", "/text"),
    ({"type": "section", "fields": [plain("x")] * 11}, "no more than 10 items allowed", "/fields"),
    ({"type": "section", "fields": [plain("x" * 2001)]}, "must be less than 2001 characters", "/fields/0/text"),
    ({"type": "section", "text": {"type": "html", "text": "x"}}, "unsupported type: html", "/text/type"),
    ({"type": "section", "text": plain("x"), "color": "red"}, "invalid additional property: color", ""),
    ({"type": "section", "text": plain("x"), "block_id": "b" * 256}, "must be less than 256 characters", "/block_id"),
    (
        {"type": "section", "text": plain("x"), "accessory": select("plain_text_input")},
        "unsupported type: plain_text_input",
        "/accessory/type",
    ),
    ({"type": "header", "text": plain("x" * 151)}, "must be less than 151 characters", "/text/text"),
    ({"type": "header", "text": {"type": "mrkdwn", "text": "x"}}, "unsupported type: mrkdwn", "/text/type"),
    ({"type": "header"}, "missing required field: text", ""),
    ({"type": "context", "elements": [plain("x")] * 11}, "no more than 10 items allowed", "/elements"),
    ({"type": "context", "elements": []}, "no fewer than 1 items allowed", "/elements"),
    ({"type": "context", "elements": [button()]}, "unsupported type: button", "/elements/0/type"),
    (actions(*[button()] * 26), "no more than 25 items allowed", "/elements"),
    (actions(), "no fewer than 1 items allowed", "/elements"),
    (actions(button(text=plain("x" * 76))), "must be less than 76 characters", "/elements/0/text/text"),
    (actions(button(value="x" * 2001)), "must be less than 2001 characters", "/elements/0/value"),
    (actions(button(action_id="x" * 256)), "must be less than 256 characters", "/elements/0/action_id"),
    (actions(button(url="h" * 3001)), "must be less than 3001 characters", "/elements/0/url"),
    (actions(button(style="bold")), "must be a valid enum value", "/elements/0/style"),
    (actions(button(tooltip="x")), "invalid additional property: tooltip", "/elements/0"),
    (actions(button(action_id="a"), button(action_id="a")), "`action_id` already exists: a", "/0"),
    (actions(select()), "must define either `options` or `option_groups`", "/elements/0"),
    (actions(select(options=[])), "no fewer than 1 items allowed", "/elements/0/options"),
    (actions(select(options=options(101))), "no more than 100 items allowed", "/elements/0/options"),
    (
        actions(select(options=options(1), initial_option={"text": plain("z"), "value": "z"})),
        "initial option was not found in the options",
        "/elements/0",
    ),
    (
        actions(select(options=[{"text": plain("x" * 76), "value": "v"}])),
        "must be less than 76 characters",
        "/elements/0/options/0/text/text",
    ),
    (
        actions(select(options=[{"text": plain("x"), "value": "v" * 151}])),
        "must be less than 151 characters",
        "/elements/0/options/0/value",
    ),
    (actions(select(options=options(1) * 2)), "option values must be unique", "/elements/0"),
    (
        actions(select(options=options(1), placeholder=plain("x" * 151))),
        "must be less than 151 characters",
        "/elements/0/placeholder/text",
    ),
    (actions(select("radio_buttons", options=options(11))), "no more than 10 items allowed", "/elements/0/options"),
    (actions(select("checkboxes", options=options(11))), "no more than 10 items allowed", "/elements/0/options"),
    (actions(select("overflow", options=options(6))), "no more than 5 items allowed", "/elements/0/options"),
    (actions(select("datepicker", initial_date="2026-13-01")), "must be a valid date", "/elements/0/initial_date"),
    (actions(select("timepicker", initial_time="25:00")), "must be a valid time", "/elements/0/initial_time"),
    (actions(select("datetimepicker", initial_date_time=5)), "must be at least", "/elements/0/initial_date_time"),
    (
        actions(select("multi_users_select")),
        "unsupported type: multi_users_select",
        "/elements/0/type",
    ),
    (
        actions(
            button(confirm={"title": plain("x" * 101), "text": plain("x"), "confirm": plain("y"), "deny": plain("n")})
        ),
        "must be less than 101 characters",
        "/elements/0/confirm/title/text",
    ),
    (actions(button(confirm={"title": plain("x")})), "missing required field: deny", "/elements/0/confirm"),
    ({"type": "image", "alt_text": "x"}, "must define either `image_url` or `slack_file`", ""),
    ({"type": "image", "image_url": "https://example.org"}, "missing required field: alt_text", ""),
    (field(select("number_input", is_decimal_allowed=False)), "unsupported type: number_input", "/element/type"),
    ({"type": "input", "element": select("plain_text_input")}, "missing required field: label", ""),
    (field(select("plain_text_input", max_length=3001)), "must be at most 3000", "/element/max_length"),
    (
        field(select("plain_text_input", min_length=9, max_length=3)),
        "min_length must be at most max_length",
        "/element",
    ),
    (field(button()), "unsupported type: button", "/element/type"),
    ({"type": "rich_text", "elements": [{"type": "table"}]}, "unsupported type: table", "/elements/0/type"),
    (
        {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": ""}]}]},
        "must be more than 0 characters",
        "/elements/0/elements/0/text",
    ),
    ({"type": "video"}, "unsupported type: video", "/type"),
]


@pytest.mark.parametrize(("block", "message", "where"), REFUSED)
def test_a_block_is_refused_with_the_reason_and_the_place(block: Json, message: str, where: str) -> None:
    found = problems([block])
    start = f"[ERROR] {message}"
    place = "" if where == "/0" else "/0"
    assert any(p.startswith(start) and p.endswith(f"[json-pointer:/blocks{place}{where}]") for p in found), found


def test_a_message_has_fifty_blocks_with_ids_of_their_own() -> None:
    check_message_blocks([{"type": "divider"}] * 50)
    assert problems([{"type": "divider"}] * 51) == ["[ERROR] no more than 50 items allowed [json-pointer:/blocks]"]
    twice = [{"type": "divider", "block_id": "a"}] * 2
    assert problems(twice) == ["[ERROR] `block_id` already exists: a [json-pointer:/blocks]"]


ACCEPTED: list[models.Block] = [
    models.SectionBlock(text="*words*", fields=["a", "b"], accessory=models.ButtonElement(text="Go", action_id="a")),
    models.SectionBlock(text="t", accessory=models.OverflowMenuElement(options=[models.Option(label="L", value="v")])),
    models.HeaderBlock(text="Title"),
    models.DividerBlock(),
    models.ContextBlock(elements=[models.MarkdownTextObject(text="x")]),
    models.ActionsBlock(
        elements=[
            models.ButtonElement(
                text="Stop",
                action_id="stop",
                style="danger",
                confirm=models.ConfirmObject(title="T", text="Sure?", confirm="Yes", deny="No"),
            ),
            models.StaticSelectElement(
                placeholder="Choose", action_id="s", options=[models.Option(label="L", value="v")]
            ),
            models.UserSelectElement(placeholder="Who", action_id="u"),
            models.DatePickerElement(action_id="d", initial_date="2026-01-31"),
            models.TimePickerElement(action_id="t", initial_time="23:59"),
            models.DateTimePickerElement(action_id="dt", initial_date_time=1_800_000_000),
            models.CheckboxesElement(action_id="c", options=[models.Option(label="L", value="v")]),
        ]
    ),
    models.InputBlock(label="L", element=models.PlainTextInputElement(action_id="p", multiline=True, max_length=3000)),
    models.InputBlock(label="L", element=models.UserMultiSelectElement(placeholder="Who", action_id="m")),
    models.ImageBlock(image_url="https://example.org/a.png", alt_text="A"),
    models.RichTextBlock(
        elements=[
            models.RichTextSectionElement(
                elements=[models.RichTextElementParts.Text(text="bold", style={"bold": True})]
            ),
            models.RichTextListElement(
                style="bullet",
                elements=[models.RichTextSectionElement(elements=[models.RichTextElementParts.User(user_id="U1")])],
            ),
            models.RichTextPreformattedElement(elements=[models.RichTextElementParts.Text(text="code")]),
        ]
    ),
]


@pytest.mark.parametrize("block", ACCEPTED, ids=lambda block: block.type)
def test_what_the_sdk_builds_is_accepted_and_stays_so_when_completed(block: models.Block) -> None:
    check_message_blocks([block.to_dict()])
    check_message_blocks(complete_blocks([block.to_dict()], iter("abcdefghijklmnop").__next__))


def test_modal_only_inputs_are_accepted_in_a_modal() -> None:
    kinds = [select("email_text_input"), select("url_text_input"), select("number_input", is_decimal_allowed=True)]
    check_view(modal(*[field(kind) for kind in kinds]), "modal")


@pytest.mark.parametrize(
    ("view", "message"),
    [
        (modal(title=plain("x" * 25)), "must be less than 25 characters [json-pointer:/view/title/text]"),
        (modal(close=plain("x" * 25)), "must be less than 25 characters [json-pointer:/view/close/text]"),
        (modal(private_metadata="x" * 3001), "must be less than 3001 characters [json-pointer:/view/private_metadata]"),
        (modal(callback_id="x" * 256), "must be less than 256 characters [json-pointer:/view/callback_id]"),
        (modal(*[{"type": "divider"}] * 101), "no more than 100 items allowed [json-pointer:/view/blocks]"),
        (modal(field(select("plain_text_input")), submit=None), "missing required field: submit [json-pointer:/view]"),
        (modal(colour="red"), "invalid additional property: colour [json-pointer:/view]"),
        ({"type": "modal", "blocks": []}, "missing required field: title [json-pointer:/view]"),
        ({"type": "home", "blocks": []}, "must be a valid view type [json-pointer:/view/type]"),
        ("view", "must be a valid view type [json-pointer:/view/type]"),
    ],
)
def test_a_view_is_refused(view: Any, message: str) -> None:
    assert f"[ERROR] {message}" in view_problems(view)


def test_one_element_at_most_takes_the_focus() -> None:
    blocks = [field(select("plain_text_input", focus_on_load=True)), field(select("datepicker", focus_on_load=True))]
    assert view_problems(modal(*blocks)) == [
        "[ERROR] only one element may have focus_on_load [json-pointer:/view/blocks]"
    ]


def test_a_home_tab_has_no_title() -> None:
    check_view({"type": "home", "blocks": [{"type": "divider"}]}, "home")
    assert view_problems({"type": "home", "blocks": [], "title": plain("T")}, "home") == [
        "[ERROR] invalid additional property: title [json-pointer:/view]"
    ]


LIMITS = [
    (3000, lambda text: {"type": "section", "text": plain(text)}),
    (150, lambda text: {"type": "header", "text": plain(text)}),
    (75, lambda text: actions(button(text=plain(text)))),
    (2000, lambda text: {"type": "context", "elements": [plain(text)]}),
    (2000, lambda text: {**field(select("plain_text_input")), "label": plain(text)}),
]


@settings(deadline=None)
@given(st.sampled_from(LIMITS), st.integers(-3, 3), st.characters(codec="utf-8"))
def test_a_length_is_accepted_exactly_up_to_its_limit(limit: Any, distance: int, character: str) -> None:
    high, make = limit
    block = make(character * (high + distance))
    if distance <= 0:
        check_message_blocks([block])
    else:
        assert f"must be less than {high + 1} characters" in problems([block])[0]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "text", "elements"]), inner),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(st.lists(JSON, max_size=3), st.sampled_from(sorted({"section", "actions", "context", "input", "rich_text"})))
def test_any_nonsense_is_refused_in_words_never_with_a_crash(nonsense: list[Any], kind: str) -> None:
    blocks = [{**entry, "type": kind} if isinstance(entry, dict) else entry for entry in nonsense]
    with contextlib.suppress(SlackError):
        check_message_blocks(blocks)
