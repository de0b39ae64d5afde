"""How a plan's approvals stand, as its messages show it; what counts is decided in `bot.recovery`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.policy import ApprovalRule, Policy, find_closure, rule_for
from bot.slack.blocks.plan import Seats
from bot.slack.text import literal, show_time
from bot.store.tables import Approval, Handover, Plan


@dataclass(frozen=True)
class Standing:
    """What is needed to say how approvals stand; `name` gives a person's name for mrkdwn by their key."""

    policy: Policy
    now: datetime
    name: Callable[[str], str]

    def read_seats(self, session: Session, plan: Plan) -> Seats:
        """Who decided, who still may, and what else a presser must know."""
        if plan.document is None:
            return Seats(0, [], [], [])
        query = sa.select(Approval).where(Approval.plan_id == plan.id).order_by(Approval.id)
        decisions = list(session.scalars(query))
        rule = rule_for(self.policy, plan.document)
        return Seats(
            quorum=rule.quorum,
            approved=self._list_deciders(decisions, "approve"),
            denied=self._list_deciders(decisions, "deny"),
            may_approve=self._list_waited_for(session, plan, rule, decisions),
            lapsed=self._list_deciders(decisions, "lapsed"),
            alone=[
                f"{self.name(one.person)}: “{literal(one.reason or '')}”"
                for one in decisions
                if one.decision == "break_glass"
            ],
            blackout=self._describe_blackout(plan),
            may_break_glass=self.policy.break_glass.covers(plan.document.risk),
        )

    def name_decider(self, approval: Approval) -> str:
        """Who decided, and for whom; for mrkdwn."""
        for_whom = f" for {self.name(approval.on_behalf_of)}" if approval.on_behalf_of else ""
        return f"{self.name(approval.person)}{for_whom}"

    def _list_deciders(self, decisions: list[Approval], decision: str) -> list[str]:
        return [self.name_decider(one) for one in decisions if one.decision == decision]

    def _list_waited_for(
        self, session: Session, plan: Plan, rule: ApprovalRule, decisions: list[Approval]
    ) -> list[str]:
        """Those whose seat is free, each with the person who may take it for them."""
        decided = {one.person for one in decisions if one.decision != "lapsed"}
        taken = {one.on_behalf_of or one.person for one in decisions if one.decision == "approve"}
        asker = {plan.requested_by} if not rule.requester_may_approve else set()
        handovers = session.scalars(sa.select(Handover).where(Handover.ended_at.is_(None)).order_by(Handover.id))
        holders = {one.giver: one for one in handovers if one.is_active(self.now)}
        barred = decided | {plan.requested_by}
        waited_for = [
            self._name_seat(person.key, holders.get(person.key), barred)
            for person in self.policy.who_may_approve(rule)
            if person.key not in taken | asker | decided
        ]
        return waited_for + [f"whoever is in @{literal(group)}" for group in rule.groups]

    def _name_seat(self, owner: str, handover: Handover | None, barred: set[str]) -> str:
        name = self.name(owner)
        if handover is None or {owner, handover.holder} & barred:
            return name
        return f"{name} (or {self.name(handover.holder)} for them until {show_time(handover.until)})"

    def _describe_blackout(self, plan: Plan) -> str:
        closure = find_closure(self.policy, plan.document, self.now) if plan.document else None
        if closure is None:
            return ""
        until = f"until {show_time(closure.until)}" if closure.until else "with no end in the coming year"
        return f"{literal(closure.title)}, {until}"
