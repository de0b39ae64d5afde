"""What really lies in an S3 bucket, hidden versions and unfinished uploads too, and deleting exactly that.

Needs s3:ListBucketVersions, s3:DeleteObjectVersion, s3:ListBucketMultipartUploads and s3:AbortMultipartUpload.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, TypeAlias

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import AfterValidator, BaseModel, ConfigDict

from bot.systems.archives import StorageUnavailable
from bot.systems.aws import open_client
from bot.systems.outcomes import SystemCancelled, SystemFailed

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

DELETED_AT_ONCE = 1000  # the most that one DeleteObjects takes

Moment: TypeAlias = Annotated[datetime, AfterValidator(lambda moment: moment.astimezone(UTC))]


class StoredVersion(BaseModel):
    """One version of an object, or a delete marker. `version_id` is "null" where the bucket keeps no versions."""

    model_config = ConfigDict(frozen=True)
    key: str
    version_id: str
    size_bytes: int
    stored_at: Moment
    marker: bool = False
    newest: bool = True


class UnfinishedUpload(BaseModel):
    """A multipart upload that was begun and neither completed nor aborted: not in any listing, and paid for."""

    model_config = ConfigDict(frozen=True)
    key: str
    upload_id: str
    begun_at: Moment


class DeletionFailed(SystemFailed):
    """S3 did not delete some of what was meant: the message names the first, and how many are left."""


class BucketContents:
    """One bucket, reached with a boto3 client."""

    def __init__(self, client: S3Client, name: str) -> None:
        self._client, self.name = client, name

    def list_versions(self, prefix: str) -> list[StoredVersion]:
        """Every version and delete marker under a prefix, by key. Raises StorageUnavailable."""
        found: list[StoredVersion] = []
        with self._explained(prefix):
            for page in self._client.get_paginator("list_object_versions").paginate(Bucket=self.name, Prefix=prefix):
                found += [
                    StoredVersion(
                        key=item["Key"], version_id=item["VersionId"], size_bytes=item["Size"],
                        stored_at=item["LastModified"], newest=item["IsLatest"],
                    ) for item in page.get("Versions", [])
                ]  # fmt: skip
                found += [
                    StoredVersion(
                        key=item["Key"], version_id=item["VersionId"], size_bytes=0,
                        stored_at=item["LastModified"], marker=True, newest=item["IsLatest"],
                    ) for item in page.get("DeleteMarkers", [])
                ]  # fmt: skip
        return sorted(found, key=lambda version: (version.key, version.stored_at))

    def delete_versions(self, versions: Sequence[StoredVersion], cancelled: Callable[[], bool]) -> None:
        """Delete exactly these versions for good, in this order; one that is gone already is no error.

        Raises DeletionFailed, StorageUnavailable or SystemCancelled; what came before stays deleted.
        """
        for start in range(0, len(versions), DELETED_AT_ONCE):
            if cancelled():
                raise SystemCancelled("Stopped between two requests to S3.")
            self._delete(versions[start : start + DELETED_AT_ONCE])

    def list_uploads(self, prefix: str) -> list[UnfinishedUpload]:
        """Every unfinished upload under a prefix. Raises StorageUnavailable."""
        with self._explained(prefix):
            pages = self._client.get_paginator("list_multipart_uploads").paginate(Bucket=self.name, Prefix=prefix)
            return [
                UnfinishedUpload(key=item["Key"], upload_id=item["UploadId"], begun_at=item["Initiated"])
                for page in pages
                for item in page.get("Uploads", [])
            ]

    def abort_upload(self, upload: UnfinishedUpload) -> None:
        """Drop what was sent of it; one that is gone already is no error. Raises StorageUnavailable."""
        with self._explained(upload.key):
            try:
                self._client.abort_multipart_upload(Bucket=self.name, Key=upload.key, UploadId=upload.upload_id)
            except self._client.exceptions.NoSuchUpload:
                return

    def _delete(self, versions: Sequence[StoredVersion]) -> None:
        objects: list[ObjectIdentifierTypeDef] = [
            {"Key": version.key, "VersionId": version.version_id} for version in versions
        ]
        with self._explained(versions[0].key):
            answer = self._client.delete_objects(Bucket=self.name, Delete={"Objects": objects, "Quiet": True})
        if errors := answer.get("Errors", []):
            first = errors[0]
            raise DeletionFailed(
                f"s3://{self.name}/{first.get('Key')} was not deleted: {first.get('Message') or first.get('Code')}.",
                f"{len(errors)} of these {len(objects)} versions are still there.",
                "Look at the bucket's policy, object lock and MFA delete.",
            )

    @contextmanager
    def _explained(self, key: str) -> Iterator[None]:
        try:
            yield
        except (ClientError, BotoCoreError) as error:
            raise StorageUnavailable(f"s3://{self.name}/{key} cannot be reached: {error}") from error


def open_contents(name: str, region: str) -> BucketContents:
    """The bucket as boto3 reaches it: endpoint and credentials come from its own environment variables."""
    return BucketContents(open_client("s3", region_name=region), name)
