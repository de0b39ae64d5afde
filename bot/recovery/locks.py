"""One run per target at a time; the lock says who holds it, since when, why, and how to have it released."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from bot.outcome import Refused
from bot.store.tables import Lock


class Held(Refused):
    """Another run works on the target."""

    def __init__(self, lock: Lock) -> None:
        since = lock.since.strftime("%H:%M:%S UTC")
        super().__init__(
            f"{lock.target} is held by run {lock.run_id} ({lock.reason}), started by {lock.holder}, since {since}.",
            f"Wait for it, or stop it with `/dr cancel {lock.run_id}`.",
        )


def refuse_held(session: Session, target: str) -> None:
    """Raises `Held` while a run works on the target."""
    lock = session.get(Lock, target)
    if lock is not None:
        raise Held(lock)


def take_lock(session: Session, target: str, *, run_id: int, holder: str, reason: str, now: datetime) -> None:
    """Take the lock, or find that this run has it already. Raises `Held`."""
    lock = session.get(Lock, target, with_for_update=True)
    if lock is None:
        session.add(Lock(target=target, run_id=run_id, holder=holder, since=now, reason=reason))
        session.flush()
    elif lock.run_id != run_id:
        raise Held(lock)


def release_lock(session: Session, target: str, run_id: int) -> None:
    lock = session.get(Lock, target)
    if lock is not None and lock.run_id == run_id:
        session.delete(lock)
