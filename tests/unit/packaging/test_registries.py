"""One file each: what a recovery action, a check, a kind of message and a subcommand must have."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any, get_args

import pytest

from bot.comms import messages
from bot.diagnostics import checks
from bot.diagnostics.check import Check, all_checks, choose_checks, scopes
from bot.policy import load_policy
from bot.policy.severities import DiagnosisScope
from bot.recovery import actions
from bot.recovery.action import Action, Parameters, Step
from bot.recovery.registry import all_actions
from bot.store.documents import Risk
from handlers import modals
from handlers.commands.listener import COMMANDS
from handlers.commands.subcommand import Subcommand, find_subcommands, write_help
from tests.unit.packaging.listened import Listened

PERMISSION = re.compile(r"[a-z0-9-]+:[A-Z][A-Za-z]+")  # as IAM writes them; a star would be a right too many
NAME = re.compile(r"[a-z][a-z_]*")
SECTION_LIMIT = 3000


def modules_of(package: ModuleType, attribute: str) -> dict[str, ModuleType]:
    """The files of a package that register something, by file name."""
    loaded = {
        info.name: importlib.import_module(f"{package.__name__}.{info.name}")
        for info in pkgutil.iter_modules(package.__path__)
    }
    return {name: module for name, module in loaded.items() if hasattr(module, attribute)}


ACTIONS = modules_of(actions, "ACTION")
CHECKS = modules_of(checks, "CHECK")
KINDS = modules_of(messages, "KIND")
SUBCOMMANDS = {
    (command, name): module
    for command, package in COMMANDS.items()
    for name, module in modules_of(importlib.import_module(package), "SUBCOMMAND").items()
}


@pytest.mark.parametrize("module", [*ACTIONS.values(), *CHECKS.values(), *KINDS.values(), *SUBCOMMANDS.values()])
def test_every_file_says_what_it_is_for(module: ModuleType) -> None:
    assert module.__doc__
    assert len(module.__doc__.splitlines()[0]) > 20


def test_the_registries_find_every_file_under_its_own_name() -> None:
    assert set(all_actions()) == set(ACTIONS)
    assert set(all_checks()) == set(CHECKS)
    assert set(messages.kinds()) == set(KINDS)
    for command, package in COMMANDS.items():
        assert {(command, name) for name in find_subcommands(package)} == {
            found for found in SUBCOMMANDS if found[0] == command
        }


@pytest.mark.parametrize("action", all_actions().values(), ids=all_actions())
def test_an_action_declares_what_policy_and_people_need_to_know(action: Action[Any]) -> None:
    assert NAME.fullmatch(action.name)
    assert action.purpose
    assert "\n" not in action.purpose
    assert action.risk in get_args(Risk)
    assert action.risk in load_policy(None).approvals
    assert isinstance(action.permissions, tuple)
    assert all(PERMISSION.fullmatch(permission) for permission in action.permissions)
    assert len(set(action.permissions)) == len(action.permissions)


@pytest.mark.parametrize("action", all_actions().values(), ids=all_actions())
def test_an_actions_parameters_are_typed_and_strict(action: Action[Any]) -> None:
    assert issubclass(action.parameters, Parameters)
    assert action.parameters.model_config["extra"] == "forbid"
    assert action.parameters.model_config["frozen"] is True
    assert all(field.annotation is not Any for field in action.parameters.model_fields.values())


@pytest.mark.parametrize("action", all_actions().values(), ids=all_actions())
def test_an_actions_steps_can_be_told_apart(action: Action[Any]) -> None:
    steps: list[Step[Any]] = action.steps()
    assert steps
    assert len({step.name for step in steps}) == len({step.title for step in steps}) == len(steps)
    assert all(NAME.fullmatch(step.name) and step.title for step in steps)


@pytest.mark.parametrize("action", all_actions().values(), ids=all_actions())
def test_approval_never_lives_in_an_action(action: Action[Any]) -> None:
    source = inspect.getsource(inspect.getmodule(type(action)) or type(action))
    assert not re.search(r"approv|quorum", source, re.IGNORECASE)


@pytest.mark.parametrize("action", all_actions().values(), ids=all_actions())
def test_what_a_destructive_action_did_can_be_seen_after_a_crash(action: Action[Any]) -> None:
    if action.risk == "destructive":
        assert any(step.happened is not None for step in action.steps())


@pytest.mark.parametrize("check", all_checks().values(), ids=all_checks())
def test_a_check_declares_what_it_asks_and_where(check: Check) -> None:
    assert NAME.fullmatch(check.name)
    assert check.title
    assert check.name.startswith(f"{check.scope}_")
    assert check.timeout_s > 0
    assert all(PERMISSION.fullmatch(permission) for permission in check.permissions)
    assert not any(re.search(":(Put|Delete|Create|Update|Abort)", one) for one in check.permissions)


def test_titles_of_checks_are_unique() -> None:
    assert len({check.title for check in all_checks().values()}) == len(all_checks())


def test_every_check_belongs_to_all_and_to_its_scope() -> None:
    assert {check.name for check in choose_checks("all")} == {
        check.name for check in all_checks().values() if not check.on_demand
    }
    for scope in scopes()[1:]:
        assert {check.scope for check in choose_checks(scope)} == {scope}


@pytest.mark.parametrize("name", CHECKS)
def test_a_check_suggests_actions_that_there_are(name: str) -> None:
    suggested = set(find_suggestions(inspect.getsource(CHECKS[name])))
    assert suggested <= set(ACTIONS)


@pytest.mark.parametrize("found", SUBCOMMANDS, ids=" ".join)
def test_a_subcommand_is_used_as_it_is_named(found: tuple[str, str]) -> None:
    one: Subcommand = SUBCOMMANDS[found].SUBCOMMAND
    assert one.name == found[1] == one.usage.split()[0]
    assert one.name != "help"
    assert one.purpose
    assert one.who
    assert list(inspect.signature(one.handle).parameters) == ["request"]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_every_subcommand_and_fits_a_message(command: str) -> None:
    shown = write_help(command, COMMANDS[command])
    assert len(shown) <= SECTION_LIMIT
    assert all(f"{command} {name}" in shown for of, name in SUBCOMMANDS if of == command)


def test_forms_and_buttons_are_registered_once() -> None:
    listened = Listened()
    assert sorted(listened.views) == sorted({module.FORM.callback_id for module in modules_of(modals, "FORM").values()})
    patterns = [pattern.pattern for pattern in listened.actions]
    assert len(set(patterns)) == len(patterns)


def find_suggestions(source: str) -> Iterator[str]:
    """Names of actions in the calls of `Suggestion`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Suggestion":
            yield from (
                str(one.value.value)
                for one in node.keywords
                if one.arg == "action" and isinstance(one.value, ast.Constant)
            )


def test_the_policy_can_name_every_scope() -> None:
    assert set(get_args(DiagnosisScope)) == set(scopes())
