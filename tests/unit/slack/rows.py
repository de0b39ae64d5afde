"""Made-up rows as the surfaces are given them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from bot.store.documents import Finding, PlanDocument, Proof, Suggestion, SweepStory, Verdict
from bot.store.tables import Incident, LedgerEntry, Link, Plan, Run, RunStep, Sweep, Task
from tests.unit.slack import shapes

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NUMBERS = st.integers(1, 10**9)
STATES = ("making", "pending", "approved", "denied", "expired", "void", "refused")


def make_incident(**changed: Any) -> Incident:
    facts: dict[str, Any] = {
        "id": 7, "title": "Bags are missing", "severity": "P1", "status": "investigating", "category": "database",
        "impact": "", "last_update": "", "last_update_at": None, "declared_by": "mei", "declared_at": NOON,
        "detected_at": NOON, "drill": False, "resolved_at": None, "channel_id": None, "channel_name": None,
        "next_steps": "", "estimated_recovery": "", "components": [], "private": False, "merged_into_id": None,
        "closed_at": None, "archived_at": None,
    }  # fmt: skip
    return Incident(**{**facts, **changed})


def incidents() -> st.SearchStrategy[Incident]:
    """As the desk lets them into the store: a title of one line, at most 200 characters, longer texts cut."""
    titles = shapes.lines(200).map(lambda text: " ".join(text.split())[:200] or "x")
    return st.builds(
        make_incident,
        id=NUMBERS,
        title=titles,
        severity=st.sampled_from(["P1", "P2", "P3", "P4"]),
        status=st.sampled_from(["investigating", "identified", "monitoring"]),
        impact=shapes.texts().map(str.strip),
        next_steps=shapes.texts().map(str.strip),
        private=st.booleans(),
        last_update=shapes.texts().map(str.strip),
        last_update_at=st.none() | shapes.moments(),
        declared_by=shapes.lines(20),
        declared_at=shapes.moments(),
        drill=st.booleans(),
        resolved_at=st.none() | shapes.moments(),
        channel_id=st.sampled_from(["C0123", "#traitortrack-incidents"]),
        channel_name=st.none() | st.just("inc-7-bags"),
    )


def make_entry(seq: int, text: str = "a fact", late_s: float = 0, **changed: Any) -> LedgerEntry:
    facts: dict[str, Any] = {
        "key": f"k{seq}", "incident_id": 7, "kind": "incident.note", "actor": "mei", "happened_at": NOON,
        "recorded_at": NOON + timedelta(seconds=late_s), "data": {}, "previous_hash": "", "hash": "",
    }  # fmt: skip
    return LedgerEntry(seq=seq, text=text, **{**facts, **changed})


def entries() -> st.SearchStrategy[LedgerEntry]:
    return st.builds(
        make_entry, seq=NUMBERS, text=shapes.texts().map(lambda text: text or "x"), actor=shapes.lines(20),
        late_s=st.integers(0, 10**6),
    )  # fmt: skip


def make_task(number: int = 2, title: str = "Check the backups", **changed: Any) -> Task:
    facts: dict[str, Any] = {
        "incident_id": 7, "owner": "diego", "due_at": NOON + timedelta(hours=1), "follow_up": False,
        "created_by": "mei", "created_at": NOON, "done_by": None, "done_at": None, "dropped": False,
    }  # fmt: skip
    return Task(id=number, title=title, **{**facts, **changed})


def tasks() -> st.SearchStrategy[Task]:
    """As the desk lets them into the store: a title of one line."""
    return st.builds(
        make_task, number=NUMBERS, title=shapes.lines(200).map(lambda text: " ".join(text.split()) or "x"),
        owner=st.none() | shapes.lines(20), due_at=st.none() | shapes.moments(),
    )  # fmt: skip


def make_link(url: str = "https://example.com/d", title: str = "Dashboard") -> Link:
    return Link(id=3, incident_id=7, url=url, title=title, added_by="mei", added_at=NOON)


def make_sweep(findings: int | list[Finding] = 0, also: list[Finding] | None = None, **changed: Any) -> Sweep:
    """A finished sweep; a number stands for that many findings of each state."""
    if isinstance(findings, int):
        states = ("ok", "warning", "critical", "unknown")
        suggests = [Suggestion(action="restore_database", label="Restore", parameters={"database": "d"})]
        findings = [
            Finding(check=f"c{n}", title=f"T{n}", state=states[n % 4], summary="s" * 400, suggests=suggests)
            for n in range(findings)
        ]
    facts: dict[str, Any] = {
        "id": 3, "incident_id": 7, "scope": "all", "requested_by": "mei", "place": "p", "started_at": NOON,
        "finished_at": NOON + timedelta(seconds=2), "findings": [*(also or []), *findings],
        "story": SweepStory(),
    }  # fmt: skip
    return Sweep(**{**facts, **changed})


def sweeps() -> st.SearchStrategy[Sweep]:
    return st.builds(
        make_sweep,
        findings=st.lists(shapes.findings(), max_size=30),
        finished_at=st.none() | st.just(NOON + timedelta(seconds=3)),
    )


def make_plan(document: PlanDocument | None, **changed: Any) -> Plan:
    facts: dict[str, Any] = {
        "id": 4, "action": "restore_database", "parameters": {}, "incident_id": 7, "requested_by": "mei", "place": "p",
        "target": "traitortrack", "hash": "f" * 64, "created_at": NOON, "expires_at": NOON + timedelta(minutes=30),
    }  # fmt: skip
    return Plan(document=document, **{**facts, **changed})


def plans() -> st.SearchStrategy[Plan]:
    made = st.builds(
        make_plan, document=shapes.documents(), id=NUMBERS, state=st.sampled_from(STATES[1:]),
        reason=shapes.texts(), target=shapes.lines(),
    )  # fmt: skip
    unmade = st.builds(
        make_plan, document=st.none(), id=NUMBERS, state=st.sampled_from(["making", "refused"]), reason=shapes.texts()
    )
    return made | unmade


def make_run(**changed: Any) -> Run:
    facts: dict[str, Any] = {
        "id": 5, "plan_id": 4, "action": "restore_database", "target": "traitortrack", "incident_id": 7, "place": "p",
        "state": "running", "words": "", "cancel_requested_by": "", "created_at": NOON, "started_at": NOON,
        "finished_at": None, "proof": None,
    }  # fmt: skip
    return Run(**{**facts, **changed})


def runs() -> st.SearchStrategy[Run]:
    return st.builds(
        make_run,
        id=NUMBERS,
        state=st.sampled_from(
            ["queued", "running", "cancelling", "cancelled", "done", "needless", "refused", "failed"]
        ),
        target=shapes.lines(),
        words=shapes.texts().map(str.strip),
        started_at=st.none() | st.just(NOON),
        finished_at=st.none() | st.just(NOON + timedelta(minutes=4)),
        proof=st.none() | shapes.proofs(),
    )


def steps() -> st.SearchStrategy[RunStep]:
    return st.builds(
        RunStep,
        run_id=st.just(5),
        index=st.integers(0, 20),
        name=shapes.lines(),
        title=shapes.lines(),
        state=st.sampled_from(["waiting", "running", "done", "failed"]),
        attempts=st.integers(0, 3),
        started_at=st.none() | st.just(NOON),
        finished_at=st.none() | st.just(NOON + timedelta(seconds=9)),
        words=shapes.texts(),
    )


def make_proof(good: int, bad: int) -> Proof:
    verdicts = [Verdict(name=f"rows of table_{n}", expected="50,000", found="50,000", good=True) for n in range(good)]
    verdicts += [Verdict(name=f"bad {n}", expected="50,000", found="12", good=False) for n in range(bad)]
    return Proof(verdicts=verdicts, at=NOON)
