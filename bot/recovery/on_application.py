"""What every action has in common that is done to an application as a whole, on all its hosts."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from pydantic import Field

from bot.policy import Policy
from bot.recovery.action import Action, Facts, Parameters, World
from bot.recovery.touched import touch_application
from bot.systems.hosts.ssm import PERMISSIONS


class OnApplication(Parameters):
    """What each of these actions asks for; by itself where one asks for nothing else."""

    application: str = Field(title="Application", description="A key of the policy's applications.")


A = TypeVar("A", bound=OnApplication)


class ApplicationAction(Action[A]):
    """An action on an application's hosts."""

    permissions: ClassVar[tuple[str, ...]] = PERMISSIONS

    def target(self, parameters: A) -> str:
        return parameters.application

    def touches(self, policy: Policy, parameters: A) -> frozenset[str]:
        return touch_application(policy, parameters.application)

    def choices(self, world: World, name: str, given: Facts) -> list[tuple[str, str]] | None:
        return [(key, one.title) for key, one in world.policy.applications.items()] if name == "application" else None
