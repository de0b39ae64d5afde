"""Being on time without Slack: who is on call, putting an update off, and who is invited."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.policy.plain_yaml import dump_plain, load_plain
from tests.integration.terminal.conftest import Terminal


def test_who_is_on_call(terminal: Terminal) -> None:
    facts = terminal.ok("incident", "oncall", "--json").facts["on_call"]
    assert facts["dr_coordinator"] == {"person": "amara", "how": "by the policy's rota", "trouble": ""}
    assert "Database Admin" in terminal.ok("incident", "oncall").out


def test_putting_an_update_off(terminal: Terminal) -> None:
    assert "No incident is open" in terminal.refused("incident", "snooze", "30m", "the vendor")
    terminal.ok("incident", "declare", "P1", "Bags are missing")
    assert "is put off until" in terminal.ok("incident", "snooze", "30m", "the", "vendor").out
    assert "is not a duration" in terminal.refused("incident", "snooze", "soon", "the vendor")
    entries = terminal.ok("incident", "timeline", "--json").facts["entries"]
    assert [one["text"].rsplit(": ", 1)[1] for one in entries if "put the update off" in one["text"]] == ["the vendor"]


@pytest.mark.parametrize(("severity", "invited"), [("P1", True), ("P3", False)])
def test_who_is_on_call_is_invited_to_the_gravest(terminal: Terminal, severity: str, invited: bool) -> None:
    policy = load_plain(Path(terminal.environment["HOLDFAST_POLICY"]))
    policy["slack"]["invite_roles"][severity] = ["dr_coordinator"]
    policy["on_call"] = {"database_admin": {"people": ["jonas"]}}
    path = terminal.folder / "on-call.yml"
    dump_plain(path, policy)
    declared = terminal.ok(
        "incident", "declare", severity, f"Who comes at {severity}", "--json", HOLDFAST_POLICY=str(path)
    )
    facts = declared.facts
    room = terminal.workspace.state.channel_named(facts["channel"])
    assert room is not None
    assert ("U0JONAS" in room.members, "U0PRIYA" in room.members) == (invited, False)
