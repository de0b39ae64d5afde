"""Writing the status page: anew and as a whole, at each delivery and once a day for the bars of the new day."""

from __future__ import annotations

import logging
import uuid
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from sqlalchemy.orm import Session

from bot.clock import Clock, utc_now
from bot.comms.status_site.pages import Pages, is_ours
from bot.comms.status_site.record import Record, read_record
from bot.engine import Engine, seconds_until
from bot.incidents.desk import Change
from bot.outcome import Failed, Refused
from bot.policy import Policy
from bot.policy.channels import StatusSiteSettings
from bot.settings import templates_dir
from bot.store.database import Database
from bot.store.tables import Incident
from bot.systems.site_files import SiteBucket, SiteFolder, SitePlace

log = logging.getLogger(__name__)

WORKFLOW = "renew_status_site"
PARTITION = "status_site:all"
"""The same as that of its deliveries, so that never two write it at once."""
ROUNDS = 3
RETRY_AFTER_S = 600.0
RETRIES = 100
"""Then the next day's renewal has taken over."""


class StatusSite:
    """Reads the record, renders it, and puts it in its place. The rows are all that it needs: it can be rebuilt."""

    def __init__(self, database: Database, policy: Policy, clock: Clock = utc_now) -> None:
        self.database, self.policy, self.clock = database, policy, clock
        self._pages = Pages(templates_dir(), policy.product, policy.channels.status_page_url)

    def build(self, place: SitePlace) -> int:
        """How many files it has. Raises OSError, or what AWS answers as `Refused` or `Failed`."""
        record = self._read(self.clock())
        for _ in range(ROUNDS):
            files = self._pages.render(record)
            place.put(files, is_ours)
            newer = self._read(record.at)
            if newer == record:  # else somebody published meanwhile, and may have been overwritten here
                break
            record = newer
        return len(files)

    def _read(self, at: datetime) -> Record:
        settings = self.policy.channels.status_site
        with self.database.snapshot() as session:
            return read_record(session, self.policy, settings.components if settings else [], at)


class Renewals:
    """Keeps the page of today: a chain of delayed workflows, one for each day."""

    def __init__(self, engine: Engine, site: StatusSite, place: SitePlace) -> None:
        self.engine, self.site, self.place = engine, site, place

    def start(self) -> None:
        """Write it now, since the policy may be another than when it was written last, and daily from then on."""
        with self.site.database.write() as session:
            self._enqueue(session, 0, key=f"{WORKFLOW}-{uuid.uuid4()}")

    def renew(self, attempt: int) -> None:
        """The workflow."""
        now = self.site.clock()
        with self.site.database.write() as session:
            tomorrow = now.astimezone(UTC).date() + timedelta(days=1)
            delay_s = seconds_until(datetime.combine(tomorrow, time(), UTC), now)
            self._enqueue(session, 0, key=f"{WORKFLOW}-{tomorrow}", delay_s=delay_s)
        try:
            self.site.build(self.place)
        except (OSError, Refused, Failed) as error:
            log.warning("the status page could not be written: %s", error)
            self._try_again(now, attempt + 1)

    def incident_changed(self, session: Session, incident: Incident, change: Change) -> None:
        """The desk's listener: what became private disappears, what became part of another is told of there."""
        if change in ("privacy", "merged"):
            self._enqueue(session, 0, key=f"{WORKFLOW}-{incident.id}-{uuid.uuid4()}")

    def _try_again(self, now: datetime, attempt: int) -> None:
        if attempt <= RETRIES:
            with self.site.database.write() as session:
                key = f"{WORKFLOW}-{now:%Y-%m-%d}-again-{attempt}"
                self._enqueue(session, attempt, key=key, delay_s=RETRY_AFTER_S)

    def _enqueue(self, session: Session, attempt: int, *, key: str, delay_s: float = 0.0) -> None:
        self.engine.enqueue(
            session, WORKFLOW, attempt, key=key, delay_s=delay_s, queue="deliveries", partition=PARTITION
        )


def open_place(settings: StatusSiteSettings) -> SitePlace:
    """Where the policy wants it; the folder where both are named."""
    if settings.folder is not None:
        return SiteFolder(Path(settings.folder))
    assert settings.location is not None  # the policy was checked
    return SiteBucket(settings.location.bucket, settings.location.prefix, settings.region)
