"""Handovers: one's approval in the hands of a named person for a stated time."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.comms.notices import Notices, direct_message, slack_channel
from bot.incidents.text import clean_line
from bot.outcome import Refused
from bot.policy import Person, Policy, format_duration, list_rules, parse_duration
from bot.recovery.electorate import GroupLookup, find_electorate, know_no_group
from bot.recovery.plans import plan_key
from bot.store import ledger
from bot.store.database import Database
from bot.store.tables import Handover, Plan

REASON_LIMIT = 500
LONGEST_LENGTH = 6
"""Words of a duration that is spelled out."""


class Handovers:
    """Gives approvals into other hands and takes them back. What it means for a plan is in `seats`."""

    def __init__(
        self, database: Database, policy: Policy, notices: Notices, look_up: GroupLookup = know_no_group
    ) -> None:
        self.database, self.policy, self.look_up = database, policy, look_up
        self.notices, self.clock = notices, notices.clock

    def give(self, giver: Person, holder: Person, lasting: timedelta, reason: str = "") -> Handover:
        """Hand over from now on; one that the giver has made before ends with it. Raises `Refused`."""
        self._refuse_unfit(giver, holder, lasting)
        now = self.clock()
        why = clean_line(reason, "the reason", REASON_LIMIT, "I am on a plane") if reason.strip() else ""
        handover = Handover(giver=giver.key, holder=holder.key, reason=why, since=now, until=now + lasting)
        with self.database.write() as session:
            ledger.hold(session)  # of two at the same instant the second ends the first
            for earlier in list_active(session, now):
                if earlier.giver == giver.key:
                    self._end(session, earlier, giver)
            session.add(handover)
            session.flush()
            text = f"{giver.name} handed their approval to {holder.name} for {format_duration(lasting)}"
            text += f": {why}" if why else ""
            self._record(session, handover, "given", giver, text)
            return handover

    def end(self, person: Person, other: Person) -> Handover:
        """Take it back, or give it back: either of the two ends what is between them. Raises `Refused`."""
        with self.database.write() as session:
            ledger.hold(session)
            pair = {person.key, other.key}
            found = [one for one in list_active(session, self.clock()) if {one.giver, one.holder} == pair]
            if not found:
                raise Refused(f"Between you and {other.name} nothing is handed over now.", "`/dr approvals` shows all.")
            for handover in found:
                self._end(session, handover, person)
            return found[-1]

    def list_active(self) -> list[Handover]:
        """Those in force now, the oldest first."""
        with self.database.read() as session:
            return list_active(session, self.clock())

    def _refuse_unfit(self, giver: Person, holder: Person, lasting: timedelta) -> None:
        longest = self.policy.handovers.longest
        if giver.key == holder.key:
            raise Refused("Your approval is in your own hands already.", "Name somebody else.")
        if not timedelta(0) < lasting <= longest:
            raise Refused(
                f"An approval can be handed over for {format_duration(longest)} at most.", "Example: `4h` or `90 min`."
            )
        if not any(
            find_electorate(self.policy, rule, self.look_up).includes(giver.key) for rule in list_rules(self.policy)
        ):
            raise Refused("You may not approve anything yourself, so there is nothing to hand over.")

    def _end(self, session: Session, handover: Handover, person: Person) -> None:
        handover.ended_at = self.clock()
        giver, holder = self._name(handover.giver), self._name(handover.holder)
        self._record(session, handover, "ended", person, f"The approval of {giver} is not with {holder} any more")

    def _record(self, session: Session, handover: Handover, what: str, person: Person, text: str) -> None:
        """In the ledger, in the incidents channel, to the other of the two, and on every plan that waits."""
        ledger.append(
            session, key=f"handover.{what}:{handover.id}", kind=f"handover.{what}", actor=person.key, text=text,
            data={"giver": handover.giver, "holder": handover.holder, "until": handover.until.isoformat()},
        )  # fmt: skip
        other = handover.holder if person.key == handover.giver else handover.giver
        self.notices.say(
            session, "handover", key=f"handover:{handover.id}:{what}", subject_id=handover.id,
            to=[slack_channel(self.policy.slack.incidents_channel), direct_message(other)],
        )  # fmt: skip
        session.flush()
        waiting = session.scalars(sa.select(Plan.id).where(Plan.state == "pending"))
        self.notices.refresh(session, *map(plan_key, waiting))

    def _name(self, key: str) -> str:
        person = self.policy.person(key)
        return person.name if person else key


def require_person(policy: Policy, name: str) -> Person:
    """The person of the policy whom somebody names. Raises `Refused`."""
    person = policy.person_by_any_name(name)
    if person is None:
        keys = ", ".join(one.key for one in policy.people)
        raise Refused(f"{name[:60]!r} is nobody in the policy.", f"These are: {keys}.")
    return person


def read_length(text: str) -> tuple[timedelta, str]:
    """A duration such as "4h" or "1 hour 30 min" and the words after it. Raises `Refused`."""
    words = text.split()
    for count in range(min(len(words), LONGEST_LENGTH), 0, -1):
        try:
            return parse_duration(" ".join(words[:count])), " ".join(words[count:])
        except ValueError:
            continue
    raise Refused(f"{text[:40]!r} does not say for how long.", "Example: `/dr handover @mei 4h I am on a plane`.")


def list_active(session: Session, now: datetime) -> list[Handover]:
    """The handovers in force at a moment, the oldest first."""
    rows = session.scalars(sa.select(Handover).where(Handover.ended_at.is_(None)).order_by(Handover.id))
    return [row for row in rows if row.is_active(now)]
