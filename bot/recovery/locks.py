"""One run per target at a time; the lock says who holds it, since when, why, and how to have it released."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.outcome import Refused
from bot.store.tables import Lock, PlaybookTask, Run

NO_RUN = 0
"""What stands for the run while a playbook keeps the target between its runs."""


class Held(Refused):
    """Another run, or a playbook, works on the target."""

    def __init__(self, lock: Lock) -> None:
        since = lock.since.strftime("%H:%M:%S UTC")
        holder, stop = f"run {lock.run_id}", f"`/dr cancel {lock.run_id}`"
        if lock.run_id == NO_RUN:
            holder, stop = (
                f"playbook run {lock.playbook_run_id}",
                f"the button of `/dr playbook {lock.playbook_run_id}`",
            )
        super().__init__(
            f"{lock.target} is held by {holder} ({lock.reason}), started by {lock.holder}, since {since}.",
            f"Wait for it, or stop it with {stop}.",
        )


def refuse_held(session: Session, target: str, playbook_run_id: int | None = None) -> None:
    """Raises `Held` while a run, or a playbook other than this one, works on the target."""
    lock = session.get(Lock, target)
    if lock is None or (lock.run_id == NO_RUN and lock.playbook_run_id == playbook_run_id):
        return
    raise Held(lock)


def take_lock(session: Session, target: str, *, run_id: int, holder: str, reason: str, now: datetime) -> None:
    """Take the lock, also from the playbook that the run is part of, or find that this run has it. Raises `Held`."""
    lock = session.get(Lock, target, with_for_update=True)
    if lock is None:
        session.add(Lock(target=target, run_id=run_id, holder=holder, since=now, reason=reason))
        session.flush()
    elif lock.run_id == NO_RUN and _is_part(session, run_id, lock.playbook_run_id):
        lock.run_id, lock.reason = run_id, reason
    elif lock.run_id != run_id:
        raise Held(lock)


def release_lock(session: Session, target: str, run_id: int) -> None:
    """Give the lock back: to the playbook that keeps the target, else to everybody."""
    lock = session.get(Lock, target)
    if lock is None or lock.run_id != run_id:
        return
    if lock.playbook_run_id is None:
        session.delete(lock)
    else:
        lock.run_id = NO_RUN


def keep_targets(
    session: Session, targets: set[str], *, playbook_run_id: int, holder: str, reason: str, now: datetime
) -> None:
    """Take the locks of a whole playbook, always in the same order. Raises `Held`: then the caller keeps none."""
    for target in sorted(targets):
        lock = session.get(Lock, target, with_for_update=True)
        if lock is None:
            session.add(
                Lock(
                    target=target, run_id=NO_RUN, holder=holder, since=now, reason=reason,
                    playbook_run_id=playbook_run_id,
                )
            )  # fmt: skip
            session.flush()
        elif lock.playbook_run_id != playbook_run_id:
            raise Held(lock)


def give_targets_back(session: Session, playbook_run_id: int) -> None:
    """The playbook is over; a run of it that still works keeps its own lock until it ends."""
    for lock in session.scalars(sa.select(Lock).where(Lock.playbook_run_id == playbook_run_id)):
        if lock.run_id == NO_RUN:
            session.delete(lock)
        else:
            lock.playbook_run_id = None


def _is_part(session: Session, run_id: int, playbook_run_id: int | None) -> bool:
    """Whether the run was started by a step of the playbook."""
    query = sa.select(Run.id).join(PlaybookTask, PlaybookTask.plan_id == Run.plan_id)
    return session.scalar(query.where(Run.id == run_id, PlaybookTask.playbook_run_id == playbook_run_id)) is not None
