"""Backups that were taken long ago, as far as anybody can tell."""

from __future__ import annotations

from datetime import timedelta

from bot.sandbox.cloud import BUCKET
from bot.sandbox.stage import DATABASE
from bot.systems.dumps.manifest import Manifest
from tests.integration.recovery.forgery import store_manifest
from tests.stage_fixtures import PREFIX, SharedStage


def store_old(shared: SharedStage, days: float, *, of: str = DATABASE, size: float = 1.0) -> Manifest:
    """A whole backup, so many days older than the baseline, with `size` times its bytes; negative days are younger."""
    good = shared.baseline
    moment = good.snapshot_at - timedelta(days=days)
    key = f"{PREFIX}{of}_{moment:%Y%m%dT%H%M%SZ}_old"
    parts = []
    for part in good.parts:
        content = shared.bucket.read_all(shared.bucket.find(part.key, part.version_id))
        content = content[: int(len(content) * size)]
        stored = shared.bucket.store(f"{key}/{part.key.rpartition('/')[2]}", [content], metadata={})
        parts.append(
            part.model_copy(update={"key": stored.key, "version_id": stored.version_id, "size_bytes": len(content)})
        )
    source = good.source.model_copy(update={"database": of})
    update = {"key": key, "run": "old", "snapshot_at": moment, "parts": tuple(parts), "source": source}
    return store_manifest(shared.bucket, good.model_copy(update=update))


def list_keys(shared: SharedStage) -> set[str]:
    """Keys of everything in the bucket, hidden versions and delete markers too."""
    pages = shared.stage.cloud.s3.get_paginator("list_object_versions").paginate(Bucket=BUCKET)
    return {
        entry["Key"] for page in pages for entry in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
    }  # fmt: skip


def keys_of(manifest: Manifest) -> set[str]:
    """What belongs to a backup."""
    return {manifest.manifest_key, *(part.key for part in manifest.parts)}
