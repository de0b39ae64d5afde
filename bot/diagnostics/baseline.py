"""What was so when all was well: the newest verified backup's manifest, read once in a sweep."""

from __future__ import annotations

from threading import Lock

from bot.policy import Policy
from bot.systems.archives import open_bucket
from bot.systems.dumps.listing import list_backups
from bot.systems.dumps.manifest import Manifest


class Baseline:
    """Several checks compare with it; whoever asks first reads it for all."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._found: dict[str, Manifest | None] = {}

    def find(self, policy: Policy, database: str) -> Manifest | None:
        """None where there is no verified backup. Raises `Refused` or `Failed` where the bucket cannot be read."""
        with self._lock:
            if database not in self._found:
                place = policy.databases[database].backups
                listing = list_backups(open_bucket(place.bucket, place.region), place.prefix, database=database)
                self._found[database] = next(iter(listing.backups), None)
            return self._found[database]
