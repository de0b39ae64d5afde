"""A playbook's message: Slack takes whatever is in the store, and the buttons are those that fit how it stands."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.policy import PlaybookStep, load_policy
from bot.slack.blocks.parts import pack
from bot.slack.blocks.playbook import STATES, STEP_SIGNS, Clock, Progress, show_offer, show_playbook
from bot.store.documents import Phase
from bot.store.tables import PlaybookRun, PlaybookTask
from tests.unit.slack import rows, shapes
from tests.unit.slack.test_blocks import THOROUGH, check

POLICY = load_policy(None)
CLOCK = Clock(1500, 3600, "detection", [Phase(name="restore", seconds=900, expected_s=1200)])


def make_run(state: str = "running", **changed: Any) -> PlaybookRun:
    facts: dict[str, Any] = {
        "id": 3, "playbook": "database_corruption", "database": "traitortrack", "incident_id": 7, "place": "p",
        "requested_by": "mei", "words": "", "created_at": rows.NOON, "started_at": rows.NOON, "finished_at": None,
    }  # fmt: skip
    return PlaybookRun(state=state, **{**facts, **changed})


def make_task(state: str, **changed: Any) -> PlaybookTask:
    given_step = {"title": "Restore", "action": "restore_database", **changed}
    return PlaybookTask(
        playbook_run_id=3, index=0, definition=PlaybookStep(**given_step), state=state, words="", spent={},
        started_at=None, finished_at=None, attempts=1,
    )  # fmt: skip


def labels(run: PlaybookRun, *steps: Progress) -> list[str]:
    blocks = pack(show_playbook(run, "T", list(steps), CLOCK, "Mei"))
    return [one["text"]["text"] for block in blocks if block["type"] == "actions" for one in block["elements"]]


@pytest.mark.parametrize(
    ("state", "task", "expected"),
    [
        ("running", make_task("asked"), ["Stop"]),
        ("running", make_task("asked", action=None, manual="Look"), ["Done", "Stop"]),
        ("running", make_task("asked", action=None, manual="Look", skipping="it"), ["Done", "Leave it out…", "Stop"]),
        ("paused", make_task("failed"), ["Try again", "Stop"]),
        ("paused", make_task("failed", skipping="it"), ["Try again", "Leave it out…", "Stop"]),
        ("paused", make_task("waiting"), ["Go on", "Stop"]),
        ("pending", make_task("waiting"), ["Stop"]),
        ("stopping", make_task("asked"), []),
        ("done", make_task("done"), []),
    ],
)
def test_buttons_are_those_that_fit(state: str, task: PlaybookTask, expected: list[str]) -> None:
    assert labels(make_run(state), Progress(task)) == expected


def test_nobody_is_offered_what_has_been_asked_for() -> None:
    skip = rows.make_plan(None, state="pending")
    assert labels(make_run("paused"), Progress(make_task("failed", skipping="it"), skip=skip)) == ["Try again", "Stop"]


def test_the_clock_says_what_is_left_and_then_what_is_over() -> None:
    for elapsed_s, said in ((1500.0, "35 min left"), (4500.0, "15 min over")):
        clock = Clock(elapsed_s, 3600, "detection", CLOCK.phases)
        shown = str(pack(show_playbook(make_run(), "T", [], clock, "Mei")))
        assert said in shown
        assert "restore *15 min* of 20 min" in shown


@THOROUGH
@given(
    st.sampled_from(sorted(STATES)), st.lists(st.sampled_from(sorted(STEP_SIGNS)), max_size=30), shapes.texts(),
    shapes.lines(), st.none() | rows.plans(), st.none() | rows.runs(),
)  # fmt: skip
def test_whatever_is_in_the_store(state: str, states: list[str], words: str, title: str, plan: Any, run: Any) -> None:
    title = title.strip() or "x"
    steps = []
    for index, one in enumerate(states):
        task = make_task(one, title=title, skipping=title)
        task.index, task.words = index, words
        steps.append(Progress(task, plan, run))
    check(pack(show_playbook(make_run(state, words=words), title, steps, CLOCK, "Mei")))


def test_offer() -> None:
    offered = sorted(POLICY.playbooks.items())
    blocks = pack(show_offer(offered, [make_run()]))
    check(blocks)
    buttons = [block["accessory"]["action_id"] for block in blocks if "accessory" in block]
    assert buttons == [f"playbook.start:{key}" for key, _ in offered]
