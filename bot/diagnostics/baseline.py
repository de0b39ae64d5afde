"""What was so when all was well: the newest verified backup's manifest, read once in a sweep."""

from __future__ import annotations

from concurrent.futures import Future
from threading import Lock, Thread

from bot.outcome import Failed
from bot.policy import Policy
from bot.systems.archives import open_bucket
from bot.systems.dumps.listing import list_backups
from bot.systems.dumps.manifest import Manifest

WITHIN_S = 12.0
"""Whoever compares has to tell what it saw by itself, in its own time, where the bucket does not answer."""


class Baseline:
    """Several checks compare with it; whoever asks first has it read for all."""

    def __init__(self, within_s: float = WITHIN_S) -> None:
        self._within_s = within_s
        self._lock = Lock()
        self._found: dict[str, Future[Manifest | None]] = {}

    def find(self, policy: Policy, database: str) -> Manifest | None:
        """None where there is no verified backup. Raises `Refused` or `Failed` where the bucket cannot be read."""
        with self._lock:
            if database not in self._found:
                self._found[database] = Future()
                Thread(target=self._read, args=(policy, database), name="baseline", daemon=True).start()
        try:
            return self._found[database].result(self._within_s)
        except TimeoutError as error:
            words = f"The bucket {policy.databases[database].backups.bucket} does not answer within a few seconds."
            raise Failed(words, "Nothing was compared with the newest backup.") from error

    def _read(self, policy: Policy, database: str) -> None:
        found, place = self._found[database], policy.databases[database].backups
        try:
            listing = list_backups(open_bucket(place.bucket, place.region), place.prefix, database=database)
            found.set_result(next(iter(listing.backups), None))
        except BaseException as error:  # noqa: BLE001 (raised for whoever asked)
            found.set_exception(error)
