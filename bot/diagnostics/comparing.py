"""What changed between two diagnoses of the same: new, worse, better, gone, still so and since when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.store.documents import Finding, FindingState, Since
from bot.store.tables import Sweep

RANK: dict[FindingState, int] = {"ok": 0, "unknown": 1, "warning": 2, "critical": 3}


def compare_sweeps(earlier: Sequence[Sweep], findings: Sequence[Finding]) -> Since | None:
    """`earlier` are finished ones of the same scope in the same incident, the newest first; None without any."""
    if not earlier:
        return None
    before = {one.key: one for one in earlier[0].findings}
    kinds: dict[str, list[str]] = {}
    for finding in findings:
        was = before.get(finding.key)
        kind = _compare(was, finding) if was else "new" if _is_bad(finding) else ""
        if kind:
            kinds.setdefault(kind, []).append(finding.title)
    return Since.model_validate({"at": earlier[0].started_at, **kinds})


def bad_since(earlier: Sequence[Sweep], finding: Finding) -> datetime | None:
    """When it was seen first in the state that it is in, in an unbroken row of looks; None where it is new."""
    since = None
    for sweep in earlier:
        was = next((one for one in sweep.findings if one.key == finding.key), None)
        if was is None or was.state != finding.state:
            break
        since = sweep.started_at
    return since


def _compare(was: Finding, now: Finding) -> str:
    if RANK[was.state] == RANK[now.state]:
        if not _is_bad(now):
            return ""
        return "same" if set(was.signs) == set(now.signs) else "new"
    if RANK[now.state] > RANK[was.state]:
        return "worse" if _is_bad(was) else "new" if _is_bad(now) else ""
    return "better" if _is_bad(now) else "gone" if _is_bad(was) else ""


def _is_bad(finding: Finding) -> bool:
    return finding.state in ("warning", "critical")
