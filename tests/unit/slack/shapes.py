"""Made-up rows and documents, hostile and huge, for tests of what is kept and shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from pydantic import JsonValue

from bot.store.documents import (
    Finding,
    Loss,
    Phase,
    PlanDocument,
    PlannedStep,
    Prediction,
    Proof,
    Suggestion,
    Verdict,
)

HOSTILE = (
    "<!channel>", "<!here>", "<!everyone>", "<!subteam^S123>", "<@U0MEI>", "<#C123|room>", "<https://evil.example|bank>",
    "*bold* _slanted_ ~gone~ `code`", "```", "&lt;!channel&gt;", "&amp;", "> quote", "a\nb\n\nc", "\u202eabc",
    "مرحبا بالعالم", "👩‍👩‍👧‍👦🏴󠁧󠁢󠁥󠁮󠁧󠁿", "“curly” ‘quotes’ —", "' OR 1=1; --", "{{ 7*7 }}", "%s {0}",
    "<!date^0^{date}|x>", ":fire:",
)  # fmt: skip
STORABLE = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")
"""What text in both databases can hold."""


def texts(max_size: int = 200) -> st.SearchStrategy[str]:
    """Hostile, long, or any text at all; without NUL and lone surrogates, which never reach a store."""
    long = st.tuples(st.sampled_from([*HOSTILE, "x", "x ", "<", "&"]), st.integers(1, 400)).map(lambda p: p[0] * p[1])
    return st.one_of(st.sampled_from(HOSTILE), st.text(STORABLE, max_size=max_size), long)


def lines(max_size: int = 60) -> st.SearchStrategy[str]:
    """Short text of our own or of a machine, never empty."""
    return st.one_of(st.sampled_from(HOSTILE), st.text(STORABLE, min_size=1, max_size=max_size))


def moments() -> st.SearchStrategy[datetime]:
    first, last = datetime(2000, 1, 1), datetime(2100, 1, 1)  # noqa: DTZ001 (the zone is drawn beside them)
    return st.datetimes(first, last, timezones=st.just(UTC))


def seconds() -> st.SearchStrategy[float]:
    return st.floats(0, 1e7, allow_nan=False)


def json_objects() -> st.SearchStrategy[dict[str, JsonValue]]:
    leaves = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False)
    values: st.SearchStrategy[Any] = st.recursive(
        leaves | st.text(STORABLE, max_size=20),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(STORABLE, max_size=8), inner, max_size=3),
        max_leaves=8,
    )
    return st.dictionaries(st.text(STORABLE, max_size=8), values, max_size=4)


def suggestions() -> st.SearchStrategy[Suggestion]:
    parameters = st.dictionaries(st.sampled_from(["database", "backup"]), st.text(STORABLE, max_size=60), max_size=2)
    return st.builds(
        Suggestion,
        action=st.sampled_from(["restore_database", "back_up_database"]),
        label=lines(),
        parameters=parameters,
    )


def findings() -> st.SearchStrategy[Finding]:
    return st.builds(
        Finding,
        check=lines(),
        title=lines(),
        state=st.sampled_from(["ok", "warning", "critical", "unknown"]),
        summary=texts(),
        evidence=st.lists(texts(), max_size=5),
        suggests=st.lists(suggestions(), max_size=3),
        took_s=seconds(),
    )


def documents() -> st.SearchStrategy[PlanDocument]:
    predictions = st.builds(Prediction, seconds=st.none() | seconds(), source=lines())
    return st.builds(
        PlanDocument,
        action=st.sampled_from(["restore_database", "back_up_database"]),
        title=lines(),
        risk=st.sampled_from(["low", "high", "destructive"]),
        target=lines(),
        parameters=json_objects(),
        observed=json_objects(),
        steps=st.lists(st.builds(PlannedStep, name=lines(), title=lines()), max_size=12),
        loss=st.builds(Loss, seconds=st.none() | seconds(), rows=st.none() | st.integers(0, 10**9), words=texts()),
        downtime=predictions,
        duration=predictions,
        way_back=texts(),
        confirm=st.none() | lines(),
        back_to=st.none() | moments(),
        notes=st.lists(texts(), max_size=4),
    )


def proofs() -> st.SearchStrategy[Proof]:
    verdicts = st.builds(Verdict, name=lines(), expected=texts(), found=texts(), good=st.booleans())
    phases = st.builds(Phase, name=lines(), seconds=seconds(), expected_s=st.none() | seconds())
    return st.builds(
        Proof,
        verdicts=st.lists(verdicts, max_size=6),
        phases=st.lists(phases, max_size=7),
        measured=json_objects(),
        at=moments(),
    )


def later(moment: datetime, seconds: float) -> datetime:
    return moment + timedelta(seconds=seconds)
