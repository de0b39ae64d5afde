"""`holdfast dr playbook …` and `holdfast permissions`, with no bot running."""

from __future__ import annotations

import json
from pathlib import Path

from bot.policy.plain_yaml import dump_plain, load_plain
from tests.integration.terminal.conftest import Terminal


def test_offered_started_and_steered(terminal: Terminal) -> None:
    """A playbook whose first steps are people's: no system is needed to walk through it."""
    offered = terminal.ok("dr", "playbook", "list", "--json").facts["playbooks"]
    assert {"database_corruption", "server_failure", "region_outage"} <= {one["key"] for one in offered}
    begun = terminal.ok("dr", "playbook", "start", "by_people", "--json").facts
    assert (begun["state"], [step["state"] for step in begun["steps"]][:2]) == ("running", ["asked", "waiting"])
    number = str(begun["playbook_run"])
    assert "works on traitortrack" in terminal.refused("dr", "playbook", "start", "database_corruption")
    assert "2. asked" in terminal.ok("dr", "playbook", "done", number, "1").out
    assert "changed nothing" in terminal.refused("dr", "playbook", "done", number, "1")
    assert "changed nothing" in terminal.refused("dr", "playbook", "retry", number, "2")
    assert "changed nothing" in terminal.refused("dr", "playbook", "go-on", number)
    plan = terminal.ok("dr", "playbook", "skip", number, "2", "--json").facts
    assert "asks for that already" in terminal.refused("dr", "playbook", "skip", number, "2")
    stopped = terminal.ok("dr", "playbook", "stop", number, "--json").facts
    assert stopped["state"] == "stopped"
    assert "Steps done: 1; not done: 2, 3, 4, 5" in stopped["words"]
    assert "void" in terminal.ok("dr", "plan", str(plan["plan"])).out
    assert "is stopped" in terminal.refused("dr", "playbook", "stop", number)
    assert "by_people on traitortrack" in terminal.ok("dr", "playbook", "show", number).out
    assert "There is no playbook run 77" in terminal.refused("dr", "playbook", "show", "77")


def test_without_a_database_to_reach_it_pauses_in_words(terminal: Terminal) -> None:
    """Neither URL is set: nothing can be planned, and nothing was begun."""
    refused = terminal.ok("dr", "playbook", "start", "database_corruption", "--json").facts
    assert refused["state"] == "refused"
    assert "so traitortrack cannot be reached" in refused["words"]


def test_permissions_are_an_iam_policy(terminal: Terminal) -> None:
    document = json.loads(terminal.ok("permissions", "--json").out)
    assert document["Version"] == "2012-10-17"
    assert all(statement["Effect"] == "Allow" for statement in document["Statement"])
    assert "s3:PutObject" in terminal.ok("permissions").out


def test_a_policy_that_names_no_action_of_ours(terminal: Terminal, tmp_path: Path) -> None:
    """Refused by the check, and by every start."""
    text = load_plain(Path(terminal.environment["HOLDFAST_POLICY"]))
    text["playbooks"]["database_corruption"]["steps"][0]["action"] = "back_up_databases"
    path = tmp_path / "wrong.yml"
    dump_plain(path, text)
    said = terminal.run("policy", "check", str(path))
    assert said.status == 1
    assert 'did you mean "back_up_database"?' in said.err
    assert "did you mean" in terminal.refused("dr", "playbook", "list", HOLDFAST_POLICY=str(path))
