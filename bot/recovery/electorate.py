"""Who may approve under a rule: by role, by name, or as a member of a Slack user group."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.outcome import Refused
from bot.policy import ApprovalRule, Policy

GroupLookup = Callable[[str], frozenset[str]]
"""Keys of the people of the policy who are in a group. Raises `Refused` where that cannot be told."""


def know_no_group(group: str) -> frozenset[str]:
    """The look-up where there is none: nobody counts by a guess."""
    raise Refused(f"User groups such as {group} cannot be looked up here.", "Whoever may approve by role still can.")


@dataclass(frozen=True)
class Electorate:
    """The people who may approve under one rule, as known at one moment."""

    named: frozenset[str]
    """By role or by name."""
    groups: Mapping[str, frozenset[str] | Refused]
    """The members of each group, or why they are not known."""

    def includes(self, person_key: str) -> bool:
        """Raises the group's `Refused` where only a group that could not be looked up might say yes."""
        known = [members for members in self.groups.values() if not isinstance(members, Refused)]
        if person_key in self.named or any(person_key in members for members in known):
            return True
        for members in self.groups.values():
            if isinstance(members, Refused):
                raise members
        return False

    def describe(self, policy: Policy) -> str:
        """In words, for somebody who is not among them."""
        known = self.named.union(*(one for one in self.groups.values() if not isinstance(one, Refused)))
        people = [person.name for person in policy.people if person.key in known]
        return ", ".join(people + [f"whoever is in @{name}" for name in self.groups])


def find_electorate(policy: Policy, rule: ApprovalRule, look_up: GroupLookup) -> Electorate:
    """Look everybody up; outside any transaction, since Slack may take its time."""
    named = frozenset(person.key for person in policy.who_may_approve(rule))
    return Electorate(named, {group: _look_up(group, look_up) for group in rule.groups})


def _look_up(group: str, look_up: GroupLookup) -> frozenset[str] | Refused:
    try:
        return look_up(group)
    except Refused as refusal:
        return refusal
