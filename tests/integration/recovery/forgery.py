"""Backups that something has happened to since they were verified, made from a good one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta

from bot.systems.archives import Bucket
from bot.systems.dumps.manifest import Manifest, Part

Spoil = Callable[[bytes], bytes]


def forge(bucket: Bucket, good: Manifest, name: str, *, spoil: Spoil = bytes, **source: object) -> Manifest:
    """The newest backup from now on. `spoil` is done to every part of data, whose manifest still says what it was.

    The size is the one of what is there, so that only reading the part tells. `source` overrides what the manifest
    says of where it came from.
    """
    key = f"{good.key}_{name}"
    parts = tuple(
        _forge_part(bucket, part, key, spoil if part.name.startswith("data") else bytes) for part in good.parts
    )
    forged = good.model_copy(
        update={
            "key": key,
            "run": name,
            "snapshot_at": good.snapshot_at + timedelta(milliseconds=1),
            "parts": parts,
            "source": good.source.model_copy(update=source),
        }
    )
    return store_manifest(bucket, forged)


def store_manifest(bucket: Bucket, manifest: Manifest) -> Manifest:
    bucket.store(manifest.manifest_key, [manifest.model_dump_json().encode()], metadata={})
    return manifest


def flip_a_bit(content: bytes) -> bytes:
    flipped = bytearray(content)
    flipped[len(flipped) // 2] ^= 1
    return bytes(flipped)


def cut_short(content: bytes) -> bytes:
    return content[: len(content) // 2]


def leave_nothing(content: bytes) -> bytes:
    return b""


def _forge_part(bucket: Bucket, part: Part, key: str, spoil: Spoil) -> Part:
    content = bucket.read_all(bucket.find(part.key, part.version_id))
    assert hashlib.sha256(content).hexdigest() == part.sha256
    stored = bucket.store(f"{key}/{part.key.rpartition('/')[2]}", [spoil(content)], metadata={})
    update = {"key": stored.key, "version_id": stored.version_id, "size_bytes": stored.size_bytes}
    return part.model_copy(update=update)
