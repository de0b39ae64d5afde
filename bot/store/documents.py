"""Documents that are kept as JSON: findings, plans, proofs.

They live here, beneath every room, because the rooms that make them and the surfaces that show them must
agree on one shape.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, FiniteFloat, JsonValue

Risk = Literal["low", "high", "destructive"]
FindingState = Literal["ok", "warning", "critical", "unknown"]
WORD = re.compile(r"\w+")
BulletinStage = Literal["declared", "update", "severity", "resolved"]


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Suggestion(Frozen):
    """A recovery action that a finding proposes; pressing it opens that action's plan."""

    action: str
    label: str
    parameters: dict[str, JsonValue] = {}


class Measure(Frozen):
    """A figure that a check saw, under a name that stays the same, so that later looks know what is usual."""

    name: str
    value: FiniteFloat
    unit: Literal["", "%", "s", "bytes"] = ""


class Finding(Frozen):
    """The answer of one check: what was seen, how bad it is, what could be done."""

    check: str
    title: str
    state: FindingState
    summary: str
    """What was seen."""
    evidence: list[str] = []
    suggests: list[Suggestion] = []
    took_s: float = 0.0
    subject: str = ""
    """The policy's key of the database that it is about; empty where it is about the product as a whole."""
    normal: str = ""
    """What is normal here, and how that is known; empty where nobody can say yet."""
    measures: list[Measure] = []
    signs: list[str] = []
    """What it is a sign of, in the words of `diagnostics/causes.py`."""

    @property
    def key(self) -> str:
        """The same in every sweep that asks the same."""
        return f"{self.check}:{self.subject}"

    @property
    def further(self) -> list[str]:
        """The evidence that says more than the summary does: each line once, whatever signs stand around its words."""
        told, lines = f" {_words_of(self.summary)} ", dict[str, str]()
        for line in self.evidence:
            words = _words_of(line)
            if words and f" {words} " not in told:
                lines.setdefault(words, line)
        return list(lines.values())


def _words_of(text: str) -> str:
    return " ".join(WORD.findall(text.casefold()))


class Since(Frozen):
    """What changed since the diagnosis before, each a list of titles of findings."""

    at: datetime
    """When that one looked."""
    new: list[str] = []
    worse: list[str] = []
    better: list[str] = []
    gone: list[str] = []
    same: list[str] = []


class SweepStory(Frozen):
    """What is told above the findings of a diagnosis."""

    cause: str = ""
    """The likeliest cause, in one sentence; empty where nothing is wrong."""
    beside: list[str] = []
    """Titles of what it does not explain."""
    since: Since | None = None
    """None where there is none before it in the same incident."""
    bad_since: dict[str, datetime] = {}
    """By the key of a finding: when it was first seen to be so."""
    looking: list[str] = []
    """Titles of the checks that have not answered yet; empty at the end."""


class PlannedStep(Frozen):
    name: str
    title: str
    skipping: str | None = None
    """What is missing when the step is left out; None where it may not be."""


class Loss(Frozen):
    """Data that will be gone afterwards. None where it cannot be known."""

    seconds: float | None
    rows: int | None
    words: str


class Prediction(Frozen):
    """A duration and where the figure comes from: the median of past `runs`, the longest of which took `worst_s`."""

    seconds: float | None
    source: str
    worst_s: float | None = None
    runs: int = 0


PRODUCTION = "production"
"""What a target is for, unless the policy says otherwise."""


class PlanDocument(Frozen):
    """What an action would do now; the hash of this document is what an approval is bound to."""

    action: str
    title: str
    risk: Risk
    target: str
    parameters: dict[str, JsonValue]
    observed: dict[str, JsonValue]
    steps: list[PlannedStep]
    loss: Loss
    downtime: Prediction
    duration: Prediction
    way_back: str
    confirm: str | None = None
    """What an approver must type where the policy asks for typed confirmation: the target's name."""
    back_to: datetime | None = None
    """The moment whose state a restore brings back."""
    notes: list[str] = []
    environment: str = PRODUCTION
    """What the target is for, as the policy says; approval rules may differ by it."""
    continues: int | None = None
    """The run that goes on once this is approved, instead of a new one."""
    skips: str | None = None
    """The step of that run which is left out."""
    playbook: int | None = None
    """The playbook run that goes on once this is approved, instead of a run."""


class Verdict(Frozen):
    """One thing that was expected, what was found, and whether that is good."""

    name: str
    expected: str
    found: str
    good: bool
    unknown: bool = False
    """It could not be looked at, and `found` says why: then it is neither good nor bad."""

    @property
    def bad(self) -> bool:
        return not self.good and not self.unknown


class Phase(Frozen):
    """One phase of a recovery with its measured length (the document's "Calculation examples")."""

    name: str
    seconds: float
    expected_s: float | None = None


class Proof(Frozen):
    """What was measured before and after a run, and the verdict."""

    verdicts: list[Verdict]
    phases: list[Phase] = []
    measured: dict[str, JsonValue] = {}
    at: datetime

    @property
    def good(self) -> bool:
        """Something was seen to be good, and nothing to be bad."""
        return any(verdict.good for verdict in self.verdicts) and not any(verdict.bad for verdict in self.verdicts)


class Statement(Frozen):
    """What is said about an incident to those who must know, field by field (document: Notification Template)."""

    title: str
    """The brief description."""
    severity: str
    severity_title: str
    drill: bool
    detected_at: datetime
    impact: str
    components: dict[str, str]
    """The policy's key of each affected component, and its state in Statuspage's words (`operational` at the end)."""
    status: str
    """investigating, identified, monitoring or resolved."""
    text: str
    """The current status: how things stand."""
    next_steps: str
    estimated_recovery: str
    coordinator: str
    """Name of the DR Coordinator; empty while nobody is."""
    at: datetime
    """When this was so."""
