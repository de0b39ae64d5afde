"""What is left to do after an incident and completes itself: telling everybody that it is over."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.comms.update_clocks import list_concerned
from bot.incidents.follow_ups import FollowUps
from bot.policy import Policy
from bot.store.tables import Bulletin, Incident


class ResolutionTold:
    """Watches bulletins go out."""

    def __init__(self, policy: Policy, follow_ups: FollowUps) -> None:
        self.policy, self.follow_ups = policy, follow_ups

    def told(self, session: Session, bulletin: Bulletin) -> None:
        """The listener of bulletins."""
        incident = session.get_one(Incident, bulletin.incident_id)
        if bulletin.stage != "resolved" or incident.resolved_at is None:
            return
        told = self._list_told(session, incident) | set(bulletin.audiences)
        if any("status_page" in self.policy.audiences[key].ways for key in told if key in self.policy.audiences):
            self.follow_ups.complete(session, incident, "status_page_resolved")
        if told >= set(list_concerned(self.policy, incident)):
            self.follow_ups.complete(session, incident, "resolution_sent")

    def _list_told(self, session: Session, incident: Incident) -> set[str]:
        """Who has been told of this resolution, not of an earlier one that was taken back."""
        query = sa.select(Bulletin).where(
            Bulletin.incident_id == incident.id,
            Bulletin.stage == "resolved",
            Bulletin.state == "published",
            Bulletin.made_at >= incident.resolved_at,
        )
        return {key for one in session.scalars(query) for key in one.audiences}
