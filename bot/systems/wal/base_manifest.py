"""What a base backup is: one object in S3, and from where to where in the log it needs. Written beside it, once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel, ConfigDict, ValidationError

from bot.systems.archives import Bucket, Stored
from bot.systems.dumps.streams import ArchiveDamaged
from bot.systems.wal.segments import Segment, segment_at

MANIFEST_SUFFIX = ".manifest.json"


class BaseManifest(BaseModel):
    """One base backup: a tar of the whole server, compressed with zstd, without its log. Times UTC.

    Recovery starts at `begin` and is consistent from `end` on; `ended_at` is after that, by the server's clock.
    `superuser` is the name of the role that initdb made. `sha256` is of the object, in hex.
    """

    model_config = ConfigDict(frozen=True)
    schema_version: int = 1
    key: str
    run: str
    system_identifier: int
    server_version: str
    server_major: int
    superuser: str
    timeline: int
    segment_bytes: int
    begin: int
    end: int
    started_at: datetime
    ended_at: datetime
    verified_at: datetime
    version_id: str | None
    size_bytes: int
    tar_bytes: int
    files: int
    sha256: str

    @property
    def stored(self) -> Stored:
        """The object, in the version that was read back."""
        return Stored(self.object_key, self.version_id, self.size_bytes)

    @property
    def object_key(self) -> str:
        """Where the tar is."""
        return f"{self.key}.tar.zst"

    @property
    def manifest_key(self) -> str:
        """Where this is."""
        return f"{self.key}{MANIFEST_SUFFIX}"

    @property
    def first_segment(self) -> Segment:
        """Where recovery starts to read the log."""
        return segment_at(self.timeline, self.begin, self.segment_bytes)

    @property
    def last_segment(self) -> Segment:
        """The segment without which the backup is not consistent."""
        return segment_at(self.timeline, self.end - 1, self.segment_bytes)


@dataclass(frozen=True)
class BaseListing:
    """The base backups under a prefix, the newest first, and what cannot be used, with the reason."""

    backups: tuple[BaseManifest, ...]
    unusable: tuple[str, ...]


def list_base_backups(bucket: Bucket, prefix: str) -> BaseListing:
    """Read every manifest under a prefix. Raises StorageUnavailable."""
    usable: list[BaseManifest] = []
    unusable: list[str] = []
    for stored in bucket.list_objects(prefix):
        if not stored.key.endswith(MANIFEST_SUFFIX):
            continue
        try:
            usable.append(BaseManifest.model_validate_json(bucket.read_all(stored)))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            unusable.append(f"{stored.key}: {'.'.join(map(str, first['loc']))}: {first['msg']}")
    return BaseListing(tuple(sorted(usable, key=lambda one: one.ended_at, reverse=True)), tuple(unusable))


def confirm_base_backup(bucket: Bucket, manifest: BaseManifest) -> None:
    """See that the object is still there in the version that was verified. Reads no content.

    Raises ArchiveVanished or ArchiveDamaged.
    """
    stored = bucket.find(manifest.object_key, manifest.version_id)
    if stored.size_bytes != manifest.size_bytes:
        raise ArchiveDamaged(
            f"{bucket.place(manifest.object_key)} has {stored.size_bytes:,} bytes where its manifest says "
            f"{manifest.size_bytes:,}. Choose a moment after another base backup."
        )
