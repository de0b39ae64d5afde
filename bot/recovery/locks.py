"""One run at a time on whatever it touches; a lock says who holds it, since when, why, and how to have it released.

A run has a lock for each thing that its action touches, all or none, and always taken in the same order.

A playbook keeps what it touches from its first step to its last. While it waits for people, since a step failed or is
theirs to do, nothing of it is at work: then it lends what it keeps to other runs for its incident, such as the restart
or the maintenance page that its pause needs, but to none that destroys. Whether the world has moved by that under what
was approved with the playbook is looked at before its next step, as ever.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.incidents.reading import sees
from bot.outcome import Refused
from bot.store import ledger
from bot.store.documents import Risk
from bot.store.tables import Lock, PlaybookRun, PlaybookTask, Run

NO_RUN = 0
"""What stands for the run while a playbook keeps the target between its runs."""
ANYBODY = ""
"""Who reads a refusal that is kept and shown: perhaps somebody who may know of nothing private."""


@dataclass(frozen=True)
class Errand:
    """What somebody wants to do with what may be held."""

    incident_id: int | None
    risk: Risk


class Held(Refused):
    """Another run, or a playbook, works on what would be touched."""


def describe_holder(session: Session, lock: Lock, reader: str) -> Held:
    """Who holds it, and how to have it released; only that it is held, where that is for a private incident."""
    since = lock.since.strftime("%H:%M:%S UTC")
    if not sees(session, _find_incident(session, lock), reader):
        return Held(f"{lock.target} is held by other work, since {since}.", "Wait for it, or ask the DR Coordinator.")
    holder, stop = f"run {lock.run_id}", f"`/dr cancel {lock.run_id}`"
    if lock.run_id == NO_RUN:
        holder = f"playbook run {lock.playbook_run_id}"
        stop = f"the button of `/dr playbook {lock.playbook_run_id}`"
        playbook = session.get(PlaybookRun, lock.playbook_run_id)
        if playbook and playbook.incident_id and _waits(session, playbook):
            holder += f", which waits for people and lends to what destroys nothing for incident {playbook.incident_id}"
    return Held(
        f"{lock.target} is held by {holder} ({lock.reason}), started by {lock.holder}, since {since}.",
        f"Wait for it, or stop it with {stop}.",
    )


def refuse_held(
    session: Session, things: Iterable[str], playbook_run_id: int | None = None, *, reader: str = ANYBODY,
    errand: Errand | None = None,
) -> None:  # fmt: skip
    """Raises `Held` while a run, or a playbook other than this one, works on any of them. `reader` is who is told."""
    for thing in sorted(things):
        lock = session.get(Lock, thing)
        if lock is None or (lock.run_id == NO_RUN and lock.playbook_run_id == playbook_run_id):
            continue
        if not _is_lent(session, lock, errand):
            raise describe_holder(session, lock, reader)


def take_locks(
    session: Session, things: Iterable[str], *, run_id: int, holder: str, reason: str, now: datetime,
    errand: Errand | None = None,
) -> None:  # fmt: skip
    """Take them all, also from the playbook that the run is part of or that lends them; some may be this run's already.

    Raises `Held`: then the caller, whose transaction is undone, has none of them.
    """
    ledger.hold(session)  # of two who look at the same instant both would find it free
    for thing in sorted(things):
        lock = session.get(Lock, thing, with_for_update=True)
        if lock is None:
            session.add(Lock(target=thing, run_id=run_id, holder=holder, since=now, reason=reason))
        elif lock.run_id == NO_RUN and _is_part(session, run_id, lock.playbook_run_id):
            lock.run_id, lock.reason = run_id, reason
        elif _is_lent(session, lock, errand):
            lock.run_id, lock.holder, lock.reason = run_id, holder, reason
        elif lock.run_id != run_id:
            raise describe_holder(session, lock, ANYBODY)
    session.flush()


def release_locks(session: Session, run_id: int) -> None:
    """Give all locks of the run back: to the playbook that keeps the thing, else to everybody."""
    ledger.hold(session)  # before the locks, as whoever takes them: else the two wait for one another
    for lock in session.scalars(sa.select(Lock).where(Lock.run_id == run_id)):
        playbook = session.get(PlaybookRun, lock.playbook_run_id) if lock.playbook_run_id else None
        if playbook is None:
            session.delete(lock)
        else:
            lock.run_id, lock.holder, lock.reason = NO_RUN, playbook.requested_by, name_playbook(playbook)
    session.flush()


def name_playbook(playbook: PlaybookRun) -> str:
    """Why a playbook keeps something."""
    return f"playbook {playbook.playbook}"


def keep_locks(
    session: Session, things: Iterable[str], *, playbook_run_id: int, holder: str, reason: str, now: datetime
) -> None:
    """Take the locks of a whole playbook, in the same order as runs do. Raises `Held`: then the caller keeps none."""
    ledger.hold(session)
    for thing in sorted(things):
        lock = session.get(Lock, thing, with_for_update=True)
        if lock is None:
            session.add(
                Lock(
                    target=thing, run_id=NO_RUN, holder=holder, since=now, reason=reason,
                    playbook_run_id=playbook_run_id,
                )
            )  # fmt: skip
        elif lock.playbook_run_id != playbook_run_id:
            raise describe_holder(session, lock, ANYBODY)
    session.flush()


def give_locks_back(session: Session, playbook_run_id: int) -> None:
    """The playbook is over; a run of it that still works keeps its own lock until it ends."""
    ledger.hold(session)
    for lock in session.scalars(sa.select(Lock).where(Lock.playbook_run_id == playbook_run_id)):
        if lock.run_id == NO_RUN:
            session.delete(lock)
        else:
            lock.playbook_run_id = None


def _is_part(session: Session, run_id: int, playbook_run_id: int | None) -> bool:
    """Whether the run was started by a step of the playbook."""
    query = sa.select(Run.id).join(PlaybookTask, PlaybookTask.plan_id == Run.plan_id)
    return session.scalar(query.where(Run.id == run_id, PlaybookTask.playbook_run_id == playbook_run_id)) is not None


def _is_lent(session: Session, lock: Lock, errand: Errand | None) -> bool:
    """Whether a playbook keeps it that is not at work now, and lends it for this."""
    if lock.run_id != NO_RUN or errand is None or errand.incident_id is None or errand.risk == "destructive":
        return False
    playbook = session.get(PlaybookRun, lock.playbook_run_id)
    return playbook is not None and playbook.incident_id == errand.incident_id and _waits(session, playbook)


def _waits(session: Session, playbook: PlaybookRun) -> bool:
    """Whether it goes on only when somebody says so: it is paused, or stands at what a person does."""
    if playbook.state == "paused":
        return True
    query = sa.select(PlaybookTask).where(PlaybookTask.playbook_run_id == playbook.id, PlaybookTask.state == "asked")
    asked = list(session.scalars(query))
    return playbook.state == "running" and bool(asked) and all(one.definition.action is None for one in asked)


def _find_incident(session: Session, lock: Lock) -> int | None:
    """The incident that the target is held for; None where that is for none."""
    if lock.run_id != NO_RUN:
        run = session.get(Run, lock.run_id)
        return run.incident_id if run else None
    playbook = session.get(PlaybookRun, lock.playbook_run_id)
    return playbook.incident_id if playbook else None
