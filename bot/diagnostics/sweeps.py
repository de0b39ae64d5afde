"""Sweeps: all checks of a scope at once, each with its own limit, one message that fills in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.comms.notices import Notices, incident_room
from bot.diagnostics.asking import Asking
from bot.diagnostics.causes import guess_cause, sort_by_weight
from bot.diagnostics.check import Surroundings, choose_checks
from bot.diagnostics.comparing import bad_since, compare_sweeps
from bot.diagnostics.metrics import METRICS, series_name
from bot.diagnostics.series import Series, Usual
from bot.diagnostics.usual import Normal
from bot.engine import Engine
from bot.incidents.desk import Change
from bot.incidents.reading import sees
from bot.outcome import Refused
from bot.policy import Person, Policy
from bot.store import ledger
from bot.store.database import Database
from bot.store.documents import Finding, SweepStory
from bot.store.tables import Incident, Sweep
from bot.words import cut, show_count

WORKFLOW = "sweep"
ITSELF = "holdfast"
"""Who asked, where nobody did."""
ASSESSED_WITHIN_S = 50.0
"""The initial assessment is there within a minute, whatever hangs (document, Step 1)."""
ENTRY_LIMIT = 900
COMPARED = 20
REMEMBERED, SWEEPS_READ = timedelta(days=30), 60


class Sweeps:
    """Starts sweeps and runs them."""

    def __init__(
        self, database: Database, engine: Engine, policy: Policy, notices: Notices, environment: Mapping[str, str]
    ) -> None:
        self.database, self.engine, self.policy = database, engine, policy
        self.notices, self.environment, self.clock = notices, environment, notices.clock
        self.series = Series(database, policy)
        self.ended: list[Callable[[Session, Sweep], None]] = []
        """Told in the same transaction that a sweep has ended."""

    def start(self, *, person: Person, scope: str, place: str, incident_id: int | None = None) -> Sweep:
        """Ask for a sweep; its message appears at `place`. Raises `Refused` for an unknown scope."""
        choose_checks(scope)
        with self.database.write() as session:
            return self._begin(session, person.key, scope, place, incident_id)

    def incident_changed(self, session: Session, incident: Incident, change: Change) -> None:
        """The initial assessment by itself, where the policy wants one: once in an incident, beside all else."""
        if change not in ("declared", "severity") or incident.resolved_at or not self._is_wanted(incident):
            return
        own = sa.select(Sweep.id).where(Sweep.incident_id == incident.id, Sweep.requested_by == ITSELF)
        if session.scalar(own.limit(1)) is None:
            scope = self.policy.categories[incident.category].diagnose_scope
            self._begin(session, ITSELF, scope, incident_room(incident.id), incident.id)

    def _is_wanted(self, incident: Incident) -> bool:
        category = self.policy.categories[incident.category].diagnose_at_declare
        return self.policy.severities[incident.severity].diagnose_at_declare if category is None else category

    def _begin(self, session: Session, requested_by: str, scope: str, place: str, incident_id: int | None) -> Sweep:
        sweep = Sweep(
            incident_id=incident_id, scope=scope, requested_by=requested_by, place=place,
            started_at=self.clock(), findings=[],
            story=SweepStory(looking=list(dict.fromkeys(check.title for check in choose_checks(scope)))),
        )  # fmt: skip
        session.add(sweep)
        session.flush()
        self.notices.say(
            session, "sweep", key=_key(sweep.id), to=[place], incident_id=incident_id, subject_id=sweep.id
        )  # fmt: skip
        self.engine.enqueue(session, WORKFLOW, sweep.id, key=f"sweep-{sweep.id}")
        return sweep

    def show_evidence(self, sweep_id: int, key: str, person: Person) -> None:
        """All that one finding saw as a file where the diagnosis is shown; of all findings where `key` is empty.

        Raises `Refused` where there is no such finding, or the person may not know of the incident.
        """
        with self.database.write() as session:
            sweep = session.get(Sweep, sweep_id)
            if sweep is None or not sees(session, sweep.incident_id, person.key):
                raise Refused(f"There is no diagnosis {sweep_id}.", "Press the button in its message.")
            if key and all(one.key != key for one in sweep.findings):
                raise Refused("That finding is not in the diagnosis any more.", "Look again.")
            self.notices.say(
                session, "sweep_evidence", key=f"sweep-evidence:{sweep_id}:{key}:{len(sweep.findings)}",
                to=[sweep.place], incident_id=sweep.incident_id, subject_id=sweep_id, data={"finding": key},
            )  # fmt: skip

    def run(self, sweep_id: int) -> None:
        """The workflow. Checks only read, so after a crash they are simply asked again."""
        sweep = self.find(sweep_id)
        if sweep.finished_at:
            return
        checks = choose_checks(sweep.scope)
        within_s = float("inf") if any(check.on_demand for check in checks) else ASSESSED_WITHIN_S
        asking = Asking(checks, self._surroundings(sweep), within_s)
        normal = self._learn_normal(sweep_id)  # while they look
        findings: list[Finding] = []
        for batch in asking.batches():
            findings += [normal.tell(finding) for finding in batch]
            self._show(sweep_id, findings, asking.looking)
        self._finish(sweep_id, findings)

    def _show(self, sweep_id: int, findings: list[Finding], looking: list[str]) -> None:
        with self.database.write() as session:
            sweep = session.get_one(Sweep, sweep_id)
            sweep.findings = sort_by_weight(findings)
            sweep.story = SweepStory(cause=_tell_cause(findings), looking=looking)
            self.notices.refresh(session, _key(sweep_id))

    def _learn_normal(self, sweep_id: int) -> Normal:
        """What sweeps of the last weeks measured while all was well."""
        recent = sa.select(Sweep).where(Sweep.id < sweep_id, Sweep.started_at > self.clock() - REMEMBERED)
        with self.database.read() as session:
            sweeps = session.scalars(recent.order_by(Sweep.id.desc()).limit(SWEEPS_READ)).all()
        return Normal(sweeps, self._usual)

    def _usual(self, metric: str, subject: str) -> Usual | None:
        """What is usual at this time of what is measured all the time; of a database, or of its application."""
        if METRICS[metric].of == "application":
            subject = self.policy.databases[subject].application
        return self.series.usual(series_name(metric, subject), self.clock())

    def find(self, sweep_id: int) -> Sweep:
        with self.database.read() as session:
            return session.get_one(Sweep, sweep_id)

    def latest(self, incident_id: int) -> Sweep | None:
        query = sa.select(Sweep).where(Sweep.incident_id == incident_id).order_by(Sweep.id.desc())
        with self.database.read() as session:
            return session.scalar(query.limit(1))

    def _surroundings(self, sweep: Sweep) -> list[Surroundings]:
        with self.database.read() as session:
            incident = session.get(Incident, sweep.incident_id) if sweep.incident_id else None
        began = incident.detected_at if incident else None
        given = self.policy, self.environment, self.clock
        return [Surroundings(*given, database, began, self._usual) for database in self.policy.databases]

    def _finish(self, sweep_id: int, findings: list[Finding]) -> None:
        with self.database.write() as session:
            sweep = session.get_one(Sweep, sweep_id)
            sweep.finished_at = self.clock()
            sweep.story = _tell_story(_list_earlier(session, sweep), findings)
            bad = [f"{one.title}: {one.summary}" for one in findings if one.state in ("critical", "warning")]
            told = "; ".join([*filter(None, [sweep.story.cause]), *bad]) or _tell_good(findings)
            ledger.append(
                session, key=f"sweep:{sweep_id}", kind="sweep.done", actor=sweep.requested_by,
                text=cut(f"Diagnosed {sweep.scope}: {told}", ENTRY_LIMIT), incident_id=sweep.incident_id,
                data={"sweep": sweep_id, "findings": [one.model_dump(mode="json") for one in findings]},
            )  # fmt: skip
            session.flush()
            self.notices.refresh(session, _key(sweep_id), f"summary:{sweep.incident_id}")
            for listener in self.ended:
                listener(session, sweep)


def _list_earlier(session: Session, sweep: Sweep) -> list[Sweep]:
    """Finished ones of the same scope in the same incident, the newest first."""
    if sweep.incident_id is None:
        return []
    same = sa.select(Sweep).where(
        Sweep.incident_id == sweep.incident_id, Sweep.scope == sweep.scope, Sweep.id < sweep.id,
        Sweep.finished_at.is_not(None),
    )  # fmt: skip
    return list(session.scalars(same.order_by(Sweep.id.desc()).limit(COMPARED)))


def _tell_story(earlier: list[Sweep], findings: list[Finding]) -> SweepStory:
    guess = guess_cause(findings)
    bad = [one for one in findings if one.state in ("critical", "warning")]
    return SweepStory(
        cause=guess.words if guess else "", beside=list(guess.beside) if guess else [],
        since=compare_sweeps(earlier, findings),
        bad_since={one.key: moment for one in bad if (moment := bad_since(earlier, one))},
    )  # fmt: skip


def _tell_cause(findings: list[Finding]) -> str:
    """So far: what is still to come may tell another."""
    guess = guess_cause(findings)
    return f"{guess.words} (So far.)" if guess else ""


def _tell_good(findings: list[Finding]) -> str:
    unknown = sum(one.state == "unknown" for one in findings)
    good = len(findings) - unknown
    return f"{show_count(good, 'check is', 'checks are')} good" + (f", {unknown} saw nothing" if unknown else "")


def _key(sweep_id: int) -> str:
    return f"sweep:{sweep_id}"
