"""Durable execution on DBOS: settings, recovery, enqueueing. The only file that knows its traps.

Every process may enqueue; one elected process runs workflows. State and the intent to act on it are
committed in one transaction, effects follow. A workflow is a plain function of JSON arguments, registered
under a name that never changes its meaning: changed code gets a new name.
"""

from __future__ import annotations

import itertools
import logging
import os
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Literal

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer, EnqueueOptions
from dbos import _queue as dbos_queue
from dbos._dbos import _get_dbos_instance
from dbos._sys_db import SystemDatabase
from dbos._utils import INTERNAL_QUEUE_NAME
from pydantic import JsonValue
from sqlalchemy.orm import Session

from bot.bell import Bell, StopOrBell
from bot.election import LeaderLock
from bot.store.database import STORE_TROUBLE, Database
from bot.store.migrate import hold_migration_lock

log = logging.getLogger(__name__)

NAME = "holdfast"
APPLICATION_VERSION = "1"
"""Raised only after the old version has drained: pending work of another version is silently stuck."""
SWEEP_S = 2.0
TIDY_EVERY_S = 600.0
TIDY_AT_ONCE = 1000
KEPT_FOR = timedelta(days=7)
TOO_LONG = timedelta(hours=12)
"""No step takes as long, not even the restore of a large instance."""
NEVER_GIVE_UP = 1_000_000
"""A bot that crash-loops must not leave a run half done for ever: it is taken up as often as it takes."""
POLL_S = 0.5
"""How often queues are looked at; work enqueued in this process rings a bell and does not wait for it."""

GRACE_S = 3
"""Whole seconds that running workflows are given to end when this process is told to."""

AGAIN_AFTER_S = (0.1, 0.5, 2.0, 5.0, 15.0)
"""How long after another the store is given that did not carry out what a workflow asked of it."""
QueueName = Literal["work", "deliveries", "runs"]
"""`work`: short things, side by side. The others go one at a time and in order within a partition:
`deliveries` per recipient, `runs` per target."""
WORKERS: dict[QueueName, int] = {"work": 24, "deliveries": 12, "runs": 4}
EVERY_QUEUE = (*WORKERS, INTERNAL_QUEUE_NAME)


