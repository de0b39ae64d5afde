"""The Web API's methods. Importing this package registers all of them."""

from bot.sandbox.workspace.api import (
    bookmarks,
    chat,
    conversations,
    files,
    history,
    membership,
    pins,
    reactions,
    team,
    users,
    views,
)

__all__ = [
    "bookmarks",
    "chat",
    "conversations",
    "files",
    "history",
    "membership",
    "pins",
    "reactions",
    "team",
    "users",
    "views",
]
