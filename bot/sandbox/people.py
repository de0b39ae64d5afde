"""Who works in the sandbox: the people of the default policy, and a bystander without rights."""

from __future__ import annotations

from bot.policy import Policy
from bot.sandbox.workspace import Member

ZONES = ("America/New_York", "Europe/Madrid", "Asia/Tokyo", "Europe/Berlin", "Africa/Lagos")
BYSTANDER = Member(
    id="U0BYSTANDER",
    name="sam",
    real_name="Sam Lindqvist",
    email="sam.lindqvist@example.com",
    title="Warehouse (no rights in the policy)",
    tz="Europe/Stockholm",
)


def list_members(policy: Policy) -> list[Member]:
    """One Slack user for each person of the policy, each in a time zone of their own, and the bystander."""
    members = [
        Member(
            id=f"U0{person.key.upper()}",
            name=person.key,
            real_name=person.name,
            email=person.email,
            title=", ".join(policy.roles[role].title for role in person.roles),
            tz=ZONES[number % len(ZONES)],
        )
        for number, person in enumerate(policy.people)
    ]
    return [*members, BYSTANDER]
