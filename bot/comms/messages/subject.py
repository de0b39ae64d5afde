"""What composing a message needs, and what it gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bot.clock import Clock, utc_now
from bot.comms.prose import Prose
from bot.policy import Policy
from bot.slack.text import literal
from bot.store.database import Database


@dataclass(frozen=True)
class File:
    """`alt_text` says what a picture shows, in at most 1,000 characters."""

    name: str
    title: str
    content: str | bytes
    alt_text: str = ""


@dataclass(frozen=True)
class Message:
    """`text` is the fallback that notifications and screen readers get."""

    text: str
    blocks: list[dict[str, Any]] = field(default_factory=list)
    pinned: bool = False
    file: File | None = None


@dataclass(frozen=True)
class Subject:
    """Where the facts come from."""

    database: Database
    policy: Policy
    prose: Prose
    now: Clock = utc_now
    has_pages: bool = False
    """Whether incidents can be looked at in a browser."""

    def name(self, person_key: str) -> str:
        """A person's name, for mrkdwn."""
        return literal(name_person(self.policy, person_key))


def name_person(policy: Policy, person_key: str) -> str:
    """A person's name as written; the key itself for people who have left the policy, and for the bot."""
    person = policy.person(person_key)
    return person.name if person else person_key.capitalize()
