"""The public status page at Atlassian Statuspage: one public incident for each of ours, each bulletin an update of it.

An attempt whose answer was lost is found again by the numbers that every request leaves in the incident's metadata.
"""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from pydantic import JsonValue
from sqlalchemy.orm import Session

from bot.comms.channels import Wiring
from bot.comms.deliveries import ChannelDown, ChannelRefused, Parcel, Receipt
from bot.comms.outages import worst_states
from bot.comms.outgoing import OutgoingBulletin, read_outgoing
from bot.policy.channels import StatuspageSettings
from bot.store.database import Database
from bot.store.documents import Statement
from bot.store.tables import Delivery, Notice
from bot.systems.pace import Pace
from bot.systems.statuspage import (
    BODY_LIMIT,
    MARK,
    NAME_LIMIT,
    SPACING_S,
    PublicIncident,
    Statuspage,
    StatuspageDown,
    StatuspageRefused,
)
from bot.words import cut

NAME = "statuspage"
IMPACTS = {"P1": "critical", "P2": "major", "P3": "minor", "P4": "none"}
CLOSED_TO_UPDATES = 422
"""What a public incident answers that takes no update any more."""
GONE = 404
OVER = ("resolved", "postmortem")


class StatuspageChannel:
    """Creates the public incident with the first bulletin and updates it with the later ones."""

    name = NAME

    def __init__(self, settings: StatuspageSettings, page: Statuspage, database: Database) -> None:
        self.settings, self.page, self.database = settings, page, database

    def send(self, parcel: Parcel) -> Receipt:
        """Raises `ChannelRefused` or `ChannelDown`; of drills and private incidents the public never hears."""
        if parcel.sent_before:
            return parcel.delivery.receipt
        if parcel.incident is None or parcel.incident.private or parcel.incident.drill:
            raise ChannelRefused("the public is not told of this")
        with self.database.read() as session:
            outgoing = read_outgoing(session, parcel.notice)
            if not isinstance(outgoing, OutgoingBulletin):
                raise ChannelRefused("only bulletins go to the status page")
            body = _write_incident(outgoing, self._states(session, outgoing.statement))
            public_id, is_doubtful = _look_up(session, parcel)
        try:
            return _receipt(self._say(outgoing, body, public_id, is_doubtful or parcel.may_have_been_sent))
        except StatuspageRefused as refusal:
            raise ChannelRefused(str(refusal)) from refusal
        except StatuspageDown as down:
            raise ChannelDown(str(down), down.retry_after_s) from down

    def _say(
        self, outgoing: OutgoingBulletin, body: dict[str, JsonValue], public_id: str | None, is_doubtful: bool
    ) -> PublicIncident:
        known = self.page.find(outgoing.incident_id) if is_doubtful else None
        if known and (known.bulletin or 0) >= outgoing.bulletin_id:
            return known
        public_id = known.id if known else public_id
        if public_id is None:
            return self.page.create(body)
        try:
            return self.page.update(public_id, body)
        except StatuspageRefused as refusal:
            if not self._is_over(public_id, refusal):
                raise
            return self.page.create(body)

    def _is_over(self, public_id: str, refusal: StatuspageRefused) -> bool:
        """Whether the public incident takes nothing more: somebody deleted it, or it was resolved for good."""
        if refusal.status == CLOSED_TO_UPDATES:
            return self.page.read(public_id).status in OVER
        return refusal.status == GONE

    def _states(self, session: Session, statement: Statement) -> dict[str, str]:
        """Ids of the components on the page that this is about. Another incident may impair the same, and more."""
        worst = worst_states(session, statement.components)
        return {self.settings.components[key]: worst[key] for key in worst if key in self.settings.components}


def _look_up(session: Session, parcel: Parcel) -> tuple[str | None, bool]:
    """Id of the public incident where it is known, and whether an earlier try may have made or changed it unseen."""
    mine = (
        sa.select(Delivery)
        .join(Notice, Notice.id == Delivery.notice_id)
        .where(Delivery.channel == NAME, Notice.incident_id == parcel.notice.incident_id)
        .where(Delivery.id != parcel.delivery.id)
        .order_by(Delivery.id.desc())
    )
    earlier = list(session.scalars(mine))
    known = next((str(one.receipt["incident"]) for one in earlier if one.receipt), None)
    return known, any(one.attempts and not one.receipt for one in earlier)


def _write_incident(outgoing: OutgoingBulletin, states: dict[str, str]) -> dict[str, JsonValue]:
    statement = outgoing.statement
    shape: dict[str, JsonValue] = {
        "name": cut(statement.title, NAME_LIMIT),
        "status": statement.status,
        "body": cut("\n\n".join(_list_paragraphs(statement)), BODY_LIMIT),
        "impact_override": IMPACTS[statement.severity],
        "deliver_notifications": True,
        "metadata": {MARK: {"incident": outgoing.incident_id, "bulletin": outgoing.bulletin_id}},
    }
    if states:
        shape["component_ids"] = list(states)
        shape["components"] = dict(states)
    return shape


def _list_paragraphs(statement: Statement) -> Iterator[str]:
    yield statement.text
    for label, text in (
        ("Impact", statement.impact),
        ("Next steps", statement.next_steps),
        ("Estimated recovery", statement.estimated_recovery),
    ):
        if text:
            yield f"{label}: {text}"


def _receipt(known: PublicIncident) -> Receipt:
    return {"incident": known.id, "link": known.link}


def build(wiring: Wiring) -> StatuspageChannel:
    """Raises `NotSetUp` without the key."""
    settings = wiring.policy.channels.statuspage
    assert settings is not None  # built for what the policy sets up
    wiring.require(settings.api_key_env)
    variable = settings.api_key_env
    page = Statuspage(settings.api_url, settings.page_id, lambda: wiring.environment.get(variable, ""), Pace(SPACING_S))
    return StatuspageChannel(settings, page, wiring.database)
