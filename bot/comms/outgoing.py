"""What is said outside Slack: a bulletin about an incident, or a page that calls somebody to it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.store.documents import BulletinStage, Statement
from bot.store.tables import Bulletin, Incident, Notice, UpdateClock

BULLETIN = "bulletin"
PAGE = "page"
OURS = "holdfast/"
"""How every alias begins, by which we know our own pages when a pager tells us of them."""
ALIAS_LIMIT = 255
"""PagerDuty's limit for a dedup_key; Opsgenie takes 512."""


@dataclass(frozen=True)
class OutgoingBulletin:
    """One statement about an incident; `bulletin_id` tells it from others of the same incident."""

    bulletin_id: int
    incident_id: int
    stage: BulletinStage
    statement: Statement
    next_update_at: datetime | None = None
    """By when those who are told are to hear again; None where nothing is planned."""


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
        due_at = _find_promise(session, bulletin)
        return OutgoingBulletin(bulletin.id, bulletin.incident_id, bulletin.stage, bulletin.statement, due_at)
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


def find_next_update(session: Session, incident_id: int, audiences: Collection[str]) -> datetime | None:
    """By when all of these audiences will have heard again, as it is planned now; never for what is over."""
    query = sa.select(sa.func.max(UpdateClock.due_at)).where(
        UpdateClock.incident_id == incident_id,
        UpdateClock.audience.in_(audiences),
        UpdateClock.stage.in_(("first", "ongoing")),
    )
    return session.scalar(query)


def _find_promise(session: Session, bulletin: Bulletin) -> datetime | None:
    """By when everybody whom a bulletin reaches hears again; None where some hear no more before the end.

    One statement goes to them all, and must be true for each: customers who hear of the gravest only are promised
    nothing when such a one is lowered.
    """
    running = sa.select(UpdateClock.audience).where(
        UpdateClock.incident_id == bulletin.incident_id, UpdateClock.stage.in_(("first", "ongoing"))
    )
    if not set(bulletin.audiences) <= set(session.scalars(running)):
        return None
    return find_next_update(session, bulletin.incident_id, bulletin.audiences)


def is_over(outgoing: Outgoing) -> bool:
    """What a pager was told of before is to be closed."""
    return outgoing.resolved if isinstance(outgoing, OutgoingPage) else outgoing.stage == "resolved"


def calls_somebody(outgoing: Outgoing) -> bool:
    """Whether a pager is told of it: people are not woken by an update on what they know."""
    return isinstance(outgoing, OutgoingPage) or outgoing.stage != "update"


def find_alias(outgoing: Outgoing, incident: Incident | None) -> str:
    """The name under which a pager knows the matter: the same for all that is said of it, and for no other, ever.

    Numbers begin anew where the store was lost, hence the time of the declaration.
    """
    name = outgoing.alias if isinstance(outgoing, OutgoingPage) else f"incident-{outgoing.incident_id}"
    since = f"{int(incident.declared_at.timestamp())}/" if incident else ""
    alias = f"{OURS}{since}{name}"
    if len(alias) <= ALIAS_LIMIT:
        return alias
    digest = hashlib.sha256(alias.encode()).hexdigest()[:32]
    return f"{alias[: ALIAS_LIMIT - len(digest) - 1]}-{digest}"
