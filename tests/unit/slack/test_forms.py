"""What is chosen in a form comes back as it was given, within Slack's limits."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.slack.views.forms import choice, read_values

KEYS = st.text("abcdefgh0123456789/_-", min_size=1, max_size=120)


def choose(block: dict[str, Any], index: int) -> dict[str, Any]:
    """The form as Slack sends it when one of the options was chosen."""
    element = block["element"]
    state = {"type": element["type"], "selected_option": element["options"][index]}
    return {"state": {"values": {block["block_id"]: {element["action_id"]: state}}}}


@given(st.text("abc/", max_size=240), st.lists(KEYS, min_size=1, max_size=5, unique=True))
def test_keys_of_any_prefix_come_back(prefix: str, names: list[str]) -> None:
    keys = [prefix + name for name in names]
    block = choice("backup", "Which backup?", [(key, "yesterday") for key in keys], initial=keys[-1]).to_dict()
    element = block["element"]
    assert 0 < len(element["action_id"]) <= 255
    assert all(0 < len(option["value"]) <= 150 for option in element["options"])
    assert [read_values(choose(block, index))["backup"] for index in range(len(keys))] == keys
    assert element["initial_option"] == element["options"][-1]


def test_nothing_is_chosen_where_nothing_was_given() -> None:
    block = choice("severity", "Severity", [("P1", "Critical"), ("P2", "High")]).to_dict()
    assert "initial_option" not in block["element"]
    assert read_values({"state": {"values": {"severity": {"value": {"selected_option": None}}}}}) == {"severity": ""}
