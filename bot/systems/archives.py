"""Objects in S3 that are written once and read back exactly: streamed both ways, in bounded memory.

Needs s3:PutObject, s3:AbortMultipartUpload, s3:ListBucketMultipartUploads, s3:GetObject, s3:GetObjectVersion and
s3:ListBucket on the bucket.
"""

from __future__ import annotations

import base64
import hashlib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, TypedDict

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, IncompleteReadError
from urllib3.exceptions import HTTPError

from bot.systems.aws import open_client
from bot.systems.outcomes import SystemFailed, SystemRefused

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.literals import StorageClassType
    from mypy_boto3_s3.type_defs import (
        CompletedPartTypeDef,
        GetObjectRequestTypeDef,
        HeadObjectRequestTypeDef,
    )

# S3 takes parts of 5 MiB or more, 10,000 at most: they grow with the object, so that 150 GB fit. One is sent while the
# next is filled: several uploads at a time stay small together.
PART_BYTES = 5 * 1024 * 1024
PARTS_OF_ONE_SIZE = 2_000
PARTS_IN_FLIGHT = 1
READ_BYTES = 1024 * 1024
READ_ATTEMPTS = 5


class _Free(TypedDict, total=False):
    IfNoneMatch: str


class ArchiveExists(SystemRefused):
    """Something is stored under that key already, and what is stored is never overwritten."""

    def __init__(self, place: str) -> None:
        super().__init__(f"{place} exists already and is never overwritten. Nothing was stored.")


class ArchiveVanished(SystemFailed):
    """The object, or the version of it that was meant, is not there any more."""

    def __init__(self, place: str) -> None:
        super().__init__(f"{place} is not in the bucket any more. Choose another backup, or undelete its version.")


class StorageUnavailable(SystemFailed):
    """S3 did not do what was asked, for a reason that is not about the object: rights, network, bucket."""


@dataclass(frozen=True)
class Stored:
    """One object as it is stored; `version_id` is None where the bucket keeps no versions. Time in UTC."""

    key: str
    version_id: str | None
    size_bytes: int
    stored_at: datetime | None = None
    metadata: Mapping[str, str] | None = None


