"""Who is who: Slack's users and the people of the policy, matched by id or by e-mail address.

An address counts only for users of our own workspace who are still in it: those who are here through a shared channel
have theirs from whoever runs the other workspace.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import sqlalchemy as sa
from slack_sdk import WebClient

from bot.clock import Clock, utc_now
from bot.outcome import Refused
from bot.policy import Person, Policy
from bot.slack.client import SlackRefusal, SlackUnavailable, call
from bot.slack.text import unescape
from bot.store.database import Database
from bot.store.tables import SlackUser

FRESH = timedelta(hours=12)
MENTION = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>")


class Directory:
    """Looks users up once and remembers them; an address changed in Slack is seen within twelve hours."""

    def __init__(self, client: WebClient, database: Database, policy: Policy, clock: Clock = utc_now) -> None:
        self.client, self.database, self.policy, self.clock = client, database, policy, clock
        self._home: tuple[str, str] | None = None
        """Ids of our workspace and of its enterprise, empty where it has none; asked once."""

    def person(self, user_id: str) -> Person:
        """The person of the policy behind a Slack user. Raises `Refused` for anybody else."""
        named = self.policy.person_by_slack_id(user_id)
        if named:
            return named
        user = self._user(user_id)
        person = self.policy.person_by_email(user.email) if user.email else None
        if person is None:
            raise Refused(
                f"{user.name} is not among the people of the policy.",
                "Ask somebody who is, or have your address added to the policy file under `people`.",
            )
        return person

    def slack_id(self, person: Person) -> str | None:
        """The Slack user of a person; None where Slack knows nobody by that address or cannot be asked."""
        try:
            return self.find_slack_id(person)
        except (SlackRefusal, SlackUnavailable):
            return None

    def find_slack_id(self, person: Person) -> str | None:
        """The Slack user of a person; None where Slack knows nobody by that address.

        Raises `SlackRefusal` or `SlackUnavailable` where Slack does not say.
        """
        if person.slack_user_id:
            return person.slack_user_id
        with self.database.read() as session:
            known = session.scalar(sa.select(SlackUser).where(SlackUser.email == person.email.lower()))
        if known and known.fetched_at > self.clock() - FRESH:
            return known.user_id
        try:
            answer = call(self.client.users_lookupByEmail, email=person.email)
        except SlackRefusal as refusal:
            if refusal.code != "users_not_found":
                raise
            return None
        except SlackUnavailable:
            if known:
                return known.user_id
            raise
        return self._remember(answer["user"]).user_id

    def zone(self, user_id: str) -> ZoneInfo | None:
        """The time zone that a user lives in, asked anew: people travel. None where Slack does not say."""
        try:
            name = call(self.client.users_info, user=user_id)["user"].get("tz")
            return ZoneInfo(name) if name else None
        except (SlackRefusal, SlackUnavailable, ZoneInfoNotFoundError, ValueError):
            return None

    def name_of(self, user_id: str) -> str:
        """How a Slack user is called, whether in the policy or not; the id where Slack does not say."""
        named = self.policy.person_by_slack_id(user_id)
        try:
            return named.name if named else self._user(user_id).name
        except (Refused, SlackRefusal):
            return user_id

    def read_text(self, text: str) -> str:
        """A message as it was typed, with the names of those it mentions."""
        named = MENTION.sub(lambda found: f"@{self.name_of(found.group(1))}", text)
        return unescape(named)

    def read_message(self, message: dict[str, Any]) -> str:
        """What a message says, also one of monitoring that has no text of its own."""
        return self.read_text(str(message.get("text") or "") or "\n".join(_list_words(message)))

    def _user(self, user_id: str) -> SlackUser:
        with self.database.read() as session:
            known = session.get(SlackUser, user_id)
        if known and known.fetched_at > self.clock() - FRESH:
            return known
        try:
            return self._remember(call(self.client.users_info, user=user_id)["user"])
        except SlackUnavailable as error:
            if known:
                return known
            raise Refused(
                "Slack does not answer, so it cannot be checked who you are.",
                "Try again, or use the terminal: `holdfast --help`.",
            ) from error

    def _remember(self, user: dict[str, Any]) -> SlackUser:
        profile = user.get("profile") or {}
        email = str(profile.get("email") or "").lower() if self._is_ours(user) else ""
        row = SlackUser(
            user_id=str(user["id"]),
            email=email,
            name=str(user.get("real_name") or user.get("name") or user["id"]),
            fetched_at=self.clock(),
        )
        others = sa.update(SlackUser).where(SlackUser.email == email, SlackUser.user_id != row.user_id)
        with self.database.write() as session:
            if email:  # whoever had it before has it no more
                session.execute(others.values(email=""))
            return session.merge(row)

    def _is_ours(self, user: dict[str, Any]) -> bool:
        """Whether our workspace, or the enterprise that it is part of, vouches for what is said of this user."""
        if user.get("deleted") or user.get("is_stranger"):
            return False
        if self._home is None:
            answer = call(self.client.auth_test)
            self._home = (str(answer["team_id"]), str(answer.get("enterprise_id") or ""))
        team, enterprise = self._home
        within = str((user.get("enterprise_user") or {}).get("enterprise_id") or "")
        return user.get("team_id") == team or bool(enterprise and within == enterprise)


def _list_words(message: dict[str, Any]) -> Iterator[str]:
    """The words in attachments and blocks."""
    for one in message.get("attachments") or []:
        said = [str(one[name]) for name in ("pretext", "title", "text") if one.get(name)]
        yield from said or [str(one.get("fallback") or "")]
    for block in message.get("blocks") or []:
        shown = [block.get("text"), *(block.get("fields") or [])]
        yield from (str(one["text"]) for one in shown if isinstance(one, dict) and one.get("text"))
