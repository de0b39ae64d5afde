"""What a recovery action is: one procedure that changes a real system, in one file of `recovery/actions`.

An action observes (read-only), plans, and lists its steps. Who may approve it is never written here: the policy
decides by risk. A step says how to do it and how to see, after a crash, that it has been done already.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, JsonValue, field_validator

from bot.outcome import Refused
from bot.policy import Policy
from bot.store.documents import PRODUCTION, Loss, PlanDocument, PlannedStep, Prediction, Risk, Suggestion, Verdict
from bot.systems.redaction import Redactor

Facts = dict[str, JsonValue]
CONTROL = re.compile("[\x00-\x1f\x7f]")
PhaseName = Literal[
    "launch", "deployment", "configuration", "database connection", "retrieval", "restore", "restart", "validation"
]
"""Of the document's calculation examples; in lower case, as the policy's phases are compared."""


class Parameters(BaseModel):
    """Base of an action's parameters: unknown ones are refused, and texts that no system has a name like."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def refuse_control(cls, value: object) -> object:
        """Line breaks and NUL are in nothing that a person means."""
        texts = value if isinstance(value, list) else [value]
        if any(isinstance(text, str) and CONTROL.search(text) for text in texts):
            raise ValueError("holds a line break or another control character")
        return value


P = TypeVar("P", bound=Parameters)


@dataclass(frozen=True)
class World:
    """What an action may know of the world: the policy, and the environment in which secrets are read late."""

    policy: Policy
    environment: Mapping[str, str]
    now: Callable[[], datetime]
    under_way: Callable[[], Collection[int]] = tuple
    """Numbers of the runs that are not over; what their steps have kept on a host may be needed yet."""

    @cached_property
    def redactor(self) -> Redactor:
        """Takes what is secret here out of any text."""
        return Redactor(self.environment, self.policy.secrets)


@dataclass(frozen=True)
class History:
    """What this installation's own runs of the action on the target took; None where there are none."""

    duration: Prediction | None = None
    downtime: Prediction | None = None


class Needless(Refused):
    """There is nothing to do: the world is already as the action would leave it.

    `seen` is the proof of it, where there is more to say than the reason.
    """

    def __init__(self, reason: str, next_step: str = "", seen: Sequence[Verdict] = ()) -> None:
        super().__init__(reason, next_step)
        self.seen = seen

    @property
    def proof(self) -> list[Verdict]:
        """What was looked for and found."""
        return list(self.seen) or [
            Verdict(name="What was to be done", expected="so, without this run", found=self.reason, good=True)
        ]


class Memory:
    """What a step must know again after a crash; forgotten when it is tried again after a failure."""

    def recall(self, name: str) -> str | None:
        return None

    def keep(self, name: str, value: str) -> None:
        """Committed when this returns."""


@dataclass
class Context(Generic[P]):
    """What a step is given."""

    world: World
    run_id: int
    mark: str
    """What this run leaves its traces under; unlike its number, no run of another store ever has the same."""
    parameters: P
    plan: PlanDocument
    progress: Callable[[str], None]
    """Says in a few words how far the step is; may be called often."""
    cancelled: Callable[[], bool]
    """Whether somebody asked to cancel; a long step polls it and stops what it started."""
    outputs: dict[str, Facts] = field(default_factory=dict)
    """What the steps before gave back, by step name; `{"skipped": true}` for one that was skipped."""
    write: Callable[[str], None] = lambda text: None
    """Keeps a piece of output (of a program, of a server) with the run; secrets are taken out on the way."""
    memory: Memory = field(default_factory=Memory)
    """The running step's own."""
    incident_id: int | None = None
    """The incident that the run belongs to."""


@dataclass(frozen=True)
class Step(Generic[P]):
    """One step. `do` returns facts that later steps and the proof use.

    `happened` looks at the world after a crash or before a retry: the facts when the step was done, None when it
    must be done (again). A step without it may be done twice without harm.
    """

    name: str
    title: str
    do: Callable[[Context[P]], Facts]
    happened: Callable[[Context[P]], Facts | None] | None = None
    phase: PhaseName = "restore"
    cancellable: bool = True
    """False where it has to be finished once it has begun; from then on only steps that may be left are left out."""
    piecemeal: bool = False
    """Whether it changes the world piece by piece: once it was tried, what was approved may be finished later."""
    skipping: str | None = None
    """What is missing afterwards when the step is skipped, in words; None where it may not be skipped."""

    @property
    def planned(self) -> PlannedStep:
        return PlannedStep(name=self.name, title=self.title, skipping=self.skipping)


