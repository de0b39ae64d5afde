"""The form that publishes, with whatever people wrote and however large the policy: Slack takes it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.comms.wording import STATES
from bot.slack.blocks.bulletin import show_bulletin
from bot.slack.blocks.parts import pack
from bot.slack.views.bulletin import COMPONENT, publish_form
from bot.store.documents import BulletinStage, Statement
from bot.store.tables import Bulletin
from tests.unit.slack import rows, shapes
from tests.unit.slack.test_blocks import THOROUGH, check_form, readable


def make_bulletin(text: str, components: dict[str, str], stage: BulletinStage = "update") -> Bulletin:
    statement = Statement(
        title=" ".join(text.split())[:200] or "t", severity="P1", severity_title="Critical", drill=False,
        detected_at=rows.NOON, impact=text, components=components, status="identified", text=text, next_steps=text,
        estimated_recovery=text, coordinator="", at=rows.NOON,
    )  # fmt: skip
    return Bulletin(
        id=4, incident_id=7, stage=stage, audiences=["users"], statement=statement, state="draft", made_by="mei",
        made_at=rows.NOON,
    )  # fmt: skip


def inputs(view: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {block["block_id"]: block["element"] for block in view["blocks"] if block["type"] == "input"}


def test_the_end_is_told_as_an_end() -> None:
    """Whoever reads only Slack must not be told that the recovery of what is over is not known yet."""
    end = make_bulletin("", {}, "resolved")
    end.statement = end.statement.model_copy(update={"at": rows.NOON + timedelta(hours=1, minutes=2)})
    shown = readable(pack(show_bulletin(end, "TraitorTrack", {})))
    assert "Estimated recovery" not in shown
    assert "yet" not in shown
    assert "*Lasted*\n1 h 2 min" in shown
    assert "*Estimated recovery*\nnot known yet" in readable(pack(show_bulletin(make_bulletin("", {}), "x", {})))


@given(
    shapes.texts(), st.lists(shapes.lines(), max_size=20), st.integers(0, 120), st.sampled_from(["update", "resolved"])
)
@THOROUGH
def test_slack_takes_it(text: str, reach: list[str], size: int, stage: BulletinStage) -> None:
    titles = {f"part_{number}": f"{text[:300]} {number}" for number in range(size)}
    bulletin = make_bulletin(text, dict.fromkeys(list(titles)[-3:], "major_outage"), stage)
    view = publish_form(bulletin, reach=reach, titles=titles, states=STATES, refusal=text)
    check_form(view)


def test_a_form_that_would_be_too_large_shows_fewer_components() -> None:
    text = "\N{FIRE}" * 4000
    titles = {f"part_{number}": f"{text[:300]} {number}" for number in range(120)}
    bulletin = make_bulletin(text, {"part_119": "major_outage"})
    view = publish_form(bulletin, reach=[text] * 3, titles=titles, states=STATES, refusal=text)
    check_form(view)
    parts = [name for name in inputs(view) if name.startswith(COMPONENT)]
    assert parts[0] == f"{COMPONENT}part_119"
    assert 0 < len(parts) < 60


def test_what_is_affected_comes_first_and_everything_is_filled_in() -> None:
    titles = {f"part_{number}": f"Part {number}" for number in range(90)}
    view = publish_form(
        make_bulletin("Bags are back", {"part_88": "partial_outage"}), reach=["Users: a page"], titles=titles,
        states=STATES,
    )  # fmt: skip
    found = inputs(view)
    parts = [name for name in found if name.startswith(COMPONENT)]
    assert parts[0] == f"{COMPONENT}part_88"
    assert found[parts[0]]["initial_option"]["value"] == "partial_outage"
    assert found[parts[1]]["initial_option"]["value"] == "operational"
    assert [found[name]["initial_value"] for name in ("text", "impact", "next_steps")] == ["Bags are back"] * 3
    assert "Users: a page" in readable(view["blocks"])


def test_what_is_too_long_for_slack_is_seen_to_be_cut() -> None:
    view = publish_form(make_bulletin("x" * 9000, {}), reach=[], titles={}, states=STATES)
    shown = inputs(view)["text"]["initial_value"]
    assert len(shown) <= 3000
    assert "(cut, 9,000 characters)" in shown
