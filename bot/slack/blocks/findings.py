"""Findings of a sweep, the worst first, with what is normal, what was seen, and what could be done about each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from pydantic import JsonValue
from slack_sdk.models.blocks import Block, ButtonElement

from bot.slack.blocks import parts
from bot.slack.blocks.rich import Piece, bold, emoji, faint, lines, preformatted, when
from bot.slack.text import cut, show_duration, show_time
from bot.store.documents import Finding, Since, SweepStory
from bot.store.tables import Sweep
from bot.words import show_count

SIGNS = {
    "critical": "red_circle",
    "warning": "large_yellow_circle",
    "unknown": "white_circle",
    "ok": "large_green_circle",
}
ORDER = list(SIGNS)
LOOKING = "hourglass_flowing_sand"
EVIDENCE_LINES, EVIDENCE_SHOWN = 3, 400
"""What does not fit is to be had as a file."""
SUMMARY_SHOWN, NORMAL_SHOWN, SHORT_SHOWN, NOT_SEEN_SHOWN = 600, 200, 160, 110
DETAILED = 12
"""So many findings are shown with all that they have; those after them on a line."""
NAMES_SHOWN = 4
LOOKING_SHOWN = 1500


def show_sweep(sweep: Sweep, who: str) -> Iterator[Block]:
    story = sweep.story
    findings = sorted(sweep.findings, key=lambda finding: ORDER.index(finding.state))
    yield parts.header(f"Diagnosis: {sweep.scope}")
    yield from _show_story(story)
    yield parts.context(_progress(sweep, findings), f"asked by {who}")
    bad = [finding for finding in findings if finding.state in ("critical", "warning")]
    for finding in bad[:DETAILED]:
        yield from show_finding(finding, sweep, story.bad_since.get(finding.key))
    if bad[DETAILED:]:
        yield lines([_on_a_line(finding, SHORT_SHOWN) for finding in bad[DETAILED:]])
    unknown = [finding for finding in findings if finding.state == "unknown"]
    if unknown:
        yield lines([_not_seen(titles, summary) for summary, titles in _by_reason(unknown).items()])
    good = [finding for finding in findings if finding.state == "ok"]
    if good:
        yield lines([(emoji(SIGNS["ok"]), " ", bold(f"{len(good)} good: "), ", ".join(one.title for one in good), ".")])
    if story.looking and not sweep.finished_at:
        yield lines([(emoji(LOOKING), " ", bold("looking… "), faint(cut(", ".join(story.looking), LOOKING_SHOWN)))])
    if sweep.finished_at:
        yield parts.actions(list(_last_buttons(sweep)))


def _show_story(story: SweepStory) -> Iterator[Block]:
    rows: list[Sequence[Piece]] = []
    if story.cause:
        rows.append((bold(cut(story.cause, SUMMARY_SHOWN)),))
    if story.beside:
        rows.append((faint(f"Not explained by it: {_name(story.beside)}."),))
    if story.since:
        rows.append(("Since the look at ", when(story.since.at), f": {_tell_changes(story.since)}."))
    if rows:
        yield lines(rows)


def _tell_changes(since: Since) -> str:
    kinds = {"new": since.new, "worse": since.worse, "better": since.better, "good again": since.gone}
    told = [f"{kind}: {_name(titles)}" for kind, titles in kinds.items() if titles]
    same = f"{len(since.same)} as bad as before" if since.same else ""
    return "; ".join([*told, *([same] if same else [])]) or "nothing has changed"


def _name(titles: Sequence[str]) -> str:
    more = len(titles) - NAMES_SHOWN
    return ", ".join(titles[:NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def show_finding(finding: Finding, sweep: Sweep, since: datetime | None = None) -> Iterator[Block]:
    title: list[Piece] = [emoji(SIGNS[finding.state]), " ", bold(_title(finding, sweep))]
    if since:
        title += ["  ", faint("so since "), when(since)]
    rows: list[Sequence[Piece]] = [title, (cut(finding.summary, SUMMARY_SHOWN),)]
    if finding.normal:
        rows.append((faint(f"Normal: {cut(finding.normal, NORMAL_SHOWN)}"),))
    yield lines(rows)
    further = finding.further
    shown = cut("\n".join(further[:EVIDENCE_LINES]), EVIDENCE_SHOWN)
    if further:
        yield preformatted(shown)
    buttons = list(_suggested(finding, sweep))
    if len("\n".join(further)) > len(shown):
        value: dict[str, JsonValue] = {"sweep": sweep.id, "finding": finding.key}
        buttons.append(
            parts.button(f"Show evidence ({show_count(len(finding.evidence), 'line')})", "sweep.evidence", value)
        )
    if buttons:
        yield parts.actions(buttons)


def _title(finding: Finding, sweep: Sweep) -> str:
    """With the database, where the product has several."""
    subjects = {one.subject for one in sweep.findings if one.subject}
    return f"{finding.title} ({finding.subject})" if finding.subject and len(subjects) > 1 else finding.title


def _on_a_line(finding: Finding, limit: int) -> Sequence[Piece]:
    return (emoji(SIGNS[finding.state]), " ", bold(f"{finding.title}  "), cut(finding.summary, limit))


def _by_reason(unknown: Sequence[Finding]) -> dict[str, list[str]]:
    """Titles of what could not be seen, by what was in the way: of many checks it is often the same."""
    found: dict[str, list[str]] = {}
    for finding in unknown:
        found.setdefault(finding.summary, []).append(finding.title)
    return found


def _not_seen(titles: Sequence[str], reason: str) -> Sequence[Piece]:
    return (emoji(SIGNS["unknown"]), " ", bold(f"{cut(', '.join(titles), SHORT_SHOWN)}  "), cut(reason, NOT_SEEN_SHOWN))


def _suggested(finding: Finding, sweep: Sweep) -> Iterator[ButtonElement]:
    for number, suggestion in enumerate(finding.suggests):
        value: dict[str, JsonValue] = {
            "action": suggestion.action,
            "parameters": suggestion.parameters,
            "incident": sweep.incident_id,
        }
        yield parts.button(suggestion.label, f"action.open:{suggestion.action}:{number}", value)


def _last_buttons(sweep: Sweep) -> Iterator[ButtonElement]:
    yield parts.button("Look again", "sweep.again", {"scope": sweep.scope})
    if sweep.findings:
        yield parts.button("All as a file", "sweep.evidence", {"sweep": sweep.id, "finding": ""})


def _progress(sweep: Sweep, findings: list[Finding]) -> str:
    if sweep.finished_at is None:
        return f":{LOOKING}: {show_count(len(findings), 'answer')} so far"
    counts = {state: sum(finding.state == state for finding in findings) for state in ORDER}
    took = show_duration((sweep.finished_at - sweep.started_at).total_seconds())
    told = [f":{SIGNS[state]}: {count} {state}" for state, count in counts.items() if count]
    return f"{'  '.join(told) or 'no answers'}, in {took} at {show_time(sweep.finished_at)}"
