"""A diagnosis in a room: by itself at a declaration, again on a press with what changed, and its evidence as a file."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from bot.diagnostics.check import Check, Surroundings
from bot.diagnostics.sweeps import ITSELF
from bot.policy import Policy
from bot.sandbox.actor import wait_for as wait_until
from bot.store.documents import Finding
from bot.store.tables import Sweep
from tests.integration.handlers.rig import WAIT_S, Bot, Human, show

QUICK = "network"
"""A scope that answers at once: the shipped policy has only names for examples in it."""


@pytest.fixture
def watchful(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bot]:
    """A bot that looks by itself when a P1 is declared, and at infrastructure's at P4 too."""
    monkeypatch.setattr(bot.services.sweeps, "policy", make_watchful(bot.policy))
    yield bot
    bot.settle()
    bot.clear()


def make_watchful(policy: Policy) -> Policy:
    severities = {
        name: one.model_copy(update={"diagnose_at_declare": name == "P1"}) for name, one in policy.severities.items()
    }
    categories = {name: one.model_copy(update={"diagnose_scope": QUICK}) for name, one in policy.categories.items()}
    categories["infrastructure"] = categories["infrastructure"].model_copy(update={"diagnose_at_declare": True})
    return policy.model_copy(update={"severities": severities, "categories": categories})


def declare(bot: Bot, severity: str, category: str, title: str) -> int:
    incident = bot.services.desk.declare(
        actor="mei", severity=severity, title=title, category=category, confirmed=True
    )  # fmt: skip
    return incident.id


def list_sweeps(bot: Bot, incident_id: int) -> list[Sweep]:
    query = sa.select(Sweep).where(Sweep.incident_id == incident_id).order_by(Sweep.id)
    with bot.services.database.read() as session:
        return list(session.scalars(query))


def diagnoses(bot: Bot, room: str) -> list[dict[str, Any]]:
    messages = bot.workspace.state.channels[room].messages
    return [one for one in list(messages.values()) if str(one.get("text", "")).startswith("Diagnosis:")]


def wait_for_diagnosis(bot: Bot, incident_id: int, number: int) -> None:
    def look() -> bool | None:
        found = list_sweeps(bot, incident_id)
        return (len(found) >= number and found[number - 1].finished_at is not None) or None

    wait_until("the diagnosis", look, WAIT_S)
    bot.settle()


def test_it_looks_by_itself_once_and_says_so_once(watchful: Bot) -> None:
    number = declare(watchful, "P1", "database", "Looked at by itself")
    wait_for_diagnosis(watchful, number, 1)
    watchful.services.desk.severities.change(number, actor="mei", severity="P2", reason="less than it seemed")
    watchful.services.desk.severities.change(number, actor="mei", severity="P1", reason="more than it seemed")
    watchful.settle()
    (sweep,) = list_sweeps(watchful, number)
    assert (sweep.requested_by, sweep.scope) == (ITSELF, QUICK)
    (message,) = diagnoses(watchful, watchful.room(number))
    assert "asked by Holdfast" in show(message)
    told = [one for one in watchful.services.desk.timeline(number) if one.kind == "sweep.done"]
    assert len(told) == 1


@pytest.mark.parametrize(
    ("severity", "category", "looks"), [("P4", "database", 0), ("P4", "infrastructure", 1), ("P2", "application", 0)]
)
def test_the_policy_decides_when(watchful: Bot, severity: str, category: str, looks: int) -> None:
    number = declare(watchful, severity, category, f"Looked at {looks} times at {severity}, {category}")
    watchful.room(number)
    watchful.settle()
    assert len(list_sweeps(watchful, number)) == looks


def test_a_raised_severity_is_looked_at_then(watchful: Bot) -> None:
    number = declare(watchful, "P3", "database", "Worse than it seemed")
    watchful.services.desk.severities.change(number, actor="mei", severity="P1", reason="all are hit")
    wait_for_diagnosis(watchful, number, 1)
    assert [one.requested_by for one in list_sweeps(watchful, number)] == [ITSELF]


def test_again_on_a_press_says_what_changed(watchful: Bot, mei: Human) -> None:
    number = declare(watchful, "P1", "database", "Looked at again")
    wait_for_diagnosis(watchful, number, 1)
    room = watchful.room(number)
    mei.press(room, "sweep.again")
    wait_for_diagnosis(watchful, number, 2)
    first, second = diagnoses(watchful, room)
    assert "Since the look at" not in show(first)
    assert "Since the look at" in show(second)
    assert "nothing has changed" in show(second)


class Gated(Check):
    """A check that answers once it may."""

    scope = "network"

    def __init__(self, title: str, gate: threading.Event) -> None:
        self.name = self.title = title  # type: ignore[misc]
        self.gate = gate

    def run(self, surroundings: Surroundings) -> Finding:
        assert self.gate.wait(WAIT_S)
        return self.finding("warning", f"{self.title} has answered.")


def test_the_message_is_there_before_anybody_answers_and_fills_in(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    """All are named at once; who has answered is shown while another still hangs."""
    quick, hanging = Gated("The quick one", threading.Event()), Gated("The hanging one", threading.Event())
    monkeypatch.setattr("bot.diagnostics.sweeps.choose_checks", lambda _: [hanging, quick])
    amara = bot.human("amara")
    before = len(diagnoses(bot, amara.lobby))

    def wait_until_shown(*words: str) -> str:
        def look() -> str | None:
            shown = [show(one) for one in diagnoses(bot, amara.lobby)[before:]]
            return shown[0] if shown and all(one in shown[0] for one in words) else None

        return wait_until(", ".join(words), look, WAIT_S)

    try:
        amara.ask("diagnose network", "/dr")
        first = wait_until_shown("looking…", "The hanging one, The quick one")
        assert "has answered" not in first
        quick.gate.set()
        second = wait_until_shown("The quick one has answered.")
        assert "looking…" in second
        assert "The hanging one has answered" not in second
    finally:
        quick.gate.set()
        hanging.gate.set()
    wait_until_shown("The hanging one has answered.", "Look again")
    assert len(diagnoses(bot, amara.lobby)) == before + 1


def test_evidence_comes_as_a_file_once(watchful: Bot, mei: Human) -> None:
    number = declare(watchful, "P1", "database", "Shown as a file")
    wait_for_diagnosis(watchful, number, 1)
    room = watchful.room(number)
    for _ in range(2):
        mei.press(room, "sweep.evidence")
    watchful.settle()
    names = [file["name"] for one in watchful.workspace.state.channels[room].messages.values()
             for file in one.get("files") or []]  # fmt: skip
    (sweep,) = list_sweeps(watchful, number)
    assert names == [f"diagnosis-{sweep.id}-all.txt"]


def test_evidence_of_a_private_incident_is_for_its_members(watchful: Bot) -> None:
    incident = watchful.services.desk.declare(
        actor="jonas", severity="P1", title="Nobody else's", category="security", private=True, confirmed=True
    )
    wait_for_diagnosis(watchful, incident.id, 1)
    (sweep,) = list_sweeps(watchful, incident.id)
    priya = watchful.policy.person("priya")
    assert priya
    with pytest.raises(Exception, match="There is no diagnosis"):
        watchful.services.sweeps.show_evidence(sweep.id, "", priya)
