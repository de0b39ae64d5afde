"""Everything that decides about plans, on a real store, with a clock, user groups and a queue turned by hand."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.comms.notices import Notices
from bot.engine import Engine
from bot.outcome import Refused
from bot.policy import Person, Policy, load_policy
from bot.recovery.action import World
from bot.recovery.approvals import Approvals, Decision
from bot.recovery.break_glass import BreakGlass
from bot.recovery.handovers import Handovers
from bot.recovery.nudges import Nudges
from bot.recovery.plans import Plans
from bot.store.database import Database
from bot.store.documents import Loss, PlanDocument, Prediction, Risk
from bot.store.tables import Approval, Delivery, LedgerEntry, Notice, Plan, Run
from tests.integration.store.stores import open_store
from tests.unit.incidents.conftest import HandClock

TARGET = "traitortrack"
REASON = "Nobody else answers and bags pile up"
SHIPPED: dict[str, Any] = load_policy(None).model_dump()


@dataclass
class Queue:
    """What was enqueued; nothing runs by itself."""

    jobs: list[tuple[str, tuple[Any, ...], float]] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)

    def enqueue(self, _session: Session, name: str, *given: Any, key: str, delay_s: float = 0.0, **_: Any) -> None:
        if key not in self.keys:
            self.keys.add(key)
            self.jobs.append((name, given, delay_s))

    def take(self, name: str) -> list[tuple[tuple[Any, ...], float]]:
        """The jobs of a name, which are then gone."""
        found = [(given, delay_s) for job, given, delay_s in self.jobs if job == name]
        self.jobs = [job for job in self.jobs if job[0] != name]
        return found


@dataclass
class Groups:
    """Slack's user groups, as keys of people."""

    members: dict[str, set[str]] = field(default_factory=dict)
    down: bool = False

    def find(self, group: str) -> frozenset[str]:
        if self.down:
            raise Refused(f"Who is in {group} cannot be looked up now.")
        return frozenset(self.members.get(group, set()))


def make_policy(**changed: Any) -> Policy:
    """The shipped policy with other sections."""
    return Policy.model_validate({**copy.deepcopy(SHIPPED), **changed})


def change_rule(risk: Risk, **changed: Any) -> dict[str, Any]:
    """The shipped `approvals` with another rule for one risk."""
    return {**SHIPPED["approvals"], risk: {**SHIPPED["approvals"][risk], **changed}}


def make_document(risk: Risk = "destructive", **changed: Any) -> PlanDocument:
    nothing = Prediction(seconds=None, source="")
    facts: dict[str, Any] = {
        "action": "restore_database", "title": "Restore", "risk": risk, "target": TARGET, "parameters": {},
        "observed": {}, "steps": [], "loss": Loss(seconds=None, rows=None, words=""), "downtime": nothing,
        "duration": nothing, "way_back": "", "confirm": TARGET,
    }  # fmt: skip
    return PlanDocument(**{**facts, **changed})


class Ballot:
    """The people of a policy deciding about plans."""

    def __init__(self, database: Database, policy: Policy) -> None:
        self.database, self.policy = database, policy
        self.clock, self.queue, self.groups = HandClock(), Queue(), Groups()
        engine = cast(Engine, self.queue)
        self.notices = Notices(engine, self.clock)
        world = World(policy, {}, self.clock)
        self.plans = Plans(database, engine, policy, self.notices, world)
        self.approvals = Approvals(database, engine, policy, self.notices, self.groups.find)
        self.glass = BreakGlass(database, engine, policy, self.notices)
        self.handovers = Handovers(database, policy, self.notices, self.groups.find)
        self.nudges = Nudges(database, policy, self.notices, self.groups.find)

    def person(self, key: str) -> Person:
        person = self.policy.person(key)
        assert person is not None
        return person

    def ask(self, person: str = "diego", document: PlanDocument | None = None) -> Plan:
        """A plan that waits, unless it needs nobody."""
        with self.database.write() as session:
            return self.plans.propose(
                session, self.person(person), document or make_document(), place="channel:here", incident_id=None
            )

    def approve(self, plan: Plan, *people: str, typed: str | None = TARGET) -> Run | None:
        run = None
        for key in people:
            run = self.decide(plan, key, "approve", typed)
        return run

    def decide(self, plan: Plan, key: str, decision: Decision, typed: str | None = TARGET) -> Run | None:
        return self.approvals.decide(plan.id, plan.hash, self.person(key), decision, typed)

    def break_glass(self, plan: Plan, key: str, reason: str = REASON, typed: str = TARGET) -> Run | None:
        return self.glass.start(plan.id, plan.hash, self.person(key), reason=reason, typed=typed)

    def hand_over(self, giver: str, holder: str, **lasting: float) -> None:
        self.handovers.give(self.person(giver), self.person(holder), timedelta(**(lasting or {"hours": 4})))

    def take_back(self, giver: str, holder: str) -> None:
        self.handovers.end(self.person(giver), self.person(holder))

    def refused(self, *call: Any, **options: Any) -> str:
        """Why `call[0](*call[1:])` was refused; everything but the ledger is as it was."""
        before = self.picture()
        try:
            call[0](*call[1:], **options)
        except Refused as refusal:
            assert self.picture() == before
            return refusal.words
        raise AssertionError("it was not refused")

    def state(self, plan: Plan) -> str:
        return self.plans.find(plan.id).state

    def runs(self, plan: Plan) -> list[Run]:
        with self.database.read() as session:
            return list(session.scalars(sa.select(Run).where(Run.plan_id == plan.id)))

    def picture(self) -> list[tuple[object, ...]]:
        """What there is, without the ledger."""
        with self.database.read() as session:
            plans = [(one.id, one.state, one.reason) for one in session.scalars(sa.select(Plan))]
            runs = [(one.id, one.plan_id) for one in session.scalars(sa.select(Run))]
            rows = session.scalars(sa.select(Approval).order_by(Approval.id))
            approvals = [(one.plan_id, one.person, one.decision, one.on_behalf_of) for one in rows]
        return [*plans, *runs, *approvals, *self.queue.jobs]

    def told(self, kind: str) -> dict[str, list[str]]:
        """Recipients by the notice's key."""
        query = sa.select(Notice.key, Delivery.recipient).join(Delivery, Delivery.notice_id == Notice.id)
        found: dict[str, list[str]] = {}
        with self.database.read() as session:
            for key, recipient in session.execute(query.where(Notice.kind == kind).order_by(Delivery.id)):
                found.setdefault(key, []).append(recipient)
        return found

    def ledger(self, kind: str) -> list[str]:
        with self.database.read() as session:
            query = sa.select(LedgerEntry.text).where(LedgerEntry.kind == kind).order_by(LedgerEntry.seq)
            return list(session.scalars(query))


@contextmanager
def open_ballot(folder: Path, policy: Policy | None = None) -> Iterator[Ballot]:
    with open_store(f"sqlite:///{folder / 'holdfast.db'}") as database:
        yield Ballot(database, policy or load_policy(None))
