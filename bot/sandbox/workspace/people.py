"""Who is in the workspace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Member:
    """One person. `id` looks like Slack's (`U` and capitals or digits); `name` is the short handle;
    `tz` is an IANA zone name."""

    id: str
    name: str
    real_name: str
    email: str
    title: str
    tz: str = "UTC"


@dataclass(frozen=True)
class Usergroup:
    """A user group: `handle` without the @, `users` as user ids."""

    id: str
    handle: str
    name: str
    users: Sequence[str]


@dataclass(frozen=True)
class StartChannel:
    """A channel that exists from the start. `members` are user ids; None means everybody but the app."""

    name: str
    is_private: bool = False
    members: Sequence[str] | None = None
    topic: str = ""
    purpose: str = ""
