"""Backups in a bucket: those that can be used, and everything that lies there and cannot, with the reason."""

from __future__ import annotations

import json
from dataclasses import dataclass

from pydantic import ValidationError

from bot.systems.archives import ArchiveVanished, Bucket, Stored
from bot.systems.dumps.manifest import MANIFEST_SUFFIX, Manifest
from bot.systems.dumps.streams import ArchiveDamaged


@dataclass(frozen=True)
class Unusable:
    """Something under the prefix that is no backup of ours, or not a whole one."""

    key: str
    reason: str


@dataclass(frozen=True)
class Listing:
    """What is under a prefix: usable backups, the newest first, and the rest by key."""

    backups: tuple[Manifest, ...]
    unusable: tuple[Unusable, ...]


def list_backups(bucket: Bucket, prefix: str, *, database: str | None = None) -> Listing:
    """Read every manifest under a prefix; `database` keeps only the backups of one. Raises StorageUnavailable.

    Objects that a manifest describes are not looked at here; `confirm_backup` does that for one backup.
    """
    usable: list[Manifest] = []
    unusable: list[Unusable] = []
    others: list[Stored] = []
    for stored in bucket.list_objects(prefix):
        if not stored.key.endswith(MANIFEST_SUFFIX):
            others.append(stored)
            continue
        try:
            usable.append(_read_manifest(bucket, stored))
        except (ArchiveDamaged, ArchiveVanished) as error:
            unusable.append(Unusable(stored.key, str(error)))
    described = {f"{manifest.key}/" for manifest in usable} | {
        entry.key.removesuffix(MANIFEST_SUFFIX) + "/" for entry in unusable
    }
    unusable += [_describe_other(stored) for stored in others if stored.key not in described]
    kept = [manifest for manifest in usable if database in (None, manifest.source.database)]
    kept.sort(key=lambda manifest: manifest.snapshot_at, reverse=True)
    return Listing(tuple(kept), tuple(sorted(unusable, key=lambda entry: entry.key)))


def read_manifest(bucket: Bucket, key: str) -> Manifest:
    """The manifest of one backup, by the backup's key. Raises ArchiveVanished or ArchiveDamaged."""
    return _read_manifest(bucket, bucket.find(key + MANIFEST_SUFFIX))


def confirm_backup(bucket: Bucket, manifest: Manifest) -> None:
    """See that every part is still in the bucket in the very version that was verified. Reads no content.

    Raises ArchiveVanished or ArchiveDamaged.
    """
    for part in manifest.parts:
        stored = bucket.find(part.key, part.version_id)
        if stored.size_bytes != part.size_bytes:
            raise ArchiveDamaged(
                f"{bucket.place(part.key)} has {stored.size_bytes:,} bytes where its manifest says "
                f"{part.size_bytes:,}. Choose another backup."
            )


def _read_manifest(bucket: Bucket, stored: Stored) -> Manifest:
    text = bucket.read_all(stored)
    try:
        return Manifest.model_validate_json(text)
    except ValidationError as error:
        raise ArchiveDamaged(f"{bucket.place(stored.key)} {_explain_manifest(text, error)}") from error


def _explain_manifest(text: bytes, error: ValidationError) -> str:
    try:
        found = json.loads(text)
    except ValueError:
        return "is not readable as JSON."
    if isinstance(found, dict) and found.get("schema_version") not in (None, 1, 2, 3, 4):
        return f"was written by another version of Holdfast (manifest version {found['schema_version']!r})."
    first = error.errors(include_url=False, include_input=False)[0]
    return f"is not a manifest of ours: {'.'.join(map(str, first['loc']))}: {first['msg']}."


def _describe_other(stored: Stored) -> Unusable:
    if stored.key.endswith("/"):
        return Unusable(stored.key, "parts without a manifest: a backup that was not finished, or is being taken now")
    return Unusable(stored.key, f"{stored.size_bytes:,} bytes without a manifest: not verified, content unknown")
