"""Whether the people listed can do what the approval rules ask of them, checked when the policy is loaded."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from bot.policy.approval import ApprovalRule, Risk
from bot.policy.section import KeyPath

if TYPE_CHECKING:
    from bot.policy.policy import Policy

Contradiction = tuple[KeyPath, str]
DANGEROUS: tuple[Risk, ...] = ("high", "destructive")


def find_unsatisfiable_approvals(policy: "Policy") -> Iterator[Contradiction]:
    """Yield the rules under which some plan could never be approved by the people listed."""
    yield from find_vacant_roles(policy, ("requesters",), policy.requesters)
    for risk, rule in policy.approvals.items():
        yield from find_vacant_roles(policy, ("approvals", risk, "roles"), rule.roles)
        for words in describe_troubles(policy, risk, rule):
            yield ("approvals", risk, "quorum"), words
    yield from find_unsatisfiable_exceptions(policy)
    glass = policy.break_glass
    if glass.enabled and not policy.holders_of(*glass.roles):
        yield ("break_glass", "roles"), "is enabled, but nobody in `people` holds any of these roles"


def find_vacant_roles(policy: "Policy", path: KeyPath, roles: list[str]) -> Iterator[Contradiction]:
    """Yield the roles of a list that nobody holds."""
    for index, role in enumerate(roles):
        if role in policy.roles and not policy.holders_of(role):
            yield (*path, index), f'nobody in `people` holds the role "{role}"'


def find_unsatisfiable_exceptions(policy: "Policy") -> Iterator[Contradiction]:
    """Yield the exceptions that, for some plan that they may be about, make a rule that cannot be satisfied.

    Which risk an action has is not written in the policy: an exception that names none is about all three.
    """
    for index, exception in enumerate(policy.approval_exceptions):
        path = ("approval_exceptions", index)
        yield from find_vacant_roles(policy, (*path, "roles"), exception.roles or [])
        for risk in exception.risks or policy.approvals:
            rule = exception.apply(policy.approvals[risk]) if risk in policy.approvals else None
            for words in describe_troubles(policy, risk, rule) if rule else ():
                hint = "" if exception.risks else "; name the `risks` that it is about, or say who may approve"
                yield (*path, next(iter(exception.stated))), f"for {risk} plans {words}{hint}"


def describe_troubles(policy: "Policy", risk: Risk, rule: ApprovalRule) -> Iterator[str]:
    """Yield why a rule cannot be satisfied, or not by a person who is left alone."""
    shortage = describe_shortage(policy, rule)
    lonely = describe_loneliness(policy, risk, rule)
    yield from filter(None, (shortage or lonely,))


def describe_shortage(policy: "Policy", rule: ApprovalRule) -> str:
    """Why the quorum of a rule cannot be reached, in the worst case; empty when it can.

    Who is in a user group is known only when somebody presses: until then it may be everybody listed.
    """
    eligible = policy.people if rule.groups else policy.who_may_approve(rule)
    if rule.quorum > len(eligible):
        return f"needs {rule.quorum} approvals, but only {len(eligible)} listed people may approve"
    if rule.requester_may_approve or rule.quorum < len(eligible):
        return ""
    requester = next((person for person in eligible if policy.may_request(person)), None)
    if requester is None or not rule.quorum:
        return ""
    return (
        f"needs {rule.quorum} approvals, but when {requester.name} is the requester"
        f" only {len(eligible) - 1} of the others may approve"
    )


def describe_loneliness(policy: "Policy", risk: Risk, rule: ApprovalRule) -> str:
    """Why nobody could act if a single person were left; empty where somebody could."""
    alone = rule.quorum == 0 or (rule.quorum == 1 and rule.requester_may_approve)
    if risk not in DANGEROUS or alone or policy.break_glass.covers(risk):
        return ""
    needed = f"{rule.quorum} approvals" if rule.quorum > 1 else "somebody else's approval"
    return (
        f"needs {needed}, so a single person who is left could do nothing:"
        f" switch on `break_glass` for {risk} plans, or let one person approve"
    )
