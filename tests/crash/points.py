"""The points of a run at which a bot may die, and what happens when it comes to one. In the bot's own process.

The points are the same for every action: before a step, which is after the one before it; once it is written down as
running; inside it, before it changes anything, in the middle and at the end of every call from the recovery room into
the systems; and once it has happened but is not written down. So are those of the run around its steps. Calls that only
look leave the world as it was: of those in a step one is a point, for all that differ from it in nothing that the next
bot could see.

With `SPARES_ENGINE` in the environment, points at which only the engine is judged, in the same way for every action,
are passed over: those of the run but the one before its proof, and of a step those around its beginning. Left are those
at which the action's own `do`, `happened` and `verify` are: before the first change, amid and after each, and once all
has happened. A step that only looks, or waits, is left at its end alone, where all of it is done.

Of telling people there is one for each kind of notice on each channel: the far side has taken it, and that is not
written down yet.

`DIES_IN` in the environment names a file: the bot kills itself (SIGKILL) at the first point that is not in it, having
added it. So one run, whose bot is started again and again, dies once at every point that there is. `HELD_IN` names a
file that may hold the beginning of a point's name: the bot waits there for as long as it does, so that somebody can
cancel the run while a step is under way. `DIES_TELLING_IN` is as `DIES_IN`, for the points of telling people.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import bot.recovery
import bot.systems
from bot.comms.deliveries import Deliveries
from bot.recovery import execution, instances
from bot.recovery.execution import Execution

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.comms.deliveries import Channel, Parcel, Receipt
    from bot.recovery.action import Context, Facts, Step
    from bot.store.tables import Run

BEFORE, BEGUN, HAPPENED = "before", "begun", "happened"
LOOKED, CHANGES = "inside, after a look", "inside, before a change"
ACCEPTED = "has taken"
UNPROVEN = "unproven"
RUN = ("locked", "started", UNPROVEN, "ended")
OUTSIDE_S = 0.0005
"""A call that is over sooner has not left the process."""
STAYS_INSIDE = frozenset(
    {
        "command", "database_of", "fingerprint_text", "move_url", "name_beside", "probe_database", "probe_health",
        "redact", "replace_database", "settings_for_afterwards", "settings_for_restore", "sign", "ttl_s", "url_at",
    }
)  # fmt: skip
"""What never leaves it, however long a busy machine takes; and no property does that changes anything."""
ONLY_LOOKS = re.compile(
    r"(can|check(?!_keys)|choose|compare|confirm|count|estimate|find|is|judge|list|measure|observe|read|why)(_|$)|"
    r"(ask_servers|base|connect|current|exists|get_at|main_commit|reached|require|source|take_fingerprint|token_for)$|"
    r"open_(bucket|cloudflare|contents|hosts?|machine|replacement)$"
)
"""Names of calls that change nothing in the systems; whatever is not known to is taken to change something."""
ONLY_WAITS = re.compile("wait(_|$)")
SIGN_WITHIN_S = 1.0
"""How long a bot looks for what it did before it died; the cloud of these tests shows it within a fifth of that."""
MIDDLE_S = 0.15
"""A call that lasts for so long is also killed in its middle."""
FROM, INTO = (str(Path(one.__path__[0])) for one in (bot.recovery, bot.systems))
HELD_POLL_S = 0.005


class Points:
    """What is done at a point; one at a time, since a call's middle comes from a thread of its own."""

    def __init__(self, dies_in: Path | None, held_in: Path | None, *, spares_engine: bool = False) -> None:
        self._dies_in, self._held_in, self.spares_engine = dies_in, held_in, spares_engine
        self._passed = set(read_points(dies_in)) if dies_in else set()
        self._lock = threading.Lock()

    def has_died(self, where: str, point: str) -> bool:
        """Whether one of the bots before has."""
        return f"{where}: {point}" in self._passed

    def come_to_engine(self, where: str, point: str) -> None:
        """The same at a point that is the engine's."""
        if not self.spares_engine:
            self.come_to(where, point)

    def come_to(self, where: str, point: str) -> None:
        """Die here, or wait here, or go on."""
        name = f"{where}: {point}"
        if self._held_in and is_held(self._held_in, name):
            self._held_in.with_suffix(".reached").touch()
            while is_held(self._held_in, name):
                time.sleep(HELD_POLL_S)
        with self._lock:
            if self._dies_in and name not in self._passed:
                with self._dies_in.open("a", encoding="utf-8") as file:
                    file.write(f"{name}\n")
                os.kill(os.getpid(), signal.SIGKILL)


def read_points(file: Path) -> list[str]:
    """Where bots have died."""
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


def is_held(file: Path, name: str) -> bool:
    """Whether the file holds the beginning of the point's name."""
    try:
        beginning = file.read_text(encoding="utf-8")
    except FileNotFoundError:  # it is taken away to let the bot go on, at any moment
        return False
    return bool(beginning) and name.startswith(beginning)


