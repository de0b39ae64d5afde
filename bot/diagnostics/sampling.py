"""Sampling: at each turn every system is looked at once, side by side, and what was measured is kept.

A delayed workflow that enqueues itself, as the prober is: its key is the time slot, so there is one chain however many
replicas there are, and what was missed while nothing ran stays a gap. A system that hangs holds no other up.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from queue import Empty, SimpleQueue
from time import monotonic
from zlib import crc32

import psycopg
import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.clock import Clock, utc_now
from bot.diagnostics.meter import Before, Measured, Meter
from bot.diagnostics.meters.database import DatabaseMeter
from bot.diagnostics.meters.host_log import HostLogMeter
from bot.diagnostics.meters.host_resources import HostResourcesMeter
from bot.diagnostics.metrics import series_name
from bot.diagnostics.series import Series
from bot.engine import Engine, seconds_until
from bot.outcome import Failed, Refused
from bot.policy import Policy
from bot.store.database import Database
from bot.store.tables import Meter as MeterRow
from bot.systems.redaction import Redactor
from bot.systems.row_values import explain
from bot.systems.web_application import Answer
from bot.words import cut

log = logging.getLogger(__name__)

WORKFLOW = "measure"
LIMIT_S = 15.0
"""What has not answered by then is a gap."""
THIN_EVERY_S = 3600
SHOWN = 200
Outcome = Measured | str


class Sampler:
    """Measures where the policy wants it. `list_meters` gives what there is to look at, anew each time."""

    def __init__(
        self, database: Database, engine: Engine, policy: Policy, series: Series, environment: Mapping[str, str],
        clock: Clock = utc_now,
    ) -> None:  # fmt: skip
        self.database, self.engine, self.policy, self.series, self.clock = database, engine, policy, series, clock
        self.environment = environment
        self.list_meters: Callable[[], Sequence[Meter]] = lambda: find_meters(policy, environment)
        self._redactor = Redactor(environment, policy.secrets)
        self._busy: set[str] = set()
        """Meters that have not come back yet, from this turn or an earlier one."""

    def start(self) -> None:
        """See to it that the next slot is measured, where the policy wants it; again changes nothing."""
        if self.policy.metrics:
            with self.database.write() as session:
                self._enqueue_next(session)

    def measure(self, slot: int) -> None:
        """The workflow. `slot`: when it was due, in seconds since 1970. The next is enqueued first: none ends it."""
        if self.policy.metrics is None:
            return
        self.start()
        due = datetime.fromtimestamp(slot, UTC)
        if self.clock() - due > self.series.settings.every:
            return  # nothing ran when it was due: what is true now is not what was true then
        with self.database.read() as session:
            before = {row.key: row for row in session.scalars(sa.select(MeterRow))}
        turn = slot // self._every_s
        meters = {one.key: one for one in self.list_meters() if _is_its_turn(one, turn)}
        waiting = [one for key, one in meters.items() if key not in before or before[key].measured_at < due]
        outcomes = self._look(waiting, due, before)
        with self.database.write() as session:
            for key, outcome in outcomes.items():
                self._keep(session, meters[key], outcome, due)
        if slot % THIN_EVERY_S < self._every_s:
            self.series.thin(self.clock())

    def heard(self, session: Session, application: str, answer: Answer) -> None:
        """The prober's listener: what the health endpoint answered, and how fast."""
        if self.policy.metrics is None:
            return
        values = {series_name("health_failures", application): 0.0 if answer.good else 100.0}
        if answer.took_s is not None:
            values[series_name("health_latency", application)] = answer.took_s
        self.series.record(session, self.clock(), values)

    def troubles(self) -> dict[str, str]:
        """By meter: why it measures nothing at present, and since when."""
        with self.database.read() as session:
            rows = session.scalars(sa.select(MeterRow).where(MeterRow.trouble != "").order_by(MeterRow.key))
            return {row.key: f"{row.trouble} (since {row.since:%Y-%m-%d %H:%M} UTC)" for row in rows}

    @property
    def _every_s(self) -> int:
        return int(self.series.settings.every.total_seconds())

    def _look(self, meters: Sequence[Meter], due: datetime, before: Mapping[str, MeterRow]) -> dict[str, Outcome]:
        """What each came to within the limit. One that hangs goes on alone, and is not asked again meanwhile."""
        answers: SimpleQueue[tuple[str, Outcome]] = SimpleQueue()
        outcomes: dict[str, Outcome] = dict.fromkeys((meter.key for meter in meters), "It has not answered in time.")
        asked = [meter for meter in meters if meter.key not in self._busy]
        for meter in asked:
            self._busy.add(meter.key)
            row = before.get(meter.key)
            arguments = (meter, due, Before(row.measured_at, row.kept) if row else None, answers)
            threading.Thread(target=self._ask, args=arguments, name=f"measure-{meter.key}", daemon=True).start()
        deadline = monotonic() + min(LIMIT_S, self._every_s)
        for _ in asked:
            try:
                key, outcome = answers.get(timeout=max(0.0, deadline - monotonic()))
            except Empty:
                break
            outcomes[key] = outcome
        return outcomes

    def _ask(
        self, meter: Meter, due: datetime, before: Before | None, answers: SimpleQueue[tuple[str, Outcome]]
    ) -> None:
        try:
            outcome: Outcome = meter.measure(due, before)
        except (Refused, Failed) as trouble:
            outcome = trouble.reason
        except KeyError as error:
            outcome = f"{error.args[0]} is not set."
        except psycopg.Error as error:
            outcome = f"{type(error).__name__}: {explain(error)}"
        except Exception as error:  # the boundary of this thread: one broken meter must not silence the others
            log.exception("the meter %s failed", meter.key)
            outcome = f"The meter itself failed: {type(error).__name__}"
        finally:
            self._busy.discard(meter.key)
        answers.put((meter.key, outcome))

    def _keep(self, session: Session, meter: Meter, outcome: Outcome, due: datetime) -> None:
        """Figures, and how it went; a slot counts once. A figure stands for the time until the next."""
        row = session.get(MeterRow, meter.key)
        if row is None:
            row = MeterRow(key=meter.key, since=due, trouble="", kept={}, measured_at=due)
            session.add(row)
        elif row.measured_at >= due:
            return
        trouble = outcome if isinstance(outcome, str) else outcome.trouble
        trouble = cut(self._redactor.redact(trouble), SHOWN)
        if bool(trouble) != bool(row.trouble):
            row.since = due
            log.warning("%s: %s", meter.key, trouble or "is measured again")
        row.trouble = trouble
        if isinstance(outcome, Measured):
            row.measured_at, row.kept = due, dict(outcome.kept)
            self.series.record(session, due, outcome.values, meter.every * self.series.settings.every)

    def _enqueue_next(self, session: Session) -> None:
        """The slot after the present one: what was missed is not caught up with."""
        now = self.clock()
        slot = (int(now.timestamp()) // self._every_s + 1) * self._every_s
        delay_s = seconds_until(datetime.fromtimestamp(slot, UTC), now)
        self.engine.enqueue(session, WORKFLOW, slot, key=f"{WORKFLOW}-{slot}", delay_s=delay_s)


def find_meters(policy: Policy, environment: Mapping[str, str]) -> list[Meter]:
    """Every database and every host of the policy; what they need is looked up when they are asked."""
    meters: list[Meter] = [DatabaseMeter(name, one, environment) for name, one in policy.databases.items()]
    for key in policy.hosts:
        meters.append(HostLogMeter(key, policy, environment))
        meters.append(HostResourcesMeter(key, policy, environment))
    return meters


def _is_its_turn(meter: Meter, turn: int) -> bool:
    """Those that are looked at more seldom are spread over the turns, by their names."""
    return (turn + crc32(meter.key.encode())) % meter.every == 0
