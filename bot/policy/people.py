"""Who is on the disaster recovery team, and what each role is for."""

from typing import Annotated

from pydantic import Field

from bot.policy.section import Email, Key, Section, Text, matching

SlackUserId = Annotated[str, matching(r"[UW][A-Z0-9]{2,}", "a Slack member id such as U024BE7LH")]
PersonKey = Annotated[str, matching(r"[a-z][a-z0-9_-]{0,62}", "a key of lower-case letters, digits, _ and -")]


class Role(Section):
    """A role of the disaster recovery team (document: Disaster Recovery Team)."""

    title: Text
    """Name of the role as people say it."""
    responsibility: Text
    """What the role answers for."""
    contact: Text
    """Who is asked first when nobody holds the role."""
    channel_intro: Text
    """What the role does, as an instruction to the person who has just taken it."""


class Person(Section):
    """A member of the team, found by e-mail address or Slack id in Slack, by login name in the terminal."""

    key: PersonKey
    """Short name that the ledger uses; keep it for ever."""
    name: Text
    """Full name."""
    email: Email
    """Address in Slack's profile; that is how a Slack user is recognised."""
    roles: list[Key]
    """Roles that the person may hold; they decide what the person may request and approve."""
    slack_user_id: SlackUserId | None = Field(default=None, examples=["U024BE7LH"])
    """Slack member id; needed only where the e-mail address in Slack differs."""
    os_user: Text | None = None
    """Login name on the machine where `holdfast` is run from a terminal."""
