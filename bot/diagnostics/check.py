"""What a check is: one read-only question, in one file of `diagnostics/checks`."""

from __future__ import annotations

import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, cached_property
from typing import ClassVar

from bot.diagnostics import checks
from bot.diagnostics.baseline import Baseline
from bot.diagnostics.series import Usual
from bot.incidents.text import known_word
from bot.outcome import Refused
from bot.policy import Database, Policy
from bot.store.documents import Finding, FindingState, Measure, Suggestion
from bot.systems.dumps.manifest import Manifest
from bot.systems.hosts.opening import OpenHost, open_hosts
from bot.systems.postgres import Connection, DatabaseMissing, DatabaseUnreachable, connect
from bot.systems.redaction import Redactor

LOCK_TIMEOUT_S = 2.0
"""A question that a lock keeps waiting is given up: whoever diagnoses must not stand in the queue as well."""
CONNECT_S = 5


class NoWayIn(Refused):
    """The bot was given no URL for the database."""


NO_WAY_IN = (NoWayIn, DatabaseMissing, DatabaseUnreachable)
"""What says that the database could not be asked at all."""


Lookup = Callable[[str, str], Usual | None]
"""From a metric's key and the database, or a table of it (`database.table`), to what is usual."""


def nothing_known(_metric: str, _subject: str) -> None:
    """Where nothing is measured over time."""


@dataclass(frozen=True)
class Surroundings:
    """What a check may look at: the policy, and the environment in which secrets are read late."""

    policy: Policy
    environment: Mapping[str, str]
    now: Callable[[], datetime]
    database: str
    """Key of the policy's database in question."""
    began: datetime | None = None
    """When the incident that is looked into did; None outside of one."""
    usual: Lookup = nothing_known
    """What a series (a key of `METRICS`) of this database, or of its application, usually shows; None: not known."""
    _baseline: Baseline = field(default_factory=Baseline)

    @cached_property
    def redactor(self) -> Redactor:
        """Takes what is secret here out of any text."""
        return Redactor(self.environment, self.policy.secrets)

    @property
    def settings(self) -> Database:
        return self.policy.databases[self.database]

    def url(self) -> str:
        """The recovery role's URL, else the application's. Raises `NoWayIn` naming the variables."""
        names = (self.settings.recovery_env, self.settings.connection_env)
        found = next((self.environment[name] for name in names if self.environment.get(name)), None)
        if found is None:
            raise NoWayIn(f"The bot knows no way to the database {self.database}.", f"Set {' or '.join(names)} for it.")
        return found

    def baseline(self) -> Manifest | None:
        """The newest verified backup, read once for all checks. Raises `Refused` or `Failed` where it cannot be."""
        return self._baseline.find(self.policy, self.database)

    def hosts(self) -> list[OpenHost]:
        """The machines that the application runs on. Raises `HostUnreachable` where the key to one is missing."""
        return open_hosts(self.policy, self.environment, self.settings.application)

    def connect(self, timeout_s: float) -> Connection:
        """For looking only: nothing can be written, and no lock is waited for longer than `LOCK_TIMEOUT_S`."""
        return open_reader(self.url(), timeout_s)


def open_reader(url: str, timeout_s: float) -> Connection:
    """A connection that can only look. Raises DatabaseMissing or DatabaseUnreachable."""
    connection = connect(
        url, purpose="diagnose", connect_timeout_s=max(2, min(CONNECT_S, int(timeout_s))),
        statement_timeout_s=timeout_s, lock_timeout_s=LOCK_TIMEOUT_S,
    )  # fmt: skip
    connection.execute("SET default_transaction_read_only = on")
    return connection


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
    tells_of_no_way_in: ClassVar[bool] = False
    """Whether it is its business that the database cannot be reached; the others say only that they saw nothing."""

    @abstractmethod
    def run(self, surroundings: Surroundings) -> Finding:
        """Look and answer. What it raises becomes a finding of its own: the check must not hide it."""

    def finding(
        self,
        state: FindingState,
        summary: str,
        evidence: list[str] | None = None,
        suggests: list[Suggestion] | None = None,
        *,
        normal: str = "",
        measures: list[Measure] | None = None,
        signs: list[str] | None = None,
    ) -> Finding:
        return Finding(
            check=self.name, title=self.title, state=state, summary=summary, evidence=evidence or [],
            suggests=suggests or [], normal=normal, measures=measures or [], signs=signs or [],
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
