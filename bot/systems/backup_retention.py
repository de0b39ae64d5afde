"""Which backups may go: whole ones that are too old, and what unfinished ones have left. Pure: looks at nothing itself.

A half-deleted backup must never look like a backup, so a manifest goes before the parts that it describes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Literal
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict

from bot.systems.bucket_contents import Moment, StoredVersion
from bot.systems.dumps.manifest import MANIFEST_SUFFIX, Manifest
from bot.systems.kept_databases import KEPT, is_kept_name
from bot.systems.local_dumps import PLAIN_DUMP, LocalDump
from bot.words import show_size

COMPARED = 5
OUR_KEY = r"[0-9]{8}T[0-9]{6}Z_[^/]+"


class Disposable(BaseModel):
    """Something that may go as a whole: every version of each of its objects, the manifest's before the parts'."""

    model_config = ConfigDict(frozen=True)
    key: str
    kind: Literal["backup", "final archive", "plain dump", "unfinished backup"]
    made_at: Moment
    versions: tuple[StoredVersion, ...]

    @property
    def size_bytes(self) -> int:
        """What deleting it frees."""
        return sum(version.size_bytes for version in self.versions)


@dataclass(frozen=True)
class Rules:
    """How long things are kept, whatever else is true of them."""

    retention: timedelta
    keep_at_least: int
    unfinished_after: timedelta


def choose_disposable(
    database: str, prefix: str, manifests: Sequence[Manifest], versions: Iterable[StoredVersion], rules: Rules,
    now: datetime,
) -> list[Disposable]:  # fmt: skip
    """What may go from under a prefix, the oldest first; nothing while there is no verified backup of the database.

    `manifests` are all that can be read there, `versions` everything that lies there. The newest verified backups
    are never among them, nor is anything that a verified backup is not newer than, nor what others put there.
    """
    verified = sort_verified(manifests, database)
    if not verified:
        return []
    groups = _group(versions, prefix)
    limit = min(now - rules.retention, verified[0].snapshot_at)
    kept = {manifest.key for manifest in verified[: rules.keep_at_least]}
    old = [
        _dispose(groups, manifest.key, "backup" if manifest.source.database == database else "final archive",
                 manifest.snapshot_at)
        for manifest in manifests
        if manifest.key not in kept and manifest.snapshot_at < limit and _is_of(manifest, database)
    ]  # fmt: skip
    rest = _list_plain(groups, prefix, database, limit) + _list_unfinished(
        groups, prefix, database, min(now - rules.unfinished_after, verified[0].snapshot_at)
    )
    return sorted((one for one in [*old, *rest] if one.versions), key=lambda one: one.made_at)


def choose_local(
    dumps: Sequence[LocalDump], retention: timedelta, verified_at: datetime, now: datetime
) -> list[LocalDump]:
    """Local dumps (the newest first) that may go: too old, older than a verified backup, and not the newest."""
    limit = min(now - retention, verified_at)
    return [dump for dump in dumps[1:] if dump.changed_at < limit]


def is_part(key: str, prefix: str, database: str) -> bool:
    """Whether an object's key is that of a part of a backup, or of a final archive, of the database."""
    return re.fullmatch(f"{_own_key(prefix, database)}/.+", key) is not None


def sort_verified(manifests: Iterable[Manifest], database: str) -> list[Manifest]:
    """The verified backups of a database itself, the newest first."""
    own = (manifest for manifest in manifests if manifest.source.database == database)
    return sorted(own, key=lambda manifest: manifest.snapshot_at, reverse=True)


def find_drop(verified: Sequence[Manifest], percent: int) -> str | None:
    """In words, whether the newest backup is smaller than the median of those before it by more than `percent`."""
    before = [manifest.size_bytes for manifest in verified[1 : 1 + COMPARED]]
    if not before:
        return None
    usual, newest = median(before), verified[0]
    if newest.size_bytes >= usual * (100 - percent) / 100:
        return None
    return (
        f"the newest backup, {newest.key}, has {show_size(newest.size_bytes)}, those before it "
        f"{show_size(round(usual))} (median of {len(before)}): data may be missing"
    )


def _is_of(manifest: Manifest, database: str) -> bool:
    return manifest.source.database == database or is_kept_name(database, manifest.source.database)


def _group(versions: Iterable[StoredVersion], prefix: str) -> dict[str, list[StoredVersion]]:
    """By the key of the backup that they would belong to; a lone object by its own."""
    groups: dict[str, list[StoredVersion]] = {}
    for version in versions:
        folder, slash, _ = version.key.removeprefix(prefix).partition("/")
        key = prefix + (folder if slash else folder.removesuffix(MANIFEST_SUFFIX))
        groups.setdefault(key, []).append(version)
    return groups


def _dispose(
    groups: dict[str, list[StoredVersion]], key: str, kind: Literal["backup", "final archive", "unfinished backup"],
    made_at: datetime,
) -> Disposable:  # fmt: skip
    versions = sorted(groups.get(key, []), key=lambda version: not _is_manifest(version))
    return Disposable(key=key, kind=kind, made_at=made_at, versions=tuple(versions))


def _list_plain(
    groups: dict[str, list[StoredVersion]], prefix: str, database: str, limit: datetime
) -> list[Disposable]:
    """What the document's script has stored."""
    pattern = re.compile(rf"{re.escape(prefix + database)}_{PLAIN_DUMP}")
    return [
        Disposable(key=key, kind="plain dump", made_at=made_at, versions=tuple(versions))
        for key, versions in groups.items()
        if pattern.fullmatch(key) and (made_at := max(version.stored_at for version in versions)) < limit
    ]


def _list_unfinished(
    groups: dict[str, list[StoredVersion]], prefix: str, database: str, limit: datetime
) -> list[Disposable]:
    """Parts that no manifest describes or ever did, not even one that somebody has deleted and may want back."""
    pattern = re.compile(_own_key(prefix, database))
    return [
        _dispose(groups, key, "unfinished backup", made_at)
        for key, versions in groups.items()
        if pattern.fullmatch(key)
        and not any(_is_manifest(version) for version in versions)
        and (made_at := max(version.stored_at for version in versions)) < limit
    ]


def _own_key(prefix: str, database: str) -> str:
    """A pattern of the keys that backups of the database and of what is kept of it have."""
    return f"{re.escape(prefix + quote(database, safe=''))}(_{KEPT}[0-9]+)?_{OUR_KEY}"


def _is_manifest(version: StoredVersion) -> bool:
    return version.key.endswith(MANIFEST_SUFFIX)
