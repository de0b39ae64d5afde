"""What the public has been told: the bulletins that somebody let out, and how things stand with them."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.store.tables import Bulletin, Incident


def is_public(bulletin: Bulletin) -> bool:
    """Somebody decided to publish it; what those within are told goes out by itself."""
    return bulletin.state == "published" and bulletin.decided_by is not None


def select_public() -> sa.Select[Bulletin]:
    """Public bulletins of incidents that the public may know of, the oldest first."""
    return (
        sa.select(Bulletin)
        .join(Incident, Incident.id == Bulletin.incident_id)
        .where(
            Bulletin.state == "published",
            Bulletin.decided_by.is_not(None),
            Incident.private.is_(False),
            Incident.drill.is_(False),
        )
        .order_by(Bulletin.decided_at, Bulletin.id)
    )


def find_newest(session: Session, incident_id: int) -> Bulletin | None:
    """The last thing that the public was told about an incident."""
    mine = select_public().where(Bulletin.incident_id == incident_id)
    return session.scalars(mine.order_by(None).order_by(Bulletin.id.desc()).limit(1)).first()


def find_draft(session: Session, incident_id: int) -> Bulletin | None:
    """The draft that waits for somebody who may publish."""
    waiting = sa.select(Bulletin).where(Bulletin.incident_id == incident_id, Bulletin.state == "draft")
    return session.scalars(waiting.order_by(Bulletin.id.desc()).limit(1)).first()


def public_state(session: Session, incident: Incident) -> str:
    """How it stands with the public, in a few words: "published 12:03 UTC, investigating; a draft waits"."""
    if incident.private:
        return "never published (private)"
    if incident.drill:
        return "never published (drill)"
    newest, draft = find_newest(session, incident.id), find_draft(session, incident.id)
    if newest is None:
        return "draft waits" if draft else "not published"
    said = f"published {newest.statement.at:%H:%M} UTC, {newest.statement.status}"
    return f"{said}; a draft waits" if draft else said
