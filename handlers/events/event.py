"""What an event's handler is, and the listener that takes events.

Slack repeats an event until it is acknowledged, and at times after that. So what an event asks for is committed before
it is acknowledged, under the event's id.
"""

from __future__ import annotations

import importlib
import logging
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from slack_bolt import App

from bot.services import Services
from handlers import events

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Happening:
    """One event: `id` stays the same when Slack tells it again."""

    services: Services
    id: str
    event: dict[str, Any]


@dataclass(frozen=True)
class Event:
    """`take` commits what is asked for and returns; an exception makes Slack tell the event again."""

    name: str
    take: Callable[[Happening], None]


def register(app: App, services: Services) -> None:
    """Listen to every event: each file beside this one with `EVENTS`."""
    for event in find_events():
        app.event(event.name, middleware=[_taker(services, event)])(_nothing_more)


def find_events() -> list[Event]:
    """Every kind of event that is listened to."""
    modules = [
        importlib.import_module(f"{events.__name__}.{info.name}") for info in pkgutil.iter_modules(events.__path__)
    ]
    return [event for module in modules for event in getattr(module, "EVENTS", ())]


def _taker(services: Services, event: Event) -> Callable[..., None]:
    """As a listener's middleware, since Bolt acknowledges an event before its listener runs."""

    def take(body: dict[str, Any], next: Callable[[], None]) -> None:
        event.take(Happening(services, str(body["event_id"]), dict(body["event"])))
        next()

    return take


def _nothing_more() -> None:
    """Everything was done before the acknowledgement."""
