"""Where a static site is kept: a folder, or a bucket in S3. A file is replaced as a whole or not at all.

Needs s3:PutObject, s3:DeleteObject and s3:ListBucket on the bucket.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from bot.systems.aws import ACTING, READING, act, ask, open_client

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".xml": "application/atom+xml; charset=utf-8",
}
CACHE_CONTROL = "public, max-age=30"
"""Short: during an incident people look at what is true now."""
IsOurs = Callable[[str], bool]


class SitePlace(Protocol):
    """`files` by their path inside the site, in the order in which they are to appear."""

    def put(self, files: Mapping[str, bytes], is_ours: IsOurs) -> None:
        """Write what differs; remove what `is_ours` says was of this site and is none of `files` any more."""


@dataclass(frozen=True)
class SiteFolder:
    """A folder that a web server shows; made where it is missing. Raises OSError."""

    path: Path

    def put(self, files: Mapping[str, bytes], is_ours: IsOurs) -> None:
        for name, content in files.items():
            _replace(self.path / name, content)
        present = (one.relative_to(self.path).as_posix() for one in self.path.rglob("*") if one.is_file())
        for name in _list_stale(present, files, is_ours):
            (self.path / name).unlink(missing_ok=True)


class SiteBucket:
    """A folder in a bucket; `prefix` is empty or ends with a slash. Raises AwsRefused or AwsUnclear."""

    def __init__(self, bucket: str, prefix: str, region: str | None) -> None:
        self._bucket, self._prefix = bucket, prefix
        self._reading: S3Client = open_client("s3", region_name=region, config=READING)
        self._acting: S3Client = open_client("s3", region_name=region, config=ACTING)

    def put(self, files: Mapping[str, bytes], is_ours: IsOurs) -> None:
        present = ask(f"list s3://{self._bucket}/{self._prefix}", self._list)
        for name, content in files.items():
            if present.get(name) != hashlib.md5(content, usedforsecurity=False).hexdigest():
                self._put(name, content)
        for name in _list_stale(present, files, is_ours):
            self._remove(name)

    def _list(self) -> dict[str, str]:
        """Names with their ETags: of a small object that is the MD5, unless it is encrypted with a key of KMS."""
        pages = self._reading.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
        items = [item for page in pages for item in page.get("Contents", [])]
        return {item["Key"].removeprefix(self._prefix): item["ETag"].strip('"') for item in items}

    def _put(self, name: str, content: bytes) -> None:
        key = self._prefix + name
        act(
            f"store s3://{self._bucket}/{key}",
            lambda: self._acting.put_object(
                Bucket=self._bucket, Key=key, Body=content, ContentType=KINDS[Path(name).suffix],
                CacheControl=CACHE_CONTROL,
            ),
        )  # fmt: skip

    def _remove(self, name: str) -> None:
        key = self._prefix + name
        act(f"delete s3://{self._bucket}/{key}", lambda: self._acting.delete_object(Bucket=self._bucket, Key=key))


def _list_stale(present: Iterable[str], files: Mapping[str, bytes], is_ours: IsOurs) -> list[str]:
    return [name for name in present if name not in files and is_ours(name)]


def _replace(path: Path, content: bytes) -> None:
    """Readers see the old file or the new one, also after a power cut."""
    if path.is_file() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".new")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)  # the web server is somebody else
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
