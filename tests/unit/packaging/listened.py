"""What the bot listens to, as its own registration says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from slack_bolt import App

from bot.services import Services
from handlers import home
from handlers.buttons import press
from handlers.commands import listener
from handlers.events import event
from handlers.modals import form
from handlers.shortcuts import shortcut

Decorator = Callable[[Any], Any]


class Listened:
    """Takes registrations as Bolt's App does, and remembers them."""

    def __init__(self) -> None:
        self.commands: list[str] = []
        self.events: list[str] = []
        self.actions: list[Any] = []
        self.views: list[str] = []
        self.shortcuts: list[str] = []
        for room in (listener, press, form, home, shortcut, event):
            room.register(cast("App", self), cast("Services", None))

    def command(self, name: str) -> Decorator:
        self.commands.append(name)
        return lambda handle: handle

    def shortcut(self, callback_id: str) -> Decorator:
        self.shortcuts.append(callback_id)
        return lambda handle: handle

    def event(self, name: str, middleware: Any = None) -> Decorator:
        self.events.append(name)
        return lambda handle: handle

    def action(self, pattern: Any) -> Decorator:
        self.actions.append(pattern)
        return lambda handle: handle

    def view(self, callback_id: str) -> Decorator:
        self.views.append(callback_id)
        return lambda handle: handle
