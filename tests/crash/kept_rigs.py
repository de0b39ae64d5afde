"""Rigs that outlive a test. A policy, a workspace, a store and a nest cost more at their start than a run does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

from tests.crash.rig import Rig, expose

Open = Callable[[], AbstractContextManager[Rig]]


class KeptRigs:
    """One of each name. Whoever fails with one has spoilt it: the next who wants it gets another."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[Rig, ExitStack]] = {}

    @contextmanager
    def borrow(self, name: str, open_it: Open) -> Iterator[Rig]:
        """It has runs of other tests in its store, all of which have ended, and no bot that runs."""
        if name not in self._kept:
            stack = ExitStack()
            self._kept[name] = (stack.enter_context(open_it()), stack)
        rig, _ = self._kept[name]
        expose(rig.environment)
        try:
            yield rig
        except BaseException:
            self._close(name)
            raise
        rig.bot.kill()

    def close(self) -> None:
        for name in list(self._kept):
            self._close(name)

    def _close(self, name: str) -> None:
        self._kept.pop(name)[1].close()
