"""Pages about an incident: what the gravest severities wake people for, and that it is over."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.comms.audiences import Audiences
from bot.comms.notices import Notices
from bot.comms.outgoing import PAGE
from bot.store.tables import Incident, Notice

PAGED = ("P1", "P2")


class Pages:
    """All pages of an incident about one `matter` are one; it is closed when nobody needs to come any more."""

    def __init__(self, notices: Notices, audiences: Audiences) -> None:
        self.notices, self.audiences = notices, audiences

    def call(self, session: Session, incident: Incident, matter: str, *, key: str, what: str, details: str) -> None:
        """Wake somebody; nobody for what is less grave, and never for a private incident, of which pagers tell."""
        if incident.private or incident.severity not in PAGED:
            return
        drill = "DRILL: " if incident.drill else ""
        self.notices.say(
            session, PAGE, key=f"page:{key}", to=self.audiences.pagers(), incident_id=incident.id,
            data={
                "alias": page_alias(incident, matter),
                "summary": f"{drill}{incident.severity} #{incident.id}: {what}",
                "details": details,
            },
        )  # fmt: skip

    def end(self, session: Session, incident: Incident, matter: str) -> None:
        """Close the matter where it was paged about, once."""
        query = sa.select(Notice).where(Notice.incident_id == incident.id, Notice.kind == PAGE)
        alias = page_alias(incident, matter)
        pages = [one for one in session.scalars(query.order_by(Notice.id)) if one.data["alias"] == alias]
        if pages and not pages[-1].data.get("resolved"):
            self.notices.say(
                session, PAGE, key=f"{pages[-1].key}:over", to=self.audiences.pagers(), incident_id=incident.id,
                data={**pages[-1].data, "resolved": True},
            )  # fmt: skip


def page_alias(incident: Incident, matter: str) -> str:
    """What pages about one matter have in common."""
    return f"incident-{incident.id}-{matter}"
