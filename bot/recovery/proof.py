"""The proof of a run: the action's own verdicts, the recovery clock by phases, and the RTO."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from bot.policy import Disaster
from bot.recovery.action import Evidence, PhaseName
from bot.store.documents import Phase, Proof, Verdict
from bot.store.tables import Incident, Run, RunStep
from bot.words import show_duration

ORDER = (
    "detection", "decision", "launch", "deployment", "configuration", "database connection", "retrieval", "restore",
    "restart", "validation",
)  # fmt: skip


def build_proof(
    run: Run,
    steps: list[RunStep],
    phase_of: Mapping[str, PhaseName],
    evidence: Evidence,
    incident: Incident | None,
    disaster: Disaster | None,
    now: datetime,
) -> Proof:
    """What was measured, as verdicts; `phase_of` says which phase of the document a step belongs to."""
    measured = {**evidence.measured, "duration_s": (now - (run.started_at or now)).total_seconds()}
    if disaster is None:
        return Proof(verdicts=evidence.verdicts, measured=measured, at=now)
    spent = _spend(run, steps, phase_of, incident, now)
    verdicts = [*evidence.verdicts, _judge_rto(sum(spent.values(), timedelta()), disaster, incident)]
    return Proof(verdicts=verdicts, phases=_list_phases(spent, disaster), measured=measured, at=now)


def _list_phases(spent: Mapping[str, timedelta], disaster: Disaster) -> list[Phase]:
    expected = {phase.name.lower(): phase.expected.total_seconds() for phase in disaster.phases}
    return [
        Phase(name=name, seconds=spent[name].total_seconds(), expected_s=expected.get(name))
        for name in ORDER
        if name in spent
    ]


def _judge_rto(total: timedelta, disaster: Disaster, incident: Incident | None) -> Verdict:
    return Verdict(
        name=f"Recovery time since {'detection' if incident else 'the start'}",
        expected=f"RTO {show_duration(disaster.rto)}",
        found=show_duration(total),
        good=total <= disaster.rto,
    )


def _spend(
    run: Run, steps: list[RunStep], phase_of: Mapping[str, PhaseName], incident: Incident | None, now: datetime
) -> dict[str, timedelta]:
    """Where the time went. The phases add up to all of it, from detection to this proof."""
    began = run.started_at or run.created_at
    spent: dict[str, timedelta] = {}
    if incident:
        spent["detection"] = incident.declared_at - incident.detected_at
        spent["decision"] = began - incident.declared_at
    last = began
    for step in steps:
        ended = step.finished_at or last
        phase = phase_of.get(step.name, "restore")
        spent[phase] = spent.get(phase, timedelta()) + (ended - last)
        last = ended
    spent["validation"] = spent.get("validation", timedelta()) + (now - last)
    return spent
