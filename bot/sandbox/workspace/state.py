"""What the workspace holds, in memory. Everything is read and changed on one event loop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from bot.sandbox.workspace.errors import SlackError
from bot.sandbox.workspace.people import Usergroup
from bot.sandbox.workspace.vendor import Json


@dataclass
class User:
    """A person or a bot. `home` is the workspace of somebody who is here through a shared channel only."""

    id: str
    name: str
    real_name: str
    email: str
    title: str
    tz: str
    is_bot: bool = False
    is_deactivated: bool = False
    home: str = ""


@dataclass
class Note:
    """A channel's topic or purpose. `last_set` in whole seconds since the epoch, 0 when never set."""

    value: str = ""
    creator: str = ""
    last_set: int = 0

    def as_slack(self) -> Json:
        """Slack's object of it."""
        return {"value": self.value, "creator": self.creator, "last_set": self.last_set}


@dataclass
class Channel:
    """A public or private channel or a direct message.

    `messages` is Slack's message object by ts, in order; `threads` the replies' ts by their parent's ts;
    `members` an ordered set of user ids; `last_read` a ts by user.
    """

    id: str
    name: str
    creator: str
    created: int
    is_private: bool = False
    is_im: bool = False
    is_general: bool = False
    is_archived: bool = False
    topic: Note = field(default_factory=Note)
    purpose: Note = field(default_factory=Note)
    members: dict[str, None] = field(default_factory=dict)
    messages: dict[str, Json] = field(default_factory=dict)
    threads: dict[str, list[str]] = field(default_factory=dict)
    ephemerals: list[Json] = field(default_factory=list)
    pins: dict[str, Json] = field(default_factory=dict)
    bookmarks: dict[str, Json] = field(default_factory=dict)
    last_read: dict[str, str] = field(default_factory=dict)
    previous_names: list[str] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """`public`, `private` or `im`: what scopes and event names depend on."""
        if self.is_im:
            return "im"
        return "private" if self.is_private else "public"

    def visible_to(self, user: str) -> bool:
        """May this user know that the channel exists?"""
        return self.kind == "public" or user in self.members


@dataclass
class SharedFile:
    """A file. `content` is None until its bytes were uploaded; `key` lets a browser fetch it without a token;
    `shared_in` is the message's ts by channel id."""

    id: str
    name: str
    title: str
    size_bytes: int
    user: str
    created: int
    key: str
    content: bytes | None = None
    mimetype: str = "application/octet-stream"
    alt_text: str = ""
    is_complete: bool = False
    shared_in: dict[str, str] = field(default_factory=dict)


@dataclass
class View:
    """A modal or App Home as Slack holds it; `payload` is Slack's view object."""

    id: str
    user: str
    payload: Json


@dataclass
class State:
    """The whole workspace: users, channels, files, views."""

    team_id: str
    team_name: str
    team_domain: str
    users: dict[str, User] = field(default_factory=dict)
    usergroups: dict[str, Usergroup] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    files: dict[str, SharedFile] = field(default_factory=dict)
    views: dict[str, View] = field(default_factory=dict)
    stacks: dict[str, list[str]] = field(default_factory=dict)
    homes: dict[str, str] = field(default_factory=dict)

    def user(self, user_id: str, error: str = "user_not_found") -> User:
        """The user, or a refusal with `error`."""
        try:
            return self.users[user_id]
        except KeyError:
            raise SlackError(error) from None

    def channel(self, channel_id: str, viewer: str) -> Channel:
        """The channel if `viewer` may know of it, else channel_not_found."""
        channel = self.channels.get(channel_id)
        if channel is None or not channel.visible_to(viewer):
            raise SlackError("channel_not_found")
        return channel

    def channel_named(self, name: str) -> Channel | None:
        """The channel of that name (archived ones keep theirs), or None."""
        return next((c for c in self.channels.values() if c.name == name and not c.is_im), None)

    def direct_message(self, one: str, other: str) -> Channel | None:
        """The direct message between two users, if it was opened."""
        pair = {one, other}
        return next((c for c in self.channels.values() if c.is_im and set(c.members) == pair), None)

    def visible_channels(self, user: str) -> Iterator[Channel]:
        """Every channel that the user may know of."""
        return (c for c in self.channels.values() if c.visible_to(user))