class Engine:
    """Enqueues anywhere; runs workflows where elected."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._workflows: dict[str, Callable[..., None]] = {}
        self._prepare()
        self._client = DBOSClient(
            system_database_engine=database.engine,
            serializer=DBOSPortableJSONSerializer(),
            application_name=NAME,
        )
        self._stop = threading.Event()
        self._bell = Bell(EVERY_QUEUE)
        self._running: set[int] = set()
        self._lock: LeaderLock | None = None
        self.is_leader = False

    def register(self, name: str, function: Callable[..., None]) -> None:
        """Make `function` known as the workflow `name`; before `lead`. It records its outcome itself."""
        if name in self._workflows:
            raise ValueError(f"a workflow named {name!r} is registered already")
        self._workflows[name] = function

    def enqueue(
        self,
        session: Session,
        name: str,
        *arguments: JsonValue,
        key: str,
        delay_s: float = 0.0,
        queue: QueueName = "work",
        partition: str | None = None,
        order: int | None = None,
    ) -> None:
        """Start workflow `name` once the caller's transaction commits, `delay_s` seconds later.

        The same `key` again starts nothing. `partition` is needed on the partitioned queues; of what waits there
        the lowest `order` goes first, since the queue's own clock is too coarse to tell.
        """
        options: EnqueueOptions = {
            "workflow_name": name,
            "queue_name": queue,
            "workflow_id": key,
            "app_version": APPLICATION_VERSION,
        }
        if delay_s > 0:
            options["delay_seconds"] = delay_s
        if partition:
            options["queue_partition_key"] = partition
        if order is not None:
            options["priority"] = order
        self._client.enqueue_in_transaction(session, options, *arguments)
        if self.is_leader and delay_s <= 0:
            sa.event.listen(session, "after_commit", lambda _: self._bell.ring(queue), once=True)

    def lead(self, *, wait: bool = True, on_lost: Callable[[], None] | None = None) -> bool:
        """Become the process that runs workflows. Without `wait`, False when another one already does.

        `on_lost` is called when leadership can no longer be proven; the default ends the process, since two
        leaders would do things twice.
        """
        self._lock = LeaderLock(self.database)
        if not self._lock.acquire(wait=wait, stop=self._stop):
            return False
        self.is_leader = True
        try:
            self._launch()
        except BaseException:  # the lock must not stay with a process that does no work
            self.is_leader = False
            self._lock.release()
            raise
        watch = (self._lock.watch, self._stop, on_lost or _end_when_lost)
        threading.Thread(target=watch[0], args=watch[1:], name="leader-watch", daemon=True).start()
        threading.Thread(target=self._sweep, name="orphan-sweep", daemon=True).start()
        return True

    def lead_or_end(self) -> None:
        """`lead` on a thread of its own, of a process that serves: where it cannot, a new process is to try again."""
        try:
            self.lead()
        except Exception:
            log.critical("cannot begin to run workflows: ending this process", exc_info=True)
            _end_process(70)

    def pending(self) -> int:
        """How many workflows are queued or running now, the delayed ones left out."""
        return len(self._client.list_workflows(status=["ENQUEUED", "PENDING"], load_input=False))

    def troubles(self) -> list[str]:
        """Workflows that ended in an error, hang, or wait for a version that nobody runs; there should be none."""
        ended = self._client.list_workflows(status=["ERROR", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"], load_input=False)
        open_ones = self._client.list_workflows(status=["DELAYED", "ENQUEUED", "PENDING"], load_input=False)
        begun_before = (datetime.now(UTC) - TOO_LONG).timestamp() * 1000
        return [
            *(f"{row.name} ({row.workflow_id}) ended as {row.status}" for row in ended),
            *(
                f"{row.name} ({row.workflow_id}) waits for version {row.app_version} of the workflows"
                for row in open_ones
                if row.app_version != APPLICATION_VERSION
            ),
            *(
                f"{row.name} ({row.workflow_id}) has been under way for more than {TOO_LONG.total_seconds() / 3600:g} h"
                for row in open_ones
                if row.status == "PENDING" and (row.updated_at or begun_before) < begun_before
            ),
        ]

    def stop(self, status: int = 0) -> None:
        """Stop running workflows here; what is unfinished goes on at the next leader.

        What does not end within `GRACE_S` is cut off by ending this process with `status`, as safely as by kill -9:
        it must not work on without the lock, beside the next leader.
        """
        self._stop.set()
        if self.is_leader:
            self._bell.ring_soon()  # its workers look at once whether they are to stop
            DBOS.destroy(destroy_registry=True, workflow_completion_timeout_sec=GRACE_S if self._running else 0)
            self.is_leader = False
        if self._running:
            log.warning("work is under way: ending this process, so that the next leader can go on with it")
            _end_process(status)
        if self._lock:
            self._lock.release()
        self._client.destroy()

    def _tidy(self) -> None:
        """Forget workflows that ended well long ago; DBOS keeps them for ever."""
        before = (datetime.now(UTC) - KEPT_FOR).isoformat()
        old = self._client.list_workflows(status="SUCCESS", end_time=before, limit=TIDY_AT_ONCE, load_input=False)
        if old:
            self._client.delete_workflows([row.workflow_id for row in old])
        for trouble in self.troubles():
            log.error("this should not be: the workflow %s", trouble)

    def _prepare(self) -> None:
        """Create DBOS's own tables, so that a client may enqueue before any leader has been up."""
        with hold_migration_lock(self.database):
            system = SystemDatabase.create(
                system_database_url="sqlite:///x" if self.database.is_sqlite else "postgresql://x/x",
                engine_kwargs={},
                engine=self.database.engine,
                schema="dbos",
                serializer=DBOSPortableJSONSerializer(),
                executor_id=None,
                use_listen_notify=False,
            )
            system.run_migrations()

    def _launch(self) -> None:
        for name, function in self._workflows.items():
            DBOS.workflow(name=name, max_recovery_attempts=NEVER_GIVE_UP)(
                _own_function(function, self._ended, self._running)
            )
        self._register_queues()
        dbos_queue.queue_worker_thread = _listen_to(self._bell)  # type: ignore[assignment]
        DBOS(
            config={
                "name": NAME,
                "system_database_engine": self.database.engine,
                "serializer": DBOSPortableJSONSerializer(),
                "application_version": APPLICATION_VERSION,
                "executor_id": f"{NAME}-{uuid.uuid4()}",
                "notification_listener_polling_interval_sec": 0.25,
                "use_listen_notify": False,
                "run_migrations": False,
                "log_level": "WARNING",
            }
        )
        DBOS.launch()

    def _register_queues(self) -> None:
        """Before the launch, whose workers keep the settings that they find."""
        for queue, workers in WORKERS.items():
            partitioned = None if queue == "work" else 1
            self._client.register_queue(
                queue,
                worker_concurrency=workers,
                partition_concurrency=partitioned,
                polling_interval_sec=POLL_S,
                application_name=NAME,
            )

    def _ended(self) -> None:
        """Ring in the queue of the workflow that calls this: the next may start, in its partition or at all."""
        places = _get_dbos_instance()._active_workflows_set._m.get(str(DBOS.workflow_id), [])
        self._bell.ring_soon(*(place[0] for place in places if place))

    def _sweep(self) -> None:
        """Take over what dead leaders left: their workflows stay PENDING until somebody claims them."""
        swept = 0
        while not self._stop.is_set():
            try:
                self._take_over()
                if swept % (TIDY_EVERY_S // SWEEP_S) == 0:
                    self._tidy()
            except sa.exc.SQLAlchemyError:
                log.exception("the store did not answer; looking for orphaned work again soon")
            swept += 1
            self._stop.wait(SWEEP_S)

    def _take_over(self) -> None:
        pending = self._client.list_workflows(status="PENDING", load_input=False)
        others = {row.executor_id for row in pending if row.executor_id and row.executor_id != DBOS.executor_id}
        if others:
            DBOS._recover_pending_workflows(sorted(others))
            self._bell.ring()  # it is queued again


def seconds_until(moment: datetime, now: datetime) -> float:
    """Delay for something due at `moment`; nothing is due in the past."""
    return max(0.0, (moment - now).total_seconds())


def _own_function(function: Callable[..., None], ended: Callable[[], None], running: set[int]) -> Callable[..., None]:
    """DBOS marks the functions it is given; a bound method cannot carry marks.

    While one runs, its thread is among `running`.
    """

    def workflow(*arguments: JsonValue) -> None:
        running.add(threading.get_ident())
        try:
            _carry_out(function, arguments)
        finally:
            running.discard(threading.get_ident())
            ended()

    workflow.__qualname__ = workflow.__name__ = f"workflow_{function.__name__}"
    return workflow


def _carry_out(function: Callable[..., None], arguments: tuple[JsonValue, ...]) -> None:
    """Trouble with the store is no outcome: DBOS would write it down as one, and the work would be lost. It is run
    again as after a crash, which it bears, for as long as it takes.
    """
    for pause_s in itertools.chain(AGAIN_AFTER_S, itertools.repeat(AGAIN_AFTER_S[-1])):
        try:
            function(*arguments)
        except STORE_TROUBLE:
            log.exception("the store did not carry out what %s asked; again in %s s", function.__qualname__, pause_s)
            time.sleep(pause_s)
        else:
            return


def _end_when_lost() -> None:
    log.critical("leadership lost: ending this process, so that nothing runs twice")
    _end_process(70)


def _end_process(status: int) -> None:
    """At once, with every thread and, by their parent's death, the children."""
    logging.shutdown()
    os._exit(status)


WORKER = dbos_queue.queue_worker_thread


def _listen_to(bell: Bell) -> Callable[[threading.Event, DBOS, dbos_queue.Queue], None]:
    """DBOS has queues polled only; its workers, given this, look at once when the bell rings.

    They read the settings of their queue again at each look, unless it seems to be one that is not in the store. Those
    of ours do not change while a process leads.
    """

    def work(stop: threading.Event, dbos: DBOS, queue: dbos_queue.Queue) -> None:
        queue.database_backed_queue = False
        WORKER(StopOrBell(stop, bell, queue.name), dbos, queue)  # type: ignore[arg-type]

    return work
