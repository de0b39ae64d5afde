"""By when an audience must hear of an incident again, and when it is reminded of (document: Stakeholder Updates).

A clock runs for each audience that an incident concerns. Its stages: `first` from the declaration, `ongoing` from
the last update that this audience got, `resolution` from the resolution, then `done`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Literal, get_args

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.policy import Policy, cadence_for, find_business_days, find_due_time
from bot.slack.text import literal, show_time
from bot.store.tables import Incident, UpdateClock

Stage = Literal["first", "ongoing", "resolution", "done"]
TOGETHER = timedelta(minutes=1)
"""What is due within this of one another is reminded of together."""
REMIND, DUE = 0, 1
"""The first two steps of a turn; each of the following tells the next one up the line."""


def list_concerned(policy: Policy, incident: Incident) -> list[str]:
    """Keys of the audiences that hear of an incident.

    Of a private incident only its room hears; the public is never told of drills.
    """
    told = policy.severities[incident.severity].audiences
    if incident.private:
        return [key for key in told if hears_in_room(policy, key)]
    return [key for key in told if not (incident.drill and policy.audiences[key].public)]


def hears_in_room(policy: Policy, audience: str) -> bool:
    """Whether an audience is told in Slack, so that an update in the incident's channel reaches it."""
    return "slack" in policy.audiences[audience].ways


def find_due(policy: Policy, incident: Incident, audience: str, stage: Stage, since: datetime) -> datetime | None:
    """When an audience must have heard; None where there is no clock for it ("next sprint")."""
    cadence = cadence_for(policy.severities[incident.severity], audience)
    if stage == "resolution":
        return find_due_time(cadence.resolution, since, find_business_days(policy))
    return since + (cadence.first_update if stage == "first" else cadence.ongoing)


def find_step_time(policy: Policy, incident: Incident, clock: UpdateClock, step: int, people: int) -> datetime | None:
    """When a step of the present turn is to be said, with so many people in the line; None where there is no more.

    First the one responsible, then the channel, then up the line. While the incident is open, the channel and the one
    responsible hear of it again and again after that, as often as an update is due: it is not forgotten.
    """
    updates, upwards = policy.updates, people - 1
    if step == REMIND:
        return clock.due_at - updates.remind_before
    if step - DUE <= upwards:
        return clock.due_at + (step - DUE) * updates.escalate_after
    if clock.stage == "resolution":
        return None
    again = cadence_for(policy.severities[incident.severity], clock.audience).ongoing
    return clock.due_at + upwards * updates.escalate_after + (step - DUE - upwards) * again


def stage_of(clock: UpdateClock) -> Stage:
    """What a clock runs towards."""
    stages: tuple[Stage, ...] = get_args(Stage)
    return next(stage for stage in stages if stage == clock.stage)


def read_live(session: Session, incident_id: int) -> list[UpdateClock]:
    """The clocks that run, the next due first."""
    query = sa.select(UpdateClock).where(UpdateClock.incident_id == incident_id, UpdateClock.stage != "done")
    return list(session.scalars(query.order_by(UpdateClock.due_at, UpdateClock.audience)))


def find_together(clock: UpdateClock, clocks: Sequence[UpdateClock]) -> list[UpdateClock]:
    """Those that are reminded of together with a clock, itself among them."""
    return [one for one in clocks if one.step == clock.step and abs(one.due_at - clock.due_at) <= TOGETHER]


def name_audiences(policy: Policy, keys: Collection[str]) -> str:
    """Titles of audiences, as written and in the policy's order."""
    return ", ".join(audience.title for key, audience in policy.audiences.items() if key in keys)


def show_next_update(session: Session, incident: Incident, policy: Policy, now: datetime) -> list[tuple[str, str]]:
    """A field of the summary: by when who must hear next; nothing where no clock runs."""
    clocks = read_live(session, incident.id)
    if not clocks:
        return []
    first = clocks[0]
    whom = name_audiences(policy, [one.audience for one in clocks if one.due_at - first.due_at <= TOGETHER])
    label = "Resolution to be told" if first.stage == "resolution" else "Next update due"
    late = ":warning: overdue since " if first.due_at < now else ""
    put_off_by = policy.person(first.snoozed_by or "")
    put_off = f", put off by {literal(put_off_by.name)}" if put_off_by else ""
    return [(label, f"{late}{show_time(first.due_at)} ({literal(whom)}){put_off}")]
