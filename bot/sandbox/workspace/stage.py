"""What stands behind the workspace's page: scenarios to pull and lights to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol


class Stage(Protocol):
    """Given to the workspace by whoever runs it. Its methods may block: they are called on a thread."""

    def scenarios(self) -> Sequence[Mapping[str, str]]:
        """Each with name, title and description."""
        ...

    def lights(self) -> Sequence[Mapping[str, str]]:
        """Each with name, state (ok, warning or down) and detail."""
        ...

    def pull(self, name: str) -> str:
        """Make a scenario happen; what was done, in one sentence. LookupError for an unknown name,
        RuntimeError (its text says what is true now) when it could not be done."""
        ...


class EmptyStage:
    """No stage: nothing to pull."""

    def scenarios(self) -> Sequence[Mapping[str, str]]:
        """None."""
        return ()

    def lights(self) -> Sequence[Mapping[str, str]]:
        """None."""
        return ()

    def pull(self, name: str) -> str:
        """There is nothing to pull."""
        raise LookupError(name)
