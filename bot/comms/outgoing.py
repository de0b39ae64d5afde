"""What is said outside Slack: a bulletin about an incident, or a page that calls somebody to it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from bot.store.documents import BulletinStage, Statement
from bot.store.tables import Bulletin, Notice

BULLETIN = "bulletin"
PAGE = "page"


@dataclass(frozen=True)
class OutgoingBulletin:
    """One statement about an incident; `bulletin_id` tells it from others of the same incident."""

    bulletin_id: int
    incident_id: int
    stage: BulletinStage
    statement: Statement


@dataclass(frozen=True)
class OutgoingPage:
    """Something that somebody must look at now, in plain text. What has the same `alias` is one matter."""

    alias: str
    summary: str
    details: str
    incident_id: int | None
    resolved: bool = False
    """The matter is over: what was raised under the alias is to be closed."""


Outgoing = OutgoingBulletin | OutgoingPage


def read_outgoing(session: Session, notice: Notice) -> Outgoing:
    """What a notice says outside Slack. Raises LookupError for a kind that only Slack knows."""
    if notice.kind == BULLETIN:
        bulletin = session.get_one(Bulletin, notice.subject_id)
        return OutgoingBulletin(bulletin.id, bulletin.incident_id, bulletin.stage, bulletin.statement)
    if notice.kind == PAGE:
        data = notice.data
        return OutgoingPage(
            alias=str(data["alias"]),
            summary=str(data["summary"]),
            details=str(data["details"]),
            incident_id=notice.incident_id,
            resolved=bool(data.get("resolved")),
        )
    raise LookupError(f"a notice of the kind {notice.kind} is said in Slack only")