@dataclass(frozen=True)
class Evidence:
    """What a run proves: verdicts, and figures for the next prediction (`downtime_s`)."""

    verdicts: list[Verdict]
    measured: Facts = field(default_factory=dict)
    words: str = ""


class Action(ABC, Generic[P]):
    """One recovery action."""

    name: ClassVar[str]
    purpose: ClassVar[str]
    risk: ClassVar[Risk]
    permissions: ClassVar[tuple[str, ...]]
    """AWS permissions that it needs, as IAM writes them."""
    parameters: ClassVar[type[Any]]

    @abstractmethod
    def target(self, parameters: P) -> str:
        """What it is done to; also the name that approvers type."""

    def touches(self, policy: Policy, parameters: P) -> frozenset[str]:
        """All that no other run may work on meanwhile, the target among it: hosts, databases, secrets, by the policy's
        keys (`recovery/touched.py`), and what else has a name. Never raises: what it names need not be there.
        """
        return frozenset({self.target(parameters)})

    @abstractmethod
    def observe(self, world: World, parameters: P) -> Facts:
        """Look, change nothing. Raises `Refused` or `Failed` where no plan can be made."""

    @abstractmethod
    def plan(self, world: World, parameters: P, observed: Facts, history: History) -> PlanDocument:
        """What would be done, lost and paused, from what was observed."""

    def document(
        self,
        parameters: P,
        observed: Facts,
        *,
        title: str,
        loss: Loss,
        downtime: Prediction,
        duration: Prediction,
        way_back: str,
        confirm: str | None = None,
        back_to: datetime | None = None,
        environment: str = PRODUCTION,
        notes: list[str],
    ) -> PlanDocument:
        """A plan: what those of all actions say in the same way, and what only this one does."""
        return PlanDocument(
            action=self.name,
            title=title,
            risk=self.risk,
            target=self.target(parameters),
            parameters=parameters.model_dump(mode="json"),
            observed=observed,
            steps=[step.planned for step in self.steps()],
            loss=loss,
            downtime=downtime,
            duration=duration,
            way_back=way_back,
            confirm=confirm,
            back_to=back_to,
            environment=environment,
            notes=notes,
        )

    @abstractmethod
    def steps(self) -> list[Step[P]]:
        """In order."""

    @abstractmethod
    def verify(self, context: Context[P]) -> Evidence:
        """Measure afterwards; read-only."""

    def moved(self, planned: Facts, now: Facts) -> list[str]:
        """In words, what has changed since the plan in a way that matters."""
        return [
            f"{name} was {planned.get(name)}, is {now.get(name)}" for name in planned if planned[name] != now.get(name)
        ]

    def look_again(self, world: World, parameters: P, planned: Facts, *, tried: bool) -> list[str]:
        """In words, what keeps a run from beginning as it was planned; where it was `tried` before, from going on.

        What the run itself has made of the world by then is no reason.
        """
        return self.moved(planned, self.observe(world, parameters))

    def clean_up(self, context: Context[P]) -> str:
        """After a failure or a cancellation: remove what only this run made. Returns what is true now."""
        return ""

    def undo(self, parameters: P, plan: PlanDocument, outputs: dict[str, Facts]) -> Suggestion | None:
        """The action that takes a finished run back, with its own plan and approval; None where there is none."""
        return None

    def choices(self, world: World, name: str, given: Facts) -> list[tuple[str, str]] | None:
        """What the parameter `name` may be, as (value, label), the likeliest first; None where it is typed freely."""
        return None

    def application(self, world: World, parameters: P) -> str | None:
        """Key of the policy's application that users are to find working afterwards: what they do is tried then, as
        part of the proof. None where the action does not touch it.
        """
        return None

    def disaster(self, world: World, parameters: P) -> str | None:
        """Key of the policy's disaster whose RTO and phases apply; None where none does."""
        return None
