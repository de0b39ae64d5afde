"""`holdfast dr approvals|handover|break-glass`: under the same policy as in Slack, with Slack away."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.app import build_services
from bot.store.tables import Plan
from tests.integration.terminal.conftest import Terminal
from tests.stage_fixtures import SharedStage
from tests.unit.recovery.ballot import REASON, TARGET, make_document

DIEGO, MEI, PRIYA = ({"LOGNAME": name} for name in ("diego", "mei", "priya"))


@pytest.fixture
def away(terminal: Terminal) -> Terminal:
    terminal.workspace.set_outage(True)
    return terminal


def propose(terminal: Terminal) -> Plan:
    """A plan of Diego's that waits, with nothing behind it."""
    services = build_services(terminal.environment)
    diego = services.policy.person("diego")
    assert diego is not None
    with services.database.write() as session:
        plan = services.plans.propose(session, diego, make_document(), place="channel:here", incident_id=None)
    services.engine.stop()
    services.database.close()
    return plan


def test_handing_over_and_approving_for_somebody(away: Terminal) -> None:
    plan = propose(away)
    number, named = str(plan.id), ["--hash", plan.hash[:12], "--confirm", TARGET, "--no-wait"]
    assert "may not decide" in away.refused("dr", "approve", number, *named, **PRIYA)
    assert "Priya Nair may approve for you until" in away.ok("dr", "handover", "priya", "4", "hours", **MEI).out
    away.ok("dr", "approve", number, *named, **PRIYA)
    assert "given for you already" in away.refused("dr", "approve", number, *named, **MEI)
    listed = away.ok("dr", "approvals", "--json").facts
    assert [(one["plan"], one["given"], one["quorum"]) for one in listed["waiting"]] == [(plan.id, 1, 2)]
    assert [(one["giver"], one["holder"]) for one in listed["handovers"]] == [("Mei Tanaka", "Priya Nair")]
    assert "Nothing is handed over" in away.ok("dr", "handover", "priya", "off", **MEI).out
    assert "1 of 2" in away.ok("dr", "approvals").out
    assert "for how long" in away.refused("dr", "handover", "priya", "soonish", **MEI)
    assert "nobody in the policy" in away.refused("dr", "handover", "nobody", "4h", **MEI)


def test_starting_alone(away: Terminal) -> None:
    plan = propose(away)
    command = ["dr", "break-glass", str(plan.id), "--hash", plan.hash[:12], "--no-wait"]
    assert "may not start plans alone" in away.refused(*command, "--reason", REASON, "--confirm", TARGET, **PRIYA)
    assert "too short" in away.refused(*command, "--reason", "because", "--confirm", TARGET, **DIEGO)
    assert "not the name" in away.refused(*command, "--reason", REASON, "--confirm", "other", **DIEGO)
    assert "another version" in away.refused(*command[:3], "--hash", "0" * 12, "--reason", REASON, "--confirm", TARGET)
    assert "everybody is told" in away.ok(*command, "--reason", REASON, "--confirm", TARGET, **DIEGO).out
    assert "your press changed nothing" in away.refused(*command, "--reason", REASON, "--confirm", TARGET, **DIEGO)


def test_an_action_that_there_is_not_stops_the_bot_at_start(away: Terminal) -> None:
    path = Path(away.environment["HOLDFAST_POLICY"])
    text = path.read_text(encoding="utf-8").replace(
        "approval_exceptions: []", "approval_exceptions: [{actions: [restore_databse], risks: [high], quorum: 2}]"
    )
    path.write_text(text, encoding="utf-8")
    assert '"restore_databse" is not a recovery action' in away.refused("dr", "runs")


def test_what_needs_nobody_is_refused_in_a_blackout(away: Terminal, fresh_stage: SharedStage) -> None:
    """Whoever scripts backups learns from the exit status that none was taken."""
    path = Path(away.environment["HOLDFAST_POLICY"])
    always = "blackouts:\n- {title: Sorting, window: '00:00-12:00'}\n- {title: Sorting, window: '12:00-00:00'}"
    path.write_text(path.read_text(encoding="utf-8").replace("blackouts: []", always), encoding="utf-8")
    assert "Sorting, with no end" in away.refused("dr", "backup", **fresh_stage.stage.environment())
