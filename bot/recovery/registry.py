"""The recovery actions that there are: every file of `recovery/actions` with an `ACTION`."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import Any

from pydantic import JsonValue, ValidationError

from bot.incidents.text import known_word
from bot.outcome import Refused
from bot.policy import Policy
from bot.recovery import actions
from bot.recovery.action import Action, Parameters


@cache
def all_actions() -> dict[str, Action[Any]]:
    """By name."""
    modules = [
        importlib.import_module(f"{actions.__name__}.{info.name}") for info in pkgutil.iter_modules(actions.__path__)
    ]
    found: list[Action[Any]] = [module.ACTION for module in modules if hasattr(module, "ACTION")]
    return {action.name: action for action in found}


def find_action(name: str) -> Action[Any]:
    """Raises `Refused`, naming the nearest, where there is none."""
    return all_actions()[known_word(name, tuple(all_actions()), "a recovery action", "restore_database")]


def list_touched(policy: Policy, name: str, given: dict[str, JsonValue]) -> frozenset[str]:
    """All that a run of the action locks. Raises `Refused` as `find_action` and `read_parameters` do."""
    action = find_action(name)
    return action.touches(policy, read_parameters(action, given))


def default_database(policy: Policy) -> str:
    """The database that is meant when none is named: the policy's first."""
    return next(iter(policy.databases))


def read_parameters(action: Action[Any], given: dict[str, JsonValue]) -> Parameters:
    """Typed parameters. Raises `Refused` naming each bad one."""
    try:
        parameters: Parameters = action.parameters.model_validate(given)
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        raise Refused(
            f"{action.name} cannot be planned: {'; '.join(problems)}.", "`/dr actions` shows what it takes."
        ) from error
    return parameters
