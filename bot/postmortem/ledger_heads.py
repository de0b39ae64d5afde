"""The ledger's head, kept beside the backups: whoever rewrites the ledger would have to rewrite this too.

(Design, rule 8.) S3 being away delays the copy and nothing else.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

from bot.engine import Engine
from bot.outcome import Failed
from bot.policy import Policy
from bot.store.database import Database
from bot.store.ledger import Mark
from bot.systems.archives import ArchiveExists, Bucket, open_bucket

log = logging.getLogger(__name__)

WORKFLOW = "keep-ledger-head"
PREFIX = "ledger/"
RETRY_S = 60.0
ATTEMPTS = 24 * 60


def key_of(entries: int, head: str) -> str:
    """One object for each head, in the order of the ledger."""
    return f"{PREFIX}{entries:010d}-{head[:16]}.json"


def list_places(policy: Policy) -> list[tuple[str, str]]:
    """Bucket and region of everything that backups are kept in."""
    return sorted({(one.backups.bucket, one.backups.region) for one in policy.databases.values()})


def read_heads(policy: Policy) -> list[Mark]:
    """Every head of this product's ledger that lies beside the backups. Raises `Failed` where S3 does not answer."""
    buckets = [open_bucket(name, region) for name, region in list_places(policy)]
    return [mark for bucket in buckets for mark in _read_bucket(bucket, policy.product)]


def _read_bucket(bucket: Bucket, product: str) -> Iterator[Mark]:
    for stored in (one for one in bucket.list_objects(PREFIX) if one.key.endswith(".json")):
        kept = json.loads(bucket.read_all(stored))
        if kept["product"] == product:
            yield Mark(kept["head"], bucket.place(stored.key), kept["entries"])


class LedgerHeads:
    """Writes heads into every bucket that the policy keeps backups in."""

    def __init__(self, database: Database, engine: Engine, policy: Policy) -> None:
        self.database, self.engine, self.policy = database, engine, policy

    def keep(self, entries: int, head: str, attempt: int) -> None:
        """The workflow: write-once, so that doing it again changes nothing; back in a minute where S3 is away."""
        try:
            for bucket, region in list_places(self.policy):
                self._store(bucket, region, entries, head)
        except Failed as failure:
            log.warning("the ledger's head could not be stored yet: %s", failure.words)
            if attempt < ATTEMPTS:
                self._come_back(entries, head, attempt + 1)

    def _store(self, bucket: str, region: str, entries: int, head: str) -> None:
        body = json.dumps({"product": self.policy.product, "entries": entries, "head": head}).encode()
        try:
            open_bucket(bucket, region).store(key_of(entries, head), [body], metadata={})
        except ArchiveExists:
            log.info("the ledger's head at entry %s is stored already", entries)

    def _come_back(self, entries: int, head: str, attempt: int) -> None:
        with self.database.write() as session:
            key = f"{WORKFLOW}-{entries}-{attempt}"
            self.engine.enqueue(session, WORKFLOW, entries, head, attempt, key=key, delay_s=RETRY_S)
