"""Who is in a Slack user group: asked, remembered for a short time, and refused when Slack does not say.

Methods: api.slack.com/methods/usergroups.list and …/usergroups.users.list, with the scope usergroups:read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.outcome import Refused
from bot.slack.client import SlackRefusal, SlackUnavailable, call
from bot.slack.directory import Directory

FRESH = timedelta(minutes=5)


@dataclass(frozen=True)
class Membership:
    """Who was in a group when it was asked for, by their keys in the policy."""

    people: frozenset[str]
    asked_at: datetime


class UserGroups:
    """Looks groups up; whoever left one may pass for a member for five minutes at most."""

    def __init__(self, directory: Directory) -> None:
        self.directory, self.client, self.clock = directory, directory.client, directory.clock
        self._known: dict[str, Membership] = {}

    def find_members(self, group: str) -> frozenset[str]:
        """Keys of the people of the policy who are in a group, given by id or handle.

        Raises `Refused` where Slack does not say and what is remembered is too old: nobody counts by a guess.
        """
        known, now = self._known.get(group), self.clock()
        if known and timedelta(0) <= now - known.asked_at < FRESH:
            return known.people
        try:
            people = self._ask(group)
        except (SlackRefusal, SlackUnavailable) as error:
            raise Refused(
                f"Who is in the Slack user group {group} cannot be looked up now ({error}).",
                "Whoever may approve by role still can; or try again in a moment.",
            ) from error
        self._known[group] = Membership(people, now)
        return people

    def _ask(self, group: str) -> frozenset[str]:
        users = set(call(self.client.usergroups_users_list, usergroup=self._find_id(group))["users"])
        people = self.directory.policy.people
        return frozenset(person.key for person in people if self.directory.find_slack_id(person) in users)

    def _find_id(self, group: str) -> str:
        """Ids are in capitals, handles are not."""
        if group.isupper():
            return group
        groups = call(self.client.usergroups_list)["usergroups"]
        found = next((one["id"] for one in groups if one["handle"] == group), None)
        if found is None:
            raise Refused(f"There is no Slack user group @{group}.", "Correct `groups` in the policy, or make it.")
        return str(found)
