"""Findings of a sweep, the worst first, with what could be done about each."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import JsonValue
from slack_sdk.models.blocks import Block, ButtonElement

from bot.slack.blocks import parts
from bot.slack.blocks.rich import bold, emoji, lines, preformatted
from bot.slack.text import cut, show_duration
from bot.store.documents import Finding
from bot.store.tables import Sweep

SIGNS = {
    "critical": "red_circle",
    "warning": "large_yellow_circle",
    "unknown": "white_circle",
    "ok": "large_green_circle",
}
ORDER = list(SIGNS)
EVIDENCE_SHOWN = 1200
SUMMARY_SHOWN = 1000


def show_sweep(sweep: Sweep, who: str) -> Iterator[Block]:
    findings = sorted(sweep.findings, key=lambda finding: ORDER.index(finding.state))
    yield parts.header(f"Diagnosis: {sweep.scope}")
    yield parts.context(_progress(sweep, findings), f"asked by {who}")
    bad = [finding for finding in findings if finding.state != "ok"]
    for finding in bad:
        yield from show_finding(finding, sweep)
    good = [finding for finding in findings if finding.state == "ok"]
    if good:
        yield lines([(emoji(SIGNS["ok"]), " ", bold(f"{one.title}  "), cut(one.summary, 300)) for one in good])
    if sweep.finished_at:
        yield parts.actions([parts.button("Look again", "sweep.again", {"scope": sweep.scope})])


def show_finding(finding: Finding, sweep: Sweep) -> Iterator[Block]:
    yield lines([(emoji(SIGNS[finding.state]), " ", bold(finding.title)), (cut(finding.summary, SUMMARY_SHOWN),)])
    if finding.evidence:
        yield preformatted(cut("\n".join(finding.evidence), EVIDENCE_SHOWN))
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
    bad = sum(finding.state != "ok" for finding in findings)
    took = show_duration((sweep.finished_at - sweep.started_at).total_seconds())
    if worst == "ok":
        return f":large_green_circle: all {len(findings)} checks are good, in {took}"
    return f":{SIGNS[worst]}: {bad} of {len(findings)} checks need attention, in {took}"
