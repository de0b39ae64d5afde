"""Findings of a sweep, the worst first, with what could be done about each."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import JsonValue
from slack_sdk.models.blocks import Block, ButtonElement

from bot.slack.blocks import parts
from bot.slack.text import code, cut, literal, show_duration
from bot.store.documents import Finding
from bot.store.tables import Sweep

SIGNS = {
    "critical": ":red_circle:",
    "warning": ":large_yellow_circle:",
    "unknown": ":grey_question:",
    "ok": ":large_green_circle:",
}
ORDER = list(SIGNS)
EVIDENCE_SHOWN = 1200


def show_sweep(sweep: Sweep, who: str) -> Iterator[Block]:
    findings = sorted(sweep.findings, key=lambda finding: ORDER.index(finding.state))
    yield parts.header(f"Diagnosis: {sweep.scope}")
    yield parts.context(_progress(sweep, findings), f"asked by {who}")
    for finding in findings:
        yield from show_finding(finding, sweep)
    if sweep.finished_at:
        yield parts.actions([parts.button("Look again", "sweep.again", {"scope": sweep.scope})])


def show_finding(finding: Finding, sweep: Sweep) -> Iterator[Block]:
    yield parts.marked(f"{SIGNS[finding.state]} *{literal(finding.title)}*\n{literal(finding.summary)}")
    if finding.evidence and finding.state != "ok":
        yield parts.marked(code(cut("\n".join(finding.evidence), EVIDENCE_SHOWN)))
    buttons = list(_suggested(finding, sweep))
    if buttons:
        yield parts.actions(buttons)


def _suggested(finding: Finding, sweep: Sweep) -> Iterator[ButtonElement]:
    for number, suggestion in enumerate(finding.suggests):
        value: dict[str, JsonValue] = {
            "action": suggestion.action,
            "parameters": suggestion.parameters,
            "incident": sweep.incident_id,
        }
        yield parts.button(suggestion.label, f"action.open:{suggestion.action}:{number}", value)


def _progress(sweep: Sweep, findings: list[Finding]) -> str:
    if sweep.finished_at is None:
        return f":hourglass_flowing_sand: looking… {len(findings)} answers so far"
    worst = findings[0].state if findings else "unknown"
    bad = sum(finding.state in ("critical", "warning") for finding in findings)
    took = show_duration((sweep.finished_at - sweep.started_at).total_seconds())
    if worst == "ok":
        return f":large_green_circle: all {len(findings)} checks are good, in {took}"
    return f"{SIGNS[worst]} {bad} of {len(findings)} checks need attention, in {took}"
