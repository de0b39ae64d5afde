"""docs/procedures.md under test: the actions, checks and commands that it names exist, and every action is named."""

from __future__ import annotations

import re

from bot.diagnostics.check import all_checks
from bot.policy import load_policy
from bot.recovery.registry import all_actions
from handlers.commands.listener import COMMANDS
from handlers.commands.subcommand import find_subcommands
from tests.unit.packaging.checkout import ROOT

ROWS = [
    re.split(r"(?<!\\)\|", line)[1:-1]
    for line in (ROOT / "docs" / "procedures.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and "---" not in line and not line.startswith("| the document's")
]
ON_TOP = {
    "isolate_host", "put_back_database", "rds_delete_instance", "rds_restore_snapshot", "rds_snapshot",
    "snapshot_evidence",
}  # fmt: skip
"""Actions that the document has no command for."""


def test_every_row_says_what_is_done() -> None:
    assert len(ROWS) > 50
    assert all(len(row) == 3 and row[0].strip() and row[1].strip() for row in ROWS)


def test_what_it_names_is_there() -> None:
    known = set(all_actions()) | set(all_checks())
    named = {name for row in ROWS for name in re.findall(r"`([a-z]+_[a-z_]+)`", row[1])}
    assert named <= known
    commands = {tuple(found) for row in ROWS for found in re.findall(r"`(/[a-z]+) ([a-z]+)", row[1])}
    assert commands <= {(command, name) for command, package in COMMANDS.items() for name in find_subcommands(package)}


def test_playbooks_that_it_names_are_there() -> None:
    named = {name for row in ROWS for name in re.findall(r"playbook `([a-z_]+)`", row[2])}
    assert named
    assert named <= set(load_policy(None).playbooks)


def test_every_action_stands_in_it() -> None:
    named = {name for row in ROWS for name in re.findall(r"`([a-z]+_[a-z_]+)`", row[1])}
    assert set(all_actions()) - named == ON_TOP
