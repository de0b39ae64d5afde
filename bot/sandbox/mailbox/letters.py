"""What arrived, kept in memory: mails, pages and other messages, the newest last."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

KEPT = 2000
Kind = Literal["mail", "page", "card", "webhook"]


@dataclass(frozen=True)
class Letter:
    """One thing that arrived. `thread`: letters of one matter share it; `html` is empty where there is none."""

    id: int
    kind: Kind
    at: datetime
    recipient: str
    subject: str
    text: str
    html: str = ""
    thread: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def describe(self) -> dict[str, Any]:
        """For programs."""
        return {
            "id": self.id, "kind": self.kind, "at": self.at.isoformat(), "recipient": self.recipient,
            "subject": self.subject, "text": self.text, "html": self.html, "thread": self.thread,
            "headers": self.headers,
        }  # fmt: skip


class Mailbox:
    """Filled from several threads."""

    def __init__(self) -> None:
        self._letters: deque[Letter] = deque(maxlen=KEPT)
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def put(self, kind: Kind, recipient: str, subject: str, text: str, **more: Any) -> Letter:
        with self._lock:
            letter = Letter(next(self._numbers), kind, datetime.now(UTC), recipient, subject, text, **more)
            self._letters.append(letter)
        return letter

    def letters(self) -> list[Letter]:
        """All that is kept, oldest first."""
        with self._lock:
            return list(self._letters)

    def find(self, number: int) -> Letter | None:
        return next((letter for letter in self.letters() if letter.id == number), None)
