"""How an incident is changed: one transaction with its timeline entry, of which the listeners are told inside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from pydantic import JsonValue
from sqlalchemy.orm import Session

from bot.clock import Clock, utc_now
from bot.incidents.reading import find_visible
from bot.outcome import Refused
from bot.policy import Policy
from bot.store import ledger
from bot.store.database import Database
from bot.store.tables import Incident, LedgerEntry

Change = Literal[
    "declared", "updated", "status", "severity", "noted", "roles", "details", "tasks", "privacy",
    "resolved", "reopened", "merged", "absorbed", "closed",
]  # fmt: skip
"""`details`: title, impact, next steps, estimated recovery, components, links.
`absorbed`: another was merged into it."""
Listener = Callable[[Session, Incident, Change], None]


@dataclass(frozen=True)
class Changing:
    """One change under way: the incident's row is locked until it is committed."""

    changes: Changes
    session: Session
    incident: Incident
    actor: str

    def record(
        self, kind: str, text: str, data: dict[str, JsonValue] | None = None, at: datetime | None = None
    ) -> LedgerEntry:
        """Put it on the timeline."""
        return ledger.append(
            self.session, kind=kind, actor=self.actor, text=text, data=data,
            at=at or self.changes.clock(), incident_id=self.incident.id,
        )  # fmt: skip

    def tell(self, change: Change) -> None:
        """Tell the listeners, once everything that they may look at is written."""
        self.session.flush()
        for listener in self.changes.listeners:
            listener(self.session, self.incident, change)


@dataclass
class Changes:
    """What every part of the desk changes incidents through."""

    database: Database
    policy: Policy
    clock: Clock = utc_now
    listeners: list[Listener] = field(default_factory=list)

    @contextmanager
    def to(self, incident_id: int, actor: str) -> Iterator[Changing]:
        """Change an open incident. Raises `Refused` where it is over, or the actor may not know of it."""
        with self.to_any(incident_id, actor) as change:
            if change.incident.merged_into_id:
                raise Refused(
                    f"#{incident_id} is part of #{change.incident.merged_into_id} now; nothing was changed.",
                    "Work goes on in that one's channel; `/incident list` links to it.",
                )
            if not change.incident.is_open:
                raise Refused(
                    f"#{incident_id} is resolved; nothing was changed.",
                    "Add a note with `/incident note`, or open it again with `/incident reopen REASON`.",
                )
            yield change

    @contextmanager
    def to_any(self, incident_id: int, actor: str) -> Iterator[Changing]:
        """Change an incident, be it over or not."""
        with self.database.write() as session:
            incident = find_visible(session, incident_id, self.viewer(actor), lock=True)
            yield Changing(self, session, incident, actor)

    def viewer(self, actor: str) -> str | None:
        """Who must be allowed to know of what they change; None for the bot itself."""
        return actor if self.policy.person(actor) else None
