"""The cadence of updates: a clock for each audience, and reminders that nobody has to remember.

Clocks are wound in the transaction of what winds them: a change of the incident, or a bulletin that went out. Their
reminders are delayed workflows, each for one audience, turn and step; one of an earlier turn says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from pydantic import JsonValue
from sqlalchemy.orm import Session

from bot.comms.notices import Notices, direct_message, incident_room
from bot.comms.pages import Pages
from bot.comms.responsible import find_line, look_up_duties
from bot.comms.update_clocks import (
    DUE,
    REMIND,
    Stage,
    find_due,
    find_step_time,
    find_together,
    hears_in_room,
    list_concerned,
    name_audiences,
    read_live,
    stage_of,
)
from bot.engine import seconds_until
from bot.incidents.desk import Change
from bot.incidents.on_call import OnCall
from bot.policy import Policy
from bot.store import ledger
from bot.store.database import Database
from bot.store.tables import Bulletin, Incident, Notice, UpdateClock

WORKFLOW = "remind-of-update"
REMINDER = "update_reminder"
MATTER = "update"
"""What pages about it are called."""


class Cadence:
    """Winds the clocks and says the reminders."""

    def __init__(self, database: Database, policy: Policy, notices: Notices, pages: Pages, on_call: OnCall) -> None:
        self.database, self.policy, self.notices, self.on_call = database, policy, notices, on_call
        self.pages, self.clock = pages, notices.clock

    def changed(self, session: Session, incident: Incident, change: Change) -> None:
        """The desk's listener; before the one that makes bulletins, which wind the clocks on."""
        if change in ("declared", "reopened"):
            since = incident.declared_at if change == "declared" else self.clock()
            self._begin(session, incident, list_concerned(self.policy, incident), since)
        elif change in ("severity", "privacy"):
            self._replan(session, incident)
        elif change == "updated":
            self._hear_in_room(session, incident)
        elif change == "resolved":
            self._await_resolution(session, incident)
        elif change in ("merged", "closed"):
            self._end(session, incident, read_live(session, incident.id))
        else:
            return
        self.settle(session, incident)

    def told(self, session: Session, bulletin: Bulletin) -> None:
        """The listener of bulletins: these audiences have heard."""
        incident = session.get_one(Incident, bulletin.incident_id)
        concerned = list_concerned(self.policy, incident)
        for audience in bulletin.audiences:
            if audience not in concerned:
                continue
            if incident.is_open:
                self._wind(session, incident, audience, "ongoing", self.clock())
            elif bulletin.stage == "resolved":
                self._wind(session, incident, audience, "done", self.clock())
        self.settle(session, incident)
        if bulletin.decided_by:  # published by somebody; what goes out by itself comes with a change that is shown
            self.notices.refresh(session, f"summary:{incident.id}")

    def remind(self, incident_id: int, audience: str, turn: int, step: int) -> None:
        """The workflow: one step of one turn, said once, also for the audiences that are due at the same time."""
        if not self._is_due(incident_id, audience, turn, step):
            return
        duties = look_up_duties(self.policy, self.on_call)
        with self.database.write() as session:
            ledger.hold(session)  # a reminder and what makes it needless come one after the other
            clocks = read_live(session, incident_id)
            mine = [one for one in clocks if (one.audience, one.turn, one.step) == (audience, turn, step)]
            if not mine:
                return
            incident = session.get_one(Incident, incident_id)
            line = find_line(session, self.policy, incident, duties)
            together = find_together(mine[0], clocks)
            self._say(session, incident, mine[0], together, line)
            for clock in together:
                self._go_on(session, incident, clock, len(line))
            self.notices.refresh(session, f"summary:{incident.id}")

    def plan(self, session: Session, incident: Incident, clock: UpdateClock, due_at: datetime, step: int) -> None:
        """Begin a new turn of a clock: what was scheduled before says nothing any more."""
        clock.due_at, clock.step = due_at, step
        clock.turn += 1
        session.flush()
        when = due_at - self.policy.updates.remind_before if step == REMIND else due_at
        self._schedule(session, clock, when)

    def see_to(self, session: Session, incident: Incident, reminder_id: int) -> bool:
        """Take a reminder and those beside it as seen to; False where it was already, so that one press counts."""
        said = [one for one in _read_notices(session, incident, REMINDER) if not one.data.get("over")]
        for notice in said:
            self._end_reminder(session, notice)
        return reminder_id in {notice.id for notice in said}

    def _is_due(self, incident_id: int, audience: str, turn: int, step: int) -> bool:
        with self.database.read() as session:
            clock = session.get(UpdateClock, (incident_id, audience))
        return clock is not None and clock.stage != "done" and (clock.turn, clock.step) == (turn, step)

    def _begin(self, session: Session, incident: Incident, audiences: Sequence[str], since: datetime) -> None:
        for audience in audiences:
            self._wind(session, incident, audience, "first", since)

    def _replan(self, session: Session, incident: Incident) -> None:
        """Other audiences, other times. Whom it concerns only now, hears for the first time from now on.

        What is due earlier than now by the new cadence is due now: nobody can have known before.
        """
        concerned, live = list_concerned(self.policy, incident), read_live(session, incident.id)
        self._end(session, incident, [one for one in live if one.audience not in concerned])
        for clock in live:
            if clock.audience in concerned:
                self._wind(session, incident, clock.audience, stage_of(clock), clock.since, earliest=self.clock())
        if incident.is_open:
            known = {one.audience for one in live}
            self._begin(session, incident, [key for key in concerned if key not in known], self.clock())

    def _hear_in_room(self, session: Session, incident: Incident) -> None:
        """An update in the channel reaches those who are told in Slack; those within get a bulletin of it anyway."""
        for audience in list_concerned(self.policy, incident):
            told_otherwise = not (incident.private or self.policy.audiences[audience].public)
            if hears_in_room(self.policy, audience) and not told_otherwise:
                self._wind(session, incident, audience, "ongoing", self.clock())

    def _await_resolution(self, session: Session, incident: Incident) -> None:
        """Who has heard of it must hear that it is over; the room of a private incident hears it now."""
        for audience in list_concerned(self.policy, incident):
            stage: Stage = "done" if incident.private else "resolution"
            self._wind(session, incident, audience, stage, incident.resolved_at or self.clock())

    def _end(self, session: Session, incident: Incident, clocks: Sequence[UpdateClock]) -> None:
        for clock in clocks:
            self._wind(session, incident, clock.audience, "done", self.clock())

    def _wind(
        self, session: Session, incident: Incident, audience: str, stage: Stage, since: datetime,
        earliest: datetime | None = None,
    ) -> None:  # fmt: skip
        """Set a clock to a stage that began at `since`."""
        due_at = None if stage == "done" else find_due(self.policy, incident, audience, stage, since)
        clock = session.get(UpdateClock, (incident.id, audience))
        if clock is None:
            clock = UpdateClock(incident_id=incident.id, audience=audience, turn=0, step=REMIND)
            session.add(clock)
        clock.stage, clock.since = stage if due_at else "done", since
        clock.snoozed_by = clock.snooze_reason = None
        if due_at is None:
            clock.due_at, clock.turn = since, clock.turn + 1
        else:
            self.plan(session, incident, clock, max(due_at, earliest or due_at), REMIND)

    def _go_on(self, session: Session, incident: Incident, clock: UpdateClock, people: int) -> None:
        """To the next step; of repetitions that were missed while nothing ran, only the next one is said."""
        now, step = self.clock(), clock.step + 1
        when = find_step_time(self.policy, incident, clock, step, people)
        while when and when <= now and step - DUE >= people:
            step += 1
            when = find_step_time(self.policy, incident, clock, step, people)
        clock.step = step
        session.flush()
        if when:
            self._schedule(session, clock, when)

    def _schedule(self, session: Session, clock: UpdateClock, when: datetime) -> None:
        self.notices.engine.enqueue(
            session, WORKFLOW, clock.incident_id, clock.audience, clock.turn, clock.step,
            key=f"update-{clock.incident_id}-{clock.audience}-{clock.turn}-{clock.step}",
            delay_s=seconds_until(when, self.clock()),
        )  # fmt: skip

    def _say(
        self, session: Session, incident: Incident, clock: UpdateClock, together: Sequence[UpdateClock], line: list[str]
    ) -> None:
        step, room = clock.step, incident_room(incident.id)
        upwards = DUE < step < DUE + len(line)
        to = [] if step == REMIND or upwards else [room]
        if step != DUE:
            to.append(self._address(incident, line[step - DUE] if upwards else line[0]))
        data: dict[str, JsonValue] = {
            "step": "soon" if step == REMIND else "due" if step == DUE else "late",
            "turns": {one.audience: one.turn for one in together},
            "due_at": min(one.due_at for one in together).isoformat(),
            "stage": clock.stage,
            "responsible": line[0],
        }
        key = f"{REMINDER}:{incident.id}:{clock.audience}:{clock.turn}:{step}"
        self.notices.say(session, REMINDER, key=key, to=list(dict.fromkeys(to)), incident_id=incident.id, data=data)
        if upwards:
            self._page(session, incident, together, line[step - DUE], key)

    def _address(self, incident: Incident, person: str) -> str:
        """A direct message; the incident's channel for who declared it without being in the policy."""
        return direct_message(person) if self.policy.person(person) else incident_room(incident.id)

    def _page(
        self, session: Session, incident: Incident, together: Sequence[UpdateClock], person: str, key: str
    ) -> None:
        whom = name_audiences(self.policy, [one.audience for one in together])
        late = self.clock() - min(one.due_at for one in together)
        named = self.policy.person(person)
        details = (
            f"{incident.title}. {whom} should have heard {round(late / timedelta(minutes=1))} minutes ago. "
            f"{named.name if named else person}: post one with /incident update, or holdfast incident update."
        )
        self.pages.call(session, incident, MATTER, key=key, what="an update is overdue", details=details)

    def settle(self, session: Session, incident: Incident) -> None:
        """What was reminded of before shows that it is over, and a page that nobody needs any more is closed."""
        session.flush()
        live = read_live(session, incident.id)
        turns = {one.audience: one.turn for one in live}
        for notice in _read_notices(session, incident, REMINDER):
            if not notice.data.get("over") and not _is_current(notice, turns):
                self._end_reminder(session, notice)
        if not any(one.step > DUE + 1 for one in live):
            self.pages.end(session, incident, MATTER)

    def _end_reminder(self, session: Session, notice: Notice) -> None:
        """Its buttons go."""
        notice.data = {**notice.data, "over": True}
        session.flush()
        self.notices.refresh(session, notice.key)


def _read_notices(session: Session, incident: Incident, kind: str) -> list[Notice]:
    query = sa.select(Notice).where(Notice.incident_id == incident.id, Notice.kind == kind)
    return list(session.scalars(query.order_by(Notice.id)))


def _is_current(notice: Notice, live: Mapping[str, int]) -> bool:
    turns = notice.data["turns"]
    return isinstance(turns, dict) and any(live.get(key) == turn for key, turn in turns.items())
