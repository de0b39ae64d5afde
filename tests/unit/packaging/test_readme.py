"""The README under test: what it says there is, there is; what there is, it says."""

from __future__ import annotations

import re

import click
import pytest

from bot.cli import holdfast
from bot.diagnostics.check import scopes
from bot.policy import load_policy
from bot.recovery.registry import all_actions
from bot.settings import EXAMPLES
from bot.systems.client_tools import BINDIR_VARIABLE
from handlers.commands.listener import COMMANDS
from handlers.commands.subcommand import find_subcommands
from tests.unit.packaging.checkout import README, ROOT

TEXT = README.read_text(encoding="utf-8")
SETTINGS = TEXT.split("\n## Settings\n")[1].split("\n## ")[0]
ALSO = {"help"}
DOCUMENTED = TEXT.split("\n## From the written procedure to the bot\n")[1].split("\n## ")[0]


@pytest.mark.parametrize("command", COMMANDS)
def test_its_slash_commands_are_those_that_there_are(command: str) -> None:
    said = set(re.findall(rf"{command} ([a-z]+)", TEXT))
    assert said - ALSO == set(find_subcommands(COMMANDS[command]))


@pytest.mark.parametrize("group", [name for name, one in holdfast.commands.items() if isinstance(one, click.Group)])
def test_its_terminal_commands_are_those_that_there_are(group: str) -> None:
    one = holdfast.commands[group]
    assert isinstance(one, click.Group)
    assert set(re.findall(rf"holdfast {group} ([a-z-]+)", TEXT)) == set(one.commands)


def test_it_has_every_setting() -> None:
    policy = load_policy(None)
    named = {name for one in policy.databases.values() for name in (one.connection_env, one.recovery_env)}
    said = set(re.findall(r"^\| `([A-Z_]+)`", SETTINGS, re.MULTILINE))
    assert said >= {*EXAMPLES, "HOLDFAST_POLICY", BINDIR_VARIABLE, *named}


def test_the_actions_that_it_names_are_there() -> None:
    named = set(re.findall(r"`((?!pg_)[a-z]+_[a-z_]+)`", DOCUMENTED))
    assert len(named) > 10
    assert named <= set(all_actions())


def test_its_make_targets_are_those_that_there_are() -> None:
    targets = set(re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"(?:^    |`)make ([a-z]+)", TEXT, re.MULTILINE)) <= targets


def test_its_rooms_and_links_exist() -> None:
    rooms = re.findall(r"^    ((?:bot|handlers|templates)[\w./]*) ", TEXT, re.MULTILINE)
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", TEXT)
    assert rooms
    assert links
    assert not [path for path in (*rooms, *links) if not (ROOT / path).exists()]


def test_it_names_what_can_be_diagnosed() -> None:
    (row,) = [line for line in TEXT.splitlines() if line.startswith("| `/dr diagnose SCOPE`")]
    assert set(re.findall(r"[a-z]+", row.rpartition(":")[2])) == set(scopes())
