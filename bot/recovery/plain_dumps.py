"""The plain `.sql.gz` dumps of a database as recovery sees them: those in the places that the policy names."""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from bot.outcome import Failed, Refused
from bot.policy import Policy
from bot.policy.databases import PlainDumps
from bot.recovery.action import World
from bot.recovery.backups import settings_of
from bot.systems.archives import Bucket, open_bucket
from bot.systems.dumps.plain_facts import DumpHead
from bot.systems.dumps.plain_files import PlainFile, list_files, list_objects
from bot.words import show_duration, show_size

log = logging.getLogger(__name__)

LISTED = 50
NAMED_MOMENT = re.compile(r"_(\d{8}_\d{6})\.sql\.gz$")
LONGEST_DUMP = timedelta(days=2)


def list_plain_dumps(world: World, database: str) -> list[PlainFile]:
    """Those in S3 and on this machine, the newest first. Raises `Failed` when S3 is away and nothing is here."""
    places = settings_of(world, database).plain_dumps
    found = _list_here(places) if places else []
    try:
        found += _list_in_s3(places) if places else []
    except Failed as error:
        if not found:
            raise
        log.warning("only the plain dumps on this machine are listed: %s", error.words)
    return sorted(found, key=lambda file: file.stored_at, reverse=True)


def find_plain_dump(world: World, database: str, place: str) -> PlainFile:
    """The one at exactly this place of the listing, pinned to its present version. Raises `Refused` or `Failed`.

    One on this machine is found without S3: it may be what is away.
    """
    places = settings_of(world, database).plain_dumps
    listed = (_list_in_s3(places) if place.startswith("s3://") else _list_here(places)) if places else []
    for file in listed:
        if file.place == place:
            return file.pin()
    raise Refused(
        f"{place[:200]!r} is not among the plain dumps of {database}.",
        "`/dr plan restore_plain_dump` lists them; the policy says where they are looked for.",
    )


def _list_in_s3(places: PlainDumps) -> list[PlainFile]:
    if places.objects is None:
        return []
    return list_objects(open_bucket(places.objects.bucket, places.objects.region), places.objects.prefix)


def _list_here(places: PlainDumps) -> list[PlainFile]:
    return list_files(Path(places.local_folder)) if places.local_folder else []


def describe_plain_dump(file: PlainFile, now: datetime, policy: Policy) -> str:
    """One line: age first, since that is what is lost."""
    moment = _read_name(file, policy) or file.stored_at
    where = "in S3" if isinstance(file.source, Bucket) else "on this machine"
    return f"{show_duration(now - moment)} old · {moment:%d %b %Y %H:%M} UTC · {show_size(file.size_bytes)} · {where}"


def find_moment(file: PlainFile, head: DumpHead, policy: Policy) -> tuple[datetime, str]:
    """The moment (UTC) whose state a dump holds, never later than it was, if that can be; and how it is known."""
    if (started := head.started_at(ZoneInfo(policy.time_zone))) is not None:
        return started, "as the dump itself says"
    if (named := _read_name(file, policy)) is not None:
        return named, "as its name says"
    return file.stored_at, "when the file was stored; the dump was begun before that, so more may be lost"


def _read_name(file: PlainFile, policy: Policy) -> datetime | None:
    """What the document's script puts into the name: when it was started, by the clock of the product's time zone."""
    named = NAMED_MOMENT.search(file.name)
    if named is None:
        return None
    try:
        local = datetime.strptime(named[1], "%Y%m%d_%H%M%S").replace(tzinfo=ZoneInfo(policy.time_zone))
    except ValueError:
        return None
    moment = local.astimezone(UTC)
    return moment if file.stored_at - LONGEST_DUMP <= moment <= file.stored_at else None
