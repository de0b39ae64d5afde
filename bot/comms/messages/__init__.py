"""What is said in Slack: one kind of notice a file, with `KIND` and `compose(notice, subject)`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable

from bot.comms.messages.subject import File, Message, Subject
from bot.store.tables import Notice

__all__ = ["File", "Message", "compose", "kinds"]

Composer = Callable[[Notice, Subject], Message]


def kinds() -> dict[str, Composer]:
    """Every kind of notice and the function that composes it."""
    found: dict[str, Composer] = {}
    for module_info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{module_info.name}")
        if hasattr(module, "KIND"):
            found[module.KIND] = module.compose
    return found


_KINDS: dict[str, Composer] = {}


def compose(notice: Notice, subject: Subject) -> Message:
    """The message for a notice, from the state of things now."""
    if not _KINDS:
        _KINDS.update(kinds())
    return _KINDS[notice.kind](notice, subject)
