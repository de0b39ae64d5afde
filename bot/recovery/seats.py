"""Seats: whose approval a press is. One person has one press, and every seat is taken once.

A person takes their own seat; where they have none, one that was handed over to them. Whoever handed theirs over keeps
it too, but the two of them have it once. Nobody gets around "the requester does not approve" by handing over: neither
does the requester act for others, nor do others act for the requester. What is handed over cannot be handed on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bot.outcome import Refused
from bot.policy import ApprovalRule, Person, Policy
from bot.recovery.electorate import Electorate
from bot.store.tables import Approval, Handover, Plan


@dataclass(frozen=True)
class Count:
    """How far the approvals of a plan have come."""

    valid: frozenset[str]
    """Owners of the seats that count."""
    lapsed: list[Approval]
    """Approvals of people who may not approve any more."""
    unknown: list[Refused]
    """Why it is not known whether some more count."""


def seat_of(approval: Approval) -> str:
    """Key of the person whose seat an approval takes."""
    return approval.on_behalf_of or approval.person


def find_powers(person_key: str, electorate: Electorate, handovers: Iterable[Handover]) -> list[str]:
    """Owners of the seats that a person might take, their own first.

    Raises `Refused` where there is none and a group that could not be looked up might give one.
    """
    unknown, owners = list[Refused](), list[str]()
    for owner in [person_key, *(one.giver for one in handovers if one.holder == person_key)]:
        try:
            if electorate.includes(owner):
                owners.append(owner)
        except Refused as refusal:
            unknown.append(refusal)
    if unknown and not owners:
        raise unknown[0]
    return owners


def choose_seat(plan: Plan, rule: ApprovalRule, person: Person, powers: list[str], taken: Iterable[Approval]) -> str:
    """Owner of the seat that this person's approval takes. Raises `Refused` where there is none for them."""
    if person.key == plan.requested_by and not (rule.requester_may_approve and person.key in powers):
        raise Refused("You asked for this plan, so somebody else must approve it.", "You can deny it.")
    allowed = [owner for owner in powers if person.key == owner or plan.requested_by not in (person.key, owner)]
    if not allowed:
        raise Refused(
            "Whoever asked for this plan handed their approval to you; it does not count here.",
            "Somebody else must approve it.",
        )
    used = {seat_of(one) for one in taken}
    free = next((owner for owner in allowed if owner not in used), None)
    if free is None:
        raise Refused("Your approval has been given for you already.", "More are needed from others.")
    return free


def count_seats(
    policy: Policy, plan: Plan, rule: ApprovalRule, electorate: Electorate, approvals: Iterable[Approval]
) -> Count:
    """Which approvals count now: whoever lost the power to approve since they pressed does not count any more."""
    valid, lapsed, unknown = set[str](), list[Approval](), list[Refused]()
    for approval in approvals:
        try:
            counts = _counts(policy, plan, rule, electorate, approval)
        except Refused as refusal:
            unknown.append(refusal)
            continue
        if counts:
            valid.add(seat_of(approval))
        else:
            lapsed.append(approval)
    return Count(frozenset(valid), lapsed, unknown)


def _counts(policy: Policy, plan: Plan, rule: ApprovalRule, electorate: Electorate, approval: Approval) -> bool:
    if approval.plan_hash != plan.hash or policy.person(approval.person) is None:
        return False
    if plan.requested_by in (approval.person, seat_of(approval)) and not _is_own(rule, approval):
        return False
    return electorate.includes(seat_of(approval))


def _is_own(rule: ApprovalRule, approval: Approval) -> bool:
    """Whether the requester may have given it: for themselves, and where the rule lets them."""
    return rule.requester_may_approve and approval.on_behalf_of is None