class Bucket:
    """One S3 bucket, reached with a boto3 client. Safe to use from several threads."""

    def __init__(self, client: S3Client, name: str) -> None:
        self._client, self.name = client, name

    def place(self, key: str) -> str:
        """How an object is named to people: s3://bucket/key."""
        return f"s3://{self.name}/{key}"

    def store(
        self,
        key: str,
        chunks: Iterable[bytes],
        *,
        metadata: Mapping[str, str],
        storage_class: StorageClassType = "STANDARD",
        over: bool = False,
    ) -> Stored:
        """Store a stream of any length under a key that must be free, in about 15 MB of memory.

        `over`: under a key that something else may be stored under, which a bucket with versions keeps.

        Every part carries its SHA-256, which S3 checks. An upload that does not come to its end is aborted and leaves
        nothing. Raises ArchiveExists, StorageUnavailable, and whatever `chunks` raises.
        """
        parts = _cut(chunks)
        head = list(islice(parts, 2))
        try:
            if len(head) < 2:
                return self._put(key, b"".join(head), metadata, storage_class, over)
            return self._store_parts(key, _chain(head, parts), metadata, storage_class, over)
        except (ClientError, BotoCoreError) as error:
            raise self._explain(key, error) from error

    def read(self, stored: Stored) -> Iterator[bytes]:
        """The object's bytes in order, about 1 MB at a time; a connection that breaks is taken up where it broke.

        Raises ArchiveVanished or StorageUnavailable.
        """
        position, attempts = 0, 0
        while position < stored.size_bytes:
            try:
                for chunk in self._read_from(stored, position):
                    position, attempts = position + len(chunk), 0
                    yield chunk
            except (HTTPError, HTTPClientError, IncompleteReadError) as error:
                attempts += 1
                if attempts == READ_ATTEMPTS:
                    raise self._explain(stored.key, error) from error
            except (ClientError, BotoCoreError) as error:
                raise self._explain(stored.key, error) from error

    def read_all(self, stored: Stored) -> bytes:
        """A small object as a whole. Raises ArchiveVanished or StorageUnavailable."""
        return b"".join(self.read(stored))

    def find(self, key: str, version_id: str | None = None) -> Stored:
        """The object as it is stored now, or one version of it. Raises ArchiveVanished or StorageUnavailable."""
        request: HeadObjectRequestTypeDef = {"Bucket": self.name, "Key": key}
        if version_id is not None:
            request["VersionId"] = version_id
        try:
            head = self._client.head_object(**request)
        except (ClientError, BotoCoreError) as error:
            raise self._explain(key, error) from error
        return Stored(key, head.get("VersionId"), head["ContentLength"], head["LastModified"], head["Metadata"])

    def list_objects(self, prefix: str) -> Iterator[Stored]:
        """Objects right under a prefix, as in a directory; deeper ones as one entry of their directory, ending in /."""
        pages = self._client.get_paginator("list_objects_v2")
        try:
            for page in pages.paginate(Bucket=self.name, Prefix=prefix, Delimiter="/"):
                for item in page.get("Contents", []):
                    yield Stored(item["Key"], None, item["Size"], item["LastModified"].astimezone(UTC))
                for folder in page.get("CommonPrefixes", []):
                    yield Stored(folder["Prefix"], None, 0)
        except (ClientError, BotoCoreError) as error:
            raise self._explain(prefix, error) from error

    def abort_uploads(self, prefix: str, *, containing: str) -> int:
        """Drop the unfinished uploads under a prefix whose key contains a text; how many there were.

        What a killed process began is invisible in listings and paid for all the same.
        """
        try:
            listed = self._client.list_multipart_uploads(Bucket=self.name, Prefix=prefix)
            left = [upload for upload in listed.get("Uploads", []) if containing in upload["Key"]]
            for upload in left:
                self._client.abort_multipart_upload(Bucket=self.name, Key=upload["Key"], UploadId=upload["UploadId"])
        except (ClientError, BotoCoreError) as error:
            raise self._explain(prefix, error) from error
        return len(left)

    def keeps_versions(self) -> bool | None:
        """Whether what is written over or deleted stays as a version; None where we may not see that.

        Needs s3:GetBucketVersioning. Raises StorageUnavailable.
        """
        try:
            return self._client.get_bucket_versioning(Bucket=self.name).get("Status") == "Enabled"
        except (ClientError, BotoCoreError) as error:
            if isinstance(error, ClientError) and error.response["Error"].get("Code") == "AccessDenied":
                return None
            raise self._explain("", error) from error

    def _put(
        self, key: str, body: bytes, metadata: Mapping[str, str], storage_class: StorageClassType, over: bool
    ) -> Stored:
        free: _Free = {} if over else {"IfNoneMatch": "*"}
        answer = self._client.put_object(
            Bucket=self.name,
            Key=key,
            Body=body,
            **free,
            ChecksumSHA256=base64.b64encode(hashlib.sha256(body).digest()).decode(),
            Metadata=dict(metadata),
            StorageClass=storage_class,
        )
        return Stored(key, answer.get("VersionId"), len(body))

    def _store_parts(
        self,
        key: str,
        parts: Iterator[bytes],
        metadata: Mapping[str, str],
        storage_class: StorageClassType,
        over: bool,
    ) -> Stored:
        free: _Free = {} if over else {"IfNoneMatch": "*"}
        upload_id = self._client.create_multipart_upload(
            Bucket=self.name,
            Key=key,
            ChecksumAlgorithm="SHA256",
            Metadata=dict(metadata),
            StorageClass=storage_class,
        )["UploadId"]
        try:
            size_bytes, sent = self._send_parts(key, upload_id, parts)
            answer = self._client.complete_multipart_upload(
                Bucket=self.name,
                Key=key,
                UploadId=upload_id,
                MultipartUpload={"Parts": sent},
                **free,
            )
        except BaseException:
            # Whatever stops the upload, what was sent must not lie there unseen and be paid for.
            self._client.abort_multipart_upload(Bucket=self.name, Key=key, UploadId=upload_id)
            raise
        return Stored(key, answer.get("VersionId"), size_bytes)

    def _send_parts(self, key: str, upload_id: str, parts: Iterator[bytes]) -> tuple[int, list[CompletedPartTypeDef]]:
        size_bytes = 0
        sent: list[CompletedPartTypeDef] = []
        waiting: deque[Future[CompletedPartTypeDef]] = deque()
        with ThreadPoolExecutor(PARTS_IN_FLIGHT, thread_name_prefix="upload") as senders:
            for number, part in enumerate(parts, start=1):
                if len(waiting) == PARTS_IN_FLIGHT:
                    sent.append(waiting.popleft().result())
                size_bytes += len(part)
                waiting.append(senders.submit(self._send_part, key, upload_id, number, part))
            sent.extend(future.result() for future in waiting)
        return size_bytes, sent

    def _send_part(self, key: str, upload_id: str, number: int, part: bytes) -> CompletedPartTypeDef:
        checksum = base64.b64encode(hashlib.sha256(part).digest()).decode()
        answer = self._client.upload_part(
            Bucket=self.name, Key=key, UploadId=upload_id, PartNumber=number, Body=part, ChecksumSHA256=checksum
        )
        return {"PartNumber": number, "ETag": answer["ETag"], "ChecksumSHA256": checksum}

    def _read_from(self, stored: Stored, position: int) -> Iterator[bytes]:
        request: GetObjectRequestTypeDef = {"Bucket": self.name, "Key": stored.key}
        if stored.version_id is not None:
            request["VersionId"] = stored.version_id
        if position:
            request["Range"] = f"bytes={position}-"
        answer = self._client.get_object(**request)
        with closing(answer["Body"]) as body:
            yield from body.iter_chunks(READ_BYTES)

    def _explain(self, key: str, error: Exception) -> SystemFailed | SystemRefused:
        code = error.response["Error"].get("Code", "") if isinstance(error, ClientError) else ""
        if code in ("PreconditionFailed", "ConditionalRequestConflict"):
            return ArchiveExists(self.place(key))
        if code in ("NoSuchKey", "NoSuchVersion", "404", "MethodNotAllowed"):
            return ArchiveVanished(self.place(key))
        return StorageUnavailable(f"{self.place(key)} cannot be reached: {error}")


def _cut(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Parts for S3 from chunks of any size: all but the last are as large as they must be."""
    collected: list[bytes] = []
    size_bytes = number = 0
    for chunk in chunks:
        collected.append(chunk)
        size_bytes += len(chunk)
        if size_bytes >= PART_BYTES * (1 + number // PARTS_OF_ONE_SIZE):
            yield _take_all(collected)
            size_bytes, number = 0, number + 1
    if collected:
        yield _take_all(collected)


def _take_all(collected: list[bytes]) -> bytes:
    """Whoever gave a part away must not hold it in memory any more: hence emptied before, not after."""
    joined = b"".join(collected)
    collected.clear()
    return joined


def _chain(head: list[bytes], rest: Iterator[bytes]) -> Iterator[bytes]:
    while head:
        yield head.pop(0)
    yield from rest


def open_bucket(name: str, region: str) -> Bucket:
    """The bucket as boto3 reaches it: endpoint and credentials come from its own environment variables."""
    return Bucket(open_client("s3", region_name=region), name)
