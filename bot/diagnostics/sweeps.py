"""Sweeps: all checks of a scope at once, each with its own limit, one message that fills in."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.comms.notices import Notices
from bot.diagnostics.check import Check, Surroundings, choose_checks
from bot.engine import Engine
from bot.outcome import Failed, Refused
from bot.policy import Person, Policy
from bot.store import ledger
from bot.store.database import Database
from bot.store.documents import Finding
from bot.store.tables import Sweep
from bot.words import cut

log = logging.getLogger(__name__)

WORKFLOW = "sweep"
GRACE_S = 2.0
ENTRY_LIMIT = 600


class Sweeps:
    """Starts sweeps and runs them."""

    def __init__(
        self, database: Database, engine: Engine, policy: Policy, notices: Notices, environment: Mapping[str, str]
    ) -> None:
        self.database, self.engine, self.policy = database, engine, policy
        self.notices, self.environment, self.clock = notices, environment, notices.clock
        self.ended: list[Callable[[Session, Sweep], None]] = []
        """Told in the same transaction that a sweep has ended."""

    def start(self, *, person: Person, scope: str, place: str, incident_id: int | None = None) -> Sweep:
        """Ask for a sweep; its message appears at `place`. Raises `Refused` for an unknown scope."""
        choose_checks(scope)
        with self.database.write() as session:
            sweep = Sweep(
                incident_id=incident_id, scope=scope, requested_by=person.key, place=place,
                started_at=self.clock(), findings=[],
            )  # fmt: skip
            session.add(sweep)
            session.flush()
            self.notices.say(
                session, "sweep", key=_key(sweep.id), to=[place], incident_id=incident_id, subject_id=sweep.id
            )  # fmt: skip
            self.engine.enqueue(session, WORKFLOW, sweep.id, key=f"sweep-{sweep.id}")
            return sweep

    def run(self, sweep_id: int) -> None:
        """The workflow. Checks only read, so after a crash they are simply asked again."""
        sweep = self.find(sweep_id)
        if sweep.finished_at:
            return
        findings: list[Finding] = []
        for finding in ask_all(choose_checks(sweep.scope), self._surroundings()):
            findings.append(finding)
            with self.database.write() as session:
                session.get_one(Sweep, sweep_id).findings = list(findings)
                self.notices.refresh(session, _key(sweep_id))
        self._finish(sweep_id, findings)

    def find(self, sweep_id: int) -> Sweep:
        with self.database.read() as session:
            return session.get_one(Sweep, sweep_id)

    def latest(self, incident_id: int) -> Sweep | None:
        query = sa.select(Sweep).where(Sweep.incident_id == incident_id).order_by(Sweep.id.desc())
        with self.database.read() as session:
            return session.scalar(query.limit(1))

    def _surroundings(self) -> list[Surroundings]:
        return [Surroundings(self.policy, self.environment, self.clock, database) for database in self.policy.databases]

    def _finish(self, sweep_id: int, findings: list[Finding]) -> None:
        with self.database.write() as session:
            sweep = session.get_one(Sweep, sweep_id)
            sweep.finished_at = self.clock()
            bad = [f"{one.title}: {one.summary}" for one in findings if one.state in ("critical", "warning")]
            told = "; ".join(bad) if bad else f"all {len(findings)} checks are good"
            ledger.append(
                session, key=f"sweep:{sweep_id}", kind="sweep.done", actor=sweep.requested_by,
                text=cut(f"Diagnosed {sweep.scope}: {told}", ENTRY_LIMIT), incident_id=sweep.incident_id,
                data={"sweep": sweep_id, "findings": [one.model_dump(mode="json") for one in findings]},
            )  # fmt: skip
            session.flush()
            self.notices.refresh(session, _key(sweep_id), f"summary:{sweep.incident_id}")
            for listener in self.ended:
                listener(session, sweep)


def ask_all(checks: list[Check], places: list[Surroundings]) -> Iterator[Finding]:
    """Every check at every place it is asked at, side by side; findings as they come, a hanging check as unknown."""
    pool = ThreadPoolExecutor(max_workers=max(1, len(checks) * len(places)), thread_name_prefix="check")
    began = time.monotonic()
    waiting = {
        pool.submit(ask, check, place): check for check in checks for place in (places[:1] if check.once else places)
    }
    while waiting:
        limit_s = max(0.0, max(check.timeout_s for check in waiting.values()) + GRACE_S - (time.monotonic() - began))
        answered, _ = wait(waiting, timeout=limit_s, return_when=FIRST_COMPLETED)
        if not answered:
            yield from (_overdue(check) for check in waiting.values())
            break
        yield from _take(answered, waiting)
    pool.shutdown(wait=False, cancel_futures=True)


def _take(answered: set[Future[Finding]], waiting: dict[Future[Finding], Check]) -> Iterator[Finding]:
    for future in answered:
        del waiting[future]
        yield future.result()


def ask(check: Check, place: Surroundings) -> Finding:
    """One check's answer; what went wrong in it is an answer too."""
    began = time.monotonic()
    try:
        finding = check.run(place)
    except (Refused, Failed) as error:
        finding = check.finding("critical", error.words)
    except Exception as error:  # the boundary of this surface: one broken check must not silence the others
        log.exception("check %s failed", check.name)
        finding = check.finding("unknown", f"The check itself failed: {type(error).__name__}: {error}")
    return finding.model_copy(update={"took_s": time.monotonic() - began})


def _overdue(check: Check) -> Finding:
    return check.finding("unknown", f"No answer within {check.timeout_s:.0f} s.")


def _key(sweep_id: int) -> str:
    return f"sweep:{sweep_id}"
