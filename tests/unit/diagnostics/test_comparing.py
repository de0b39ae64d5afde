"""A diagnosis against the one before: new, worse, better, good again, as bad as before; and what is usual."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.diagnostics.comparing import bad_since, compare_sweeps
from bot.diagnostics.usual import NOT_KNOWN, Normal
from bot.store.documents import Finding, FindingState, Measure, Since, SweepStory
from bot.store.tables import Sweep

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def finding(state: FindingState, *signs: str, check: str = "c", subject: str = "db", value: float = 0) -> Finding:
    measures = [Measure(name="connections", value=value)]
    return Finding(
        check=check, title=check.upper(), state=state, summary="s", signs=list(signs), subject=subject,
        measures=measures,
    )  # fmt: skip


def sweep(minute: int, *findings: Finding) -> Sweep:
    return Sweep(started_at=NOON + timedelta(minutes=minute), findings=list(findings), story=SweepStory())


def compare(was: Finding | None, now: Finding) -> Since:
    since = compare_sweeps([sweep(0, *([was] if was else []))], [now])
    assert since
    assert since.at == NOON
    return since


def test_without_a_look_before_there_is_nothing_to_compare() -> None:
    assert compare_sweeps([], [finding("critical")]) is None


@pytest.mark.parametrize(
    ("was", "now", "kind"),
    [
        ("ok", "critical", "new"), ("unknown", "warning", "new"), ("warning", "critical", "worse"),
        ("critical", "warning", "better"), ("critical", "ok", "gone"), ("warning", "unknown", "gone"),
        ("warning", "warning", "same"), ("ok", "ok", ""), ("ok", "unknown", ""), ("unknown", "ok", ""),
    ],
)  # fmt: skip
def test_each_state_against_each(was: FindingState, now: FindingState, kind: str) -> None:
    since = compare(finding(was), finding(now))
    told = {name: titles for name, titles in since.model_dump(exclude={"at"}).items() if titles}
    assert told == ({kind: ["C"]} if kind else {})


def test_as_bad_for_another_reason_is_new() -> None:
    assert compare(finding("critical", "locked"), finding("critical", "table gone")).new == ["C"]


def test_one_that_was_not_asked_before_is_new_and_another_database_is_another() -> None:
    assert compare(None, finding("warning")).new == ["C"]
    assert compare(finding("warning", subject="other"), finding("warning")).new == ["C"]


def test_since_when_it_is_so() -> None:
    bad = finding("critical")
    looks = [sweep(3, bad), sweep(2, bad), sweep(1, finding("ok")), sweep(0, bad)]
    assert bad_since(looks, bad) == NOON + timedelta(minutes=2)
    assert bad_since(looks, finding("warning")) is None
    assert bad_since([], bad) is None


def test_usual_is_the_span_of_good_looks() -> None:
    looks = [sweep(n, finding("ok", value=value)) for n, value in enumerate((3, 5, 4))]
    usual = Normal([*looks, sweep(9, finding("critical", value=900))])
    told = usual.tell(finding("critical", value=80))
    assert told.normal == "connections 3 to 5, mostly 4 in 3 looks since 2026-03-01."


def test_too_few_looks_are_not_called_usual() -> None:
    few = Normal([sweep(0, finding("ok", value=3))])
    assert few.tell(finding("critical")).normal == NOT_KNOWN
    assert few.tell(finding("ok")).normal == ""
    assert few.tell(finding("critical").model_copy(update={"normal": "None."})).normal == "None."
