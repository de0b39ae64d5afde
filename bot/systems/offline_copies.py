"""The encrypted copies of the secrets in S3: a write-once object for each, and the named file that is the newest."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from bot.policy.secret_inventory import OfflineCopy
from bot.systems.aws import ACTING, READING, AwsRefused, act, ask, open_client
from bot.systems.outcomes import SystemRefused

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

MISSING = ("404", "NoSuchKey", "NoSuchBucket", "NotFound")
LARGEST_BYTES = 4 * 1024 * 1024


class CopyMissing(SystemRefused):
    """There is no copy where the policy says."""


@dataclass(frozen=True)
class Copy:
    """A copy as it lies there."""

    place: str
    stored_at: datetime
    encryption: str | None
    """How S3 encrypts it; None where it does not."""
    body: bytes = b""


class OfflineCopies:
    """Where the policy's `secrets_offline_copy` says."""

    def __init__(self, settings: OfflineCopy, region: str) -> None:
        self.settings, self.bucket = settings, settings.location.bucket
        self._reading: S3Client = open_client("s3", region_name=region, config=READING)
        self._acting: S3Client = open_client("s3", region_name=region, config=ACTING)

    @property
    def newest_key(self) -> str:
        return f"{self.settings.location.prefix}{self.settings.file}"

    def key_at(self, moment: datetime) -> str:
        """The name of a copy that stays, whatever the newest is."""
        stem, dot, ending = self.settings.file.rpartition(".")
        return f"{self.settings.location.prefix}{stem or ending}-{moment:%Y%m%dT%H%M%SZ}{dot}{ending if stem else ''}"

    def store(self, key: str, body: bytes, *, once: bool) -> None:
        """Raises AwsRefused where `once` and the key is taken, AwsUnclear where AWS did not answer."""
        checksum = base64.b64encode(hashlib.sha256(body).digest()).decode()
        free = {"IfNoneMatch": "*"} if once else {}
        act(
            f"store {key}",
            lambda: self._acting.put_object(
                Bucket=self.bucket, Key=key, Body=body, ChecksumSHA256=checksum,
                ServerSideEncryption=self.settings.server_side_encryption, **free,  # type: ignore[arg-type]
            ),
        )  # fmt: skip

    def look(self, key: str) -> Copy:
        """When it was stored, and how S3 encrypts it. Raises CopyMissing."""
        try:
            head = ask(f"look at {key}", lambda: self._reading.head_object(Bucket=self.bucket, Key=key))
        except AwsRefused as refusal:
            raise self._explain(key, refusal) from refusal
        return Copy(f"s3://{self.bucket}/{key}", head["LastModified"], head.get("ServerSideEncryption"))

    def read(self, key: str) -> Copy:
        """The same with its bytes, in memory. Raises CopyMissing."""
        try:
            found = ask(f"read {key}", lambda: self._reading.get_object(Bucket=self.bucket, Key=key))
            if found["ContentLength"] > LARGEST_BYTES:
                raise SystemRefused(f"{key} has {found['ContentLength']:,} bytes; that is no copy of secrets.")
            body = found["Body"].read()
        except AwsRefused as refusal:
            raise self._explain(key, refusal) from refusal
        return Copy(f"s3://{self.bucket}/{key}", found["LastModified"], found.get("ServerSideEncryption"), body)

    def _explain(self, key: str, refusal: AwsRefused) -> SystemRefused:
        if refusal.code not in MISSING:
            return refusal
        return CopyMissing(
            f"There is no copy of the secrets at s3://{self.bucket}/{key}.", "`holdfast secrets export` makes one."
        )
