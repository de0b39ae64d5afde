"""What a check is: one read-only question, in one file of `diagnostics/checks`."""

from __future__ import annotations

import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import ClassVar

from bot.diagnostics import checks
from bot.incidents.text import known_word
from bot.policy import Database, Policy
from bot.store.documents import Finding, FindingState, Suggestion
from bot.systems.hosts.opening import OpenHost, open_hosts
from bot.systems.postgres import Connection, connect


@dataclass(frozen=True)
class Surroundings:
    """What a check may look at: the policy, and the environment in which secrets are read late."""

    policy: Policy
    environment: Mapping[str, str]
    now: Callable[[], datetime]
    database: str
    """Key of the policy's database in question."""

    @property
    def settings(self) -> Database:
        return self.policy.databases[self.database]

    def url(self) -> str:
        """The recovery role's URL, else the application's. Raises `KeyError` naming the variable."""
        settings = self.settings
        return self.environment.get(settings.recovery_env) or self.environment[settings.connection_env]

    def hosts(self) -> list[OpenHost]:
        """The machines that the application runs on. Raises `HostUnreachable` where the key to one is missing."""
        return open_hosts(self.policy, self.environment, self.settings.application)

    def connect(self, timeout_s: float) -> Connection:
        return connect(
            self.url(), purpose="diagnose", connect_timeout_s=max(1, int(timeout_s)), statement_timeout_s=timeout_s
        )


class Check(ABC):
    """One check."""

    name: ClassVar[str]
    title: ClassVar[str]
    scope: ClassVar[str]
    """What `/dr diagnose SCOPE` asks for: database, …"""
    permissions: ClassVar[tuple[str, ...]] = ()
    timeout_s: ClassVar[float] = 10.0
    on_demand: ClassVar[bool] = False
    """Asked only where its scope is named: it takes its time, or leaves traces."""
    once: ClassVar[bool] = False
    """About the product as a whole: asked once, not again for each database."""

    @abstractmethod
    def run(self, surroundings: Surroundings) -> Finding:
        """Look and answer. What it raises becomes a finding of its own: the check must not hide it."""

    def finding(
        self,
        state: FindingState,
        summary: str,
        evidence: list[str] | None = None,
        suggests: list[Suggestion] | None = None,
    ) -> Finding:
        return Finding(
            check=self.name, title=self.title, state=state, summary=summary,
            evidence=evidence or [], suggests=suggests or [],
        )  # fmt: skip


@cache
def all_checks() -> dict[str, Check]:
    """Every file of `diagnostics/checks` with a `CHECK`, by name."""
    modules = [
        importlib.import_module(f"{checks.__name__}.{info.name}") for info in pkgutil.iter_modules(checks.__path__)
    ]
    found: list[Check] = [module.CHECK for module in modules if hasattr(module, "CHECK")]
    return {check.name: check for check in found}


def scopes() -> tuple[str, ...]:
    """What can be diagnosed: all, or one scope."""
    return ("all", *sorted({check.scope for check in all_checks().values() if not check.on_demand}))


def choose_checks(scope: str) -> list[Check]:
    """Raises `Refused` for an unknown scope, naming the nearest."""
    known = (*scopes(), *sorted({check.scope for check in all_checks().values() if check.on_demand}))
    scope = known_word(scope, known, "something to diagnose", "database")
    return [
        check for check in all_checks().values() if check.scope == scope or (scope == "all" and not check.on_demand)
    ]
