"""`holdfast dr …`: a real database is backed up and brought back from a terminal, with no bot and no Slack."""

from __future__ import annotations

import pytest

from tests.integration.terminal.conftest import Terminal, write_policy
from tests.stage_fixtures import BAGS, SharedStage


@pytest.fixture
def at_work(terminal: Terminal, fresh_stage: SharedStage) -> Terminal:
    """Slack is away; the database, its application and the archive are there."""
    terminal.workspace.set_outage(True)
    stage = fresh_stage.stage
    policy = write_policy(terminal.folder, stage.warehouse_url)
    environment = {**terminal.environment, **stage.environment(), "HOLDFAST_POLICY": str(policy)}
    return Terminal(environment, terminal.workspace, terminal.folder)


def test_from_diagnosis_to_proof(at_work: Terminal, fresh_stage: SharedStage) -> None:
    terminal, diego, mei = at_work, {"LOGNAME": "diego"}, {"LOGNAME": "mei"}
    run = terminal.ok("dr", "backup", "--json").facts
    assert (run["state"], {step["state"] for step in run["steps"]}) == ("done", {"done"})
    newest = terminal.ok("dr", "backups", "--json").facts["backups"][0]["key"]

    fresh_stage.stage.pull("lost-bags")
    findings = terminal.ok("dr", "diagnose", "database", "--json").facts["findings"]
    assert "critical" in {finding["state"] for finding in findings}

    plan = terminal.ok("dr", "restore", "--json").facts
    assert (plan["state"], plan["document"]["parameters"]["backup"]) == ("pending", newest)
    number, named = str(plan["plan"]), ["--hash", plan["hash"][:12], "--confirm", "traitortrack"]
    assert plan["hash"] in terminal.ok("dr", "plan", number).out

    assert "somebody else must approve" in terminal.refused("dr", "approve", number, *named)
    assert "not the name" in terminal.refused("dr", "approve", number, *named[:2], "--confirm", "other", **diego)
    assert "another version" in terminal.refused("dr", "approve", number, "--hash", "0" * 12, *named[2:], **diego)
    assert "more approvals are needed" in terminal.ok("dr", "approve", number, *named, **diego).out
    assert "decided about this plan already" in terminal.refused("dr", "approve", number, *named, **diego)
    assert fresh_stage.count_bags() < BAGS, "nothing has run yet"

    done = terminal.ok("dr", "approve", number, *named, "--json", **mei).facts
    assert done["state"] == "done"
    assert all(verdict["good"] for verdict in done["proof"]["verdicts"])
    assert fresh_stage.count_bags() >= BAGS
    assert "restore_database on" in terminal.ok("dr", "runs").out
    assert "your press changed nothing" in terminal.refused("dr", "approve", number, *named, **mei)
    assert "is done" in terminal.refused("dr", "cancel", str(done["run"]), **mei)
    assert terminal.ok("ledger", "verify", "--json").facts["breaks"] == []


def test_what_cannot_be_is_refused(at_work: Terminal) -> None:
    assert "is not a database of the policy" in at_work.refused("dr", "backup", "nosuch")
    assert "is not something to diagnose" in at_work.refused("dr", "diagnose", "everything")
    assert "There is no plan 7" in at_work.refused("dr", "plan", "7")
    assert "There is no run 7" in at_work.refused("dr", "runs", "7")
    denied = str(at_work.ok("dr", "restore", "--json").facts["plan"])
    assert "is denied" in at_work.ok("dr", "deny", denied).out
    assert "denied" in at_work.refused("dr", "approve", denied, "--hash", "f" * 12, LOGNAME="diego")


def test_a_database_that_cannot_be_reached_is_a_finding(at_work: Terminal) -> None:
    nowhere = "postgresql://nobody:secret-word@127.0.0.1:9/traitortrack"
    said = at_work.ok(
        "dr", "diagnose", "database", "--json", HOLDFAST_RECOVERY_DATABASE_URL=nowhere, PRODUCTION_DATABASE_URL=nowhere
    )
    states = {finding["check"]: finding["state"] for finding in said.facts["findings"]}
    assert states["database_connectivity"] == "critical"
    assert "secret-word" not in said.out + said.err


def test_any_action_previewed_asked_for_and_taken_back(at_work: Terminal, fresh_stage: SharedStage) -> None:
    terminal, diego, mei = at_work, {"LOGNAME": "diego"}, {"LOGNAME": "mei"}
    newest = fresh_stage.baseline.key
    preview = terminal.ok("dr", "plan", "restore_database", f"backup={newest}", "--json").facts
    assert (preview["state"], preview["document"]["parameters"]["database"]) == ("preview", "traitortrack")
    assert "preview" in terminal.refused("dr", "approve", str(preview["plan"]), "--hash", preview["hash"], **diego)

    assert "needs backup" in terminal.refused("dr", "request", "restore_database")
    assert "has no parameter bakup" in terminal.refused("dr", "request", "restore_database", "bakup=x")
    plan = terminal.ok("dr", "request", "restore_database", f"backup={newest}", "--json").facts
    named = ["--hash", plan["hash"], "--confirm", "traitortrack"]
    terminal.ok("dr", "approve", str(plan["plan"]), *named, **diego)
    run = terminal.ok("dr", "approve", str(plan["plan"]), *named, "--json", **mei).facts
    assert run["state"] == "done"

    assert "is done; only one that stopped can go on" in terminal.refused("dr", "retry", str(run["run"]))
    assert "is done; only one that stopped can go on" in terminal.refused("dr", "skip", str(run["run"]), "swap")
    back = terminal.ok("dr", "undo", str(run["run"]), "--json").facts
    assert (back["state"], back["document"]["action"]) == ("pending", "put_back_database")
    assert "kept no output" in terminal.ok("dr", "output", str(run["run"])).out
