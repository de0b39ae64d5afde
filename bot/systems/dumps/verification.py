"""Reading a part back from S3 to its end, as a restore would: a backup is one only after that."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from bot.systems.archives import Bucket, Stored
from bot.systems.client_tools import ClientTools
from bot.systems.dumps.manifest import Part
from bot.systems.dumps.pouring import RowsRefused, count_rows
from bot.systems.dumps.rows import see_whole
from bot.systems.dumps.streams import ArchiveDamaged, feed, unpack
from bot.systems.dumps.watch import Watch
from bot.systems.fingerprints import Fingerprint
from bot.systems.processes import Child

Found = TypeVar("Found")


def verify_part(bucket: Bucket, part: Part, tools: ClientTools, watch: Watch) -> Part:
    """Checksum, compression, and every entry as pg_restore reads it, or every row as it would be loaded.

    Binary rows were counted by the server that sent them; here it is seen that they are those, and whole.

    Returns the part, with its rows where they were counted. Raises ArchiveDamaged, ArchiveVanished, or ProcessFailed
    with pg_restore's reason.
    """
    unpacked = unpack(
        bucket.read(Stored(part.key, part.version_id, part.size_bytes)),
        place=bucket.place(part.key),
        sha256=part.sha256,
        told=lambda count: watch.count("verify", count),
    )
    if part.format == "plain":
        return part.model_copy(update={"rows": _explained(bucket, part, lambda: count_rows(unpacked))})
    if part.format == "binary":
        _explained(bucket, part, lambda: see_whole(unpacked))
        return part
    with Child([tools.pg_restore, "--file=/dev/null"], stdin=True) as reader:
        feed(reader, unpacked)
        reader.finish(check=watch.check)
    return part


def verify_rows(bucket: Bucket, parts: list[Part], tables: tuple[str, ...], content: Fingerprint) -> None:
    """Together they have as many rows as the tables had in the same snapshot. Raises ArchiveDamaged."""
    expected, found = sum(content.tables[name].rows for name in tables), sum(part.rows or 0 for part in parts)
    if found != expected:
        places = ", ".join(bucket.place(part.key) for part in parts)
        raise ArchiveDamaged(
            f"{places} has {found:,} rows where {', '.join(tables)} had {expected:,}. There is no backup."
        )


def _explained(bucket: Bucket, part: Part, read: Callable[[], Found]) -> Found:
    try:
        return read()
    except RowsRefused as error:
        raise ArchiveDamaged(f"{bucket.place(part.key)} cannot be restored. {error} There is no backup.") from error
