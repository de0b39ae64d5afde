"""What can be broken on the stage; one scenario a file, found by walking this package."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.sandbox.stage import Stage


class ScenarioFailed(RuntimeError):
    """The scenario could not be brought about; the message says what is true instead."""


@dataclass(frozen=True)
class Scenario:
    """Something that goes wrong, or back to normal, for real.

    `pull` does it and returns what was done in one sentence. `position` orders the list for people.
    """

    name: str
    title: str
    description: str
    pull: Callable[[Stage], str]
    position: int


def load_scenarios() -> dict[str, Scenario]:
    """Return every scenario by name, in the order of their positions."""
    modules = (importlib.import_module(f"{__name__}.{entry.name}") for entry in pkgutil.iter_modules(__path__))
    found: list[Scenario] = [module.SCENARIO for module in modules]
    return {scenario.name: scenario for scenario in sorted(found, key=lambda scenario: scenario.position)}
