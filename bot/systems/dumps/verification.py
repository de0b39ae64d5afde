"""Reading a part back from S3 to its end, as a restore would: a backup is one only after that."""

from __future__ import annotations

from collections.abc import Iterator

from bot.systems.archives import Bucket, Stored
from bot.systems.client_tools import ClientTools
from bot.systems.dumps.manifest import Part
from bot.systems.dumps.pouring import RowsRefused, count_rows
from bot.systems.dumps.streams import ArchiveDamaged, feed, unpack
from bot.systems.dumps.watch import Watch
from bot.systems.fingerprints import Fingerprint
from bot.systems.processes import Child


def verify_part(bucket: Bucket, part: Part, tools: ClientTools, watch: Watch) -> Part:
    """Checksum, compression, and every entry as pg_restore reads it, or every row as it would be loaded.

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
        return part.model_copy(update={"rows": _count_rows(unpacked, bucket.place(part.key))})
    with Child([tools.pg_restore, "--file=/dev/null"], stdin=True) as reader:
        feed(reader, unpacked)
        reader.finish(check=watch.check)
    return part


def verify_rows(bucket: Bucket, part: Part, tables: tuple[str, ...], content: Fingerprint) -> None:
    """What was read back has as many rows as the tables had in the same snapshot. Raises ArchiveDamaged."""
    expected = sum(content.tables[name].rows for name in tables)
    if part.rows != expected:
        raise ArchiveDamaged(
            f"{bucket.place(part.key)} has {part.rows:,} rows where {', '.join(tables)} had {expected:,}. "
            "There is no backup."
        )


def _count_rows(unpacked: Iterator[bytes], place: str) -> int:
    try:
        return count_rows(unpacked)
    except RowsRefused as error:
        raise ArchiveDamaged(f"{place} cannot be restored. {error} There is no backup.") from error
