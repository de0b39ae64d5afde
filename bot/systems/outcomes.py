"""How a call on an outside system may end when it does not end well.

A system never returns a status to be checked: it returns what was asked for or raises one of these. Every message
says what is true now and what to do next, because it is read by a tired person.
"""

from __future__ import annotations

from bot.outcome import Cancelled, Failed, Refused


class SystemRefused(Refused):
    """Not begun: the world, the rights or the tools do not allow it. Nothing was changed."""


class SystemFailed(Failed):
    """Begun and not finished. The message says what is now true."""


class SystemCancelled(Cancelled):
    """Stopped because the caller asked for it; raised only when all remote and child work has stopped."""