def install() -> None:
    """In a bot that the environment tells to die or to wait: come to the points."""
    if telling := os.environ.get("DIES_TELLING_IN"):
        _watch_telling(Points(Path(telling), None))
    dies_in, held_in = os.environ.get("DIES_IN"), os.environ.get("HELD_IN")
    if not dies_in and not held_in:
        return
    instances.look_for.__defaults__ = (SIGN_WITHIN_S,)
    points = Points(
        Path(dies_in) if dies_in else None,
        Path(held_in) if held_in else None,
        spares_engine=bool(os.environ.get("SPARES_ENGINE")),
    )
    _around(Execution, "_take_over", points, "locked")
    _around(Execution, "_begin", points, "started")
    _around(Execution, "_prove", points, "ended", before=UNPROVEN)
    _watch_steps(points)


def _around(owner: type, name: str, points: Points, after: str, *, before: str | None = None) -> None:
    original: Callable[..., Any] = getattr(owner, name)

    @wraps(original)
    def wrapped(*arguments: Any) -> Any:
        if before:
            points.come_to("run", before)
        given = original(*arguments)
        points.come_to_engine("run", after)
        return given

    setattr(owner, name, wrapped)


def _watch_telling(points: Points) -> None:
    find = Deliveries._channel

    @dataclass
    class Watched:
        """A channel whose far side has taken something when its `send` is over."""

        name: str
        send_it: Callable[[Parcel], Receipt]

        def send(self, parcel: Parcel) -> Receipt:
            receipt = self.send_it(parcel)
            points.come_to(self.name, f"{ACCEPTED} {parcel.notice.kind}{' again' if parcel.sent_before else ''}")
            return receipt

    def watched_find(self: Deliveries, parcel: Parcel) -> Channel:
        channel = find(self, parcel)
        return Watched(channel.name, channel.send)

    Deliveries._channel = watched_find  # type: ignore[method-assign]


def _watch_steps(points: Points) -> None:
    perform, done = Execution._perform, Execution._mark_done

    def watched_perform(self: Execution, run: Run, index: int, steps: list[Step[Any]], context: Context[Any]) -> None:
        step = steps[index]
        if step.name in context.outputs:
            return

        def do(given: Context[Any]) -> Facts:
            points.come_to_engine(step.name, BEGUN)
            with _watching(points, step.name):
                facts = step.do(given)
            if points.spares_engine and not points.has_died(step.name, CHANGES):
                points.come_to(step.name, LOOKED)
            return facts

        points.come_to_engine(step.name, BEFORE)
        perform(self, run, index, [*steps[:index], replace(step, do=do), *steps[index + 1 :]], context)

    def watched_done(self: Execution, run: Run, index: int, step: Step[Any], facts: Facts) -> None:
        come = points.come_to if points.has_died(step.name, CHANGES) else points.come_to_engine
        come(step.name, HAPPENED)
        done(self, run, index, step, facts)

    Execution._perform, Execution._mark_done = watched_perform, watched_done  # type: ignore[method-assign]


@contextmanager
def _watching(points: Points, step: str) -> Iterator[None]:
    """Every call from the recovery room into the systems is a point at its end, and in its middle where it lasts."""
    under_way: list[tuple[FrameType, threading.Timer, float]] = []

    def see(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call" and _leads_out(frame):
            timer = threading.Timer(MIDDLE_S, points.come_to, (step, f"inside, amid {frame.f_code.co_qualname}"))
            timer.daemon = True
            under_way.append((frame, timer, time.monotonic()))
            if not _changes_nothing(points, frame):
                points.come_to(step, CHANGES)
                timer.start()
        elif event == "return" and under_way and under_way[-1][0] is frame:
            _, timer, since = under_way.pop()
            timer.cancel()
            if time.monotonic() - since <= OUTSIDE_S:
                return
            if not _changes_nothing(points, frame):
                points.come_to(step, f"inside, after {frame.f_code.co_qualname}")
            elif not points.spares_engine:
                points.come_to(step, LOOKED)

    sys.setprofile(see)
    try:
        yield
    finally:
        sys.setprofile(None)
        for _, timer, _ in under_way:
            timer.cancel()


def _changes_nothing(points: Points, frame: FrameType) -> bool:
    """What only waits counts so where the engine is spared: the world is what the call before it has left."""
    name = frame.f_code.co_name
    return bool(ONLY_LOOKS.match(name) or (points.spares_engine and ONLY_WAITS.match(name)))


def _leads_out(frame: FrameType) -> bool:
    """What the execution itself calls is part of keeping a record, in a transaction, and no part of a step."""
    caller = frame.f_back
    return (
        frame.f_code.co_filename.startswith(INTO)
        and caller is not None
        and caller.f_code.co_filename.startswith(FROM)
        and caller.f_code.co_filename != execution.__file__
        and not frame.f_code.co_name.startswith(("<", "__"))
        and frame.f_code.co_name not in STAYS_INSIDE
        and not _is_property(frame)
    )


def _is_property(frame: FrameType) -> bool:
    owner = frame.f_locals.get("self")
    return isinstance(getattr(type(owner), frame.f_code.co_name, None), property)
