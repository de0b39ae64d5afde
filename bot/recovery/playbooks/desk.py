"""Playbooks: offered, started, planned as a whole, found.

`turns` carries them out, `steering` takes what people want of them while they run.
"""

from __future__ import annotations

import logging
import uuid

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.incidents.reading import seen_by
from bot.incidents.text import known_word
from bot.outcome import Failed, Refused
from bot.policy import Person, Playbook
from bot.recovery.backups import settings_of
from bot.recovery.electorate import GroupLookup, know_no_group
from bot.recovery.plans import refuse_requests
from bot.recovery.playbooks.rows import ENDED, PlaybookRows, playbook_key
from bot.recovery.playbooks.steering import Steering
from bot.recovery.playbooks.turns import Turns
from bot.recovery.playbooks.whole import PLAYBOOK, describe_whole, draft_parts
from bot.recovery.runs import Runs
from bot.store.database import STORE_TROUBLE
from bot.store.documents import PlanDocument
from bot.store.tables import PlaybookRun, PlaybookTask

log = logging.getLogger(__name__)

DRAFT, TICK = "plan-playbook", "tick-playbook"
"""Names of the workflows `Playbooks.plan` and `Playbooks.tick`; the third is `plans.ADVANCE`."""
TICK_S = 30.0
"""How often the clock in the message is brought up to date."""


class Playbooks:
    """Offers and starts playbooks."""

    def __init__(self, runs: Runs, look_up: GroupLookup = know_no_group) -> None:
        self.plans, self.database, self.policy = runs.plans, runs.database, runs.policy
        self.engine, self.notices, self.clock = runs.engine, runs.notices, runs.clock
        self.rows = PlaybookRows(self.database, self.notices, self.policy)
        self.turns = Turns(self.rows, self.plans)
        self.steering = Steering(self.rows, runs, look_up)

    def offer(self, category: str | None = None) -> list[tuple[str, Playbook]]:
        """Key and playbook, those for an incident's category first."""
        found = self.policy.categories.get(category or "")
        fitting = found.disaster_types if found else []
        return sorted(self.policy.playbooks.items(), key=lambda entry: entry[1].disaster not in fitting)

    def start(
        self, *, person: Person, key: str, database: str, place: str, incident_id: int | None = None
    ) -> PlaybookRun:
        """Begin, or ask for the approval of the whole. Raises `Refused`."""
        refuse_requests(self.policy, person)
        key = known_word(key, tuple(self.policy.playbooks), "a playbook", "/dr playbook")
        settings_of(self.plans.world, database)
        with self.database.write() as session:
            self._refuse_second(session, database)
            run = self._write_down(session, person, key, database, place, incident_id)
            text = f"{person.name} started playbook “{self.policy.playbooks[key].title}” on {database}: run {run.id}"
            self.rows.record(session, run, "playbook.started", text, person.key)
            self._tick_later(session, run.id, 1)
            if run.state == "planning":
                self.engine.enqueue(session, DRAFT, run.id, key=f"plan-playbook-{run.id}")
            else:
                self.rows.ask_for_turn(session, run)
            return run

    def plan(self, number: int) -> None:
        """The workflow that makes the plan of a whole playbook."""
        run = self.rows.find(number)
        if run.state != "planning":
            return
        try:
            document = self._describe(run)
        except (Refused, Failed) as error:
            self._give_up(number, error.words)
        except STORE_TROUBLE:
            raise
        except Exception as error:  # the boundary of this surface: a playbook must end in words, not in silence
            reference = uuid.uuid4().hex[:8]
            log.exception("playbook run %s could not be planned, reference %s", number, reference)
            words = f"Unexpected: {type(error).__name__}. Reference {reference} finds the details in the bot's log."
            self._give_up(number, words)
        else:
            self._propose(number, document)

    def tick(self, number: int, count: int) -> None:
        """The workflow that keeps the clock in the message going."""
        with self.database.write() as session:
            run = session.get_one(PlaybookRun, number)
            if run.state not in ENDED:
                self.rows.show(session, run)
                self._tick_later(session, number, count + 1)

    def find(self, number: int, viewer: str | None = None) -> PlaybookRun:
        """Raises `Refused` where there is none, or the viewer may not know of it."""
        return self.rows.find(number, viewer)

    def list_tasks(self, number: int) -> list[PlaybookTask]:
        """The steps of a run, in order."""
        with self.database.read() as session:
            return self.rows.list_tasks(session, number)

    def list_recent(self, limit: int = 10, viewer: str | None = None) -> list[PlaybookRun]:
        """The newest first; those that the viewer may know of."""
        query = sa.select(PlaybookRun).where(seen_by(PlaybookRun.incident_id, viewer))
        with self.database.read() as session:
            return list(session.scalars(query.order_by(PlaybookRun.id.desc()).limit(limit)))

    def _refuse_second(self, session: Session, database: str) -> None:
        """Two playbooks on one database would undo one another's work."""
        query = sa.select(PlaybookRun).where(PlaybookRun.database == database, PlaybookRun.state.not_in(ENDED))
        other = session.scalar(query.limit(1))
        if other is not None:
            raise Refused(
                f"Playbook run {other.id} ({other.playbook}) works on {database} and is {other.state}.",
                f"`/dr playbook {other.id}` shows it; its Stop button ends it.",
            )

    def _write_down(
        self, session: Session, person: Person, key: str, database: str, place: str, incident_id: int | None
    ) -> PlaybookRun:
        playbook, now = self.policy.playbooks[key], self.clock()
        whole = playbook.approval == "whole"
        run = PlaybookRun(
            playbook=key, database=database, incident_id=incident_id, place=place, requested_by=person.key,
            state="planning" if whole else "running", created_at=now, started_at=None if whole else now, turn=0,
        )  # fmt: skip
        session.add(run)
        session.flush()
        for index, definition in enumerate(playbook.steps):
            session.add(
                PlaybookTask(
                    playbook_run_id=run.id, index=index, definition=definition, state="waiting", words="",
                    attempts=0, alone=False, spent={},
                )
            )  # fmt: skip
        self.notices.say(
            session, PLAYBOOK, key=playbook_key(run.id), to=[place], incident_id=incident_id, subject_id=run.id
        )  # fmt: skip
        return run

    def _describe(self, run: PlaybookRun) -> PlanDocument:
        occasion = self.turns.find_occasion(run)
        definitions = [task.definition for task in self.list_tasks(run.id)]
        parts = draft_parts(definitions, occasion, self.turns.draft)
        return describe_whole(self.policy.playbooks[run.playbook].title, run, parts, self.policy)

    def _propose(self, number: int, document: PlanDocument) -> None:
        with self.database.write() as session:
            run = self.rows.lock(session, number)
            requester = self.policy.person(run.requested_by)
            if run.state != "planning" or requester is None:
                return
            run.state = "pending"
            plan = self.plans.propose(session, requester, document, place=run.place, incident_id=run.incident_id)
            run.plan_id, plan.playbook_run_id = plan.id, run.id
            self.rows.show(session, run)

    def _give_up(self, number: int, words: str) -> None:
        with self.database.write() as session:
            run = self.rows.lock(session, number)
            if run.state == "planning":
                self.rows.end(session, run, "refused", words)

    def _tick_later(self, session: Session, number: int, count: int) -> None:
        key = f"{TICK}-{number}-{count}"
        self.engine.enqueue(session, TICK, number, count, key=key, delay_s=TICK_S)
