"""The bucket of the backups: is it there, does it keep versions, was something deleted, is the newest whole?

(Document: Manual Backups, whose only copy is what lies in this bucket.)
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

from bot.diagnostics.check import Surroundings
from bot.diagnostics.points import Point, PointCheck
from bot.store.documents import Suggestion
from bot.systems.archives import ArchiveVanished, open_bucket
from bot.systems.aws import READING, AwsRefused, ask, open_client
from bot.systems.dumps.listing import confirm_backup
from bot.systems.dumps.streams import ArchiveDamaged
from bot.words import show_count, show_duration

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import DeleteMarkerEntryTypeDef

T = TypeVar("T")
SHOWN = 3
EVERYBODY = ("/AllUsers", "/AuthenticatedUsers")
FEWEST_DAYS = 30
"""What is deleted sooner than that is deleted before anybody misses it."""
GONE = "NoSuchBucket"


class BackupsBucket(PointCheck):
    name = "backups_bucket"
    title = "Bucket of the backups"
    scope = "backups"
    once = False
    permissions = ("s3:GetBucketVersioning", "s3:GetBucketPolicy", "s3:GetBucketAcl", "s3:GetLifecycleConfiguration",
                    "s3:ListBucket", "s3:ListBucketVersions", "s3:GetObject",
                   "s3:GetObjectVersion")  # fmt: skip
    timeout_s = 30.0

    def look(self, surroundings: Surroundings) -> Iterator[Point]:
        place = surroundings.settings.backups
        client = open_client("s3", region_name=place.region, config=READING)
        try:
            answer = ask("see whether it keeps versions", lambda: client.get_bucket_versioning(Bucket=place.bucket))
        except AwsRefused as refusal:
            if refusal.code != GONE:
                raise
            words = f"The bucket {place.bucket} does not exist: there are no backups at all."
            yield Point("critical", words, signs=("backups gone",), normal="It is there.")
            return
        yield _judge_versions(place.bucket, answer.get("Status", "never switched on"))
        yield from judge_openness(place.bucket, client)
        page = ask(
            f"list what was deleted in {place.bucket}",
            lambda: client.list_object_versions(Bucket=place.bucket, Prefix=place.prefix, MaxKeys=1000),
        )
        yield from _judge_deleted(surroundings, page.get("DeleteMarkers", []))
        yield from _look_at_newest(surroundings)


def _judge_versions(bucket: str, status: str) -> Point:
    if status == "Enabled":
        return Point("ok", f"{bucket} keeps versions.")
    words = f"{bucket} keeps no versions ({status}): what is deleted or overwritten is gone for good."
    return Point("warning", words, signs=("backups at risk",), normal="It keeps versions.")


def judge_openness(bucket: str, client: S3Client) -> Iterator[Point]:
    """Whether everybody may read it, by its policy or its rights; and what makes backups vanish by themselves."""
    rules = _ask_if_any(f"read the policy of {bucket}", lambda: client.get_bucket_policy(Bucket=bucket)["Policy"])
    grants = _ask_if_any(f"read the rights on {bucket}", lambda: client.get_bucket_acl(Bucket=bucket)["Grants"]) or []
    if is_open(rules or "{}") or any(one.get("Grantee", {}).get("URI", "").endswith(EVERYBODY) for one in grants):
        words = f"Everybody may get at {bucket}: backups hold every row that there is. Take the public rights away."
        yield Point("critical", words, signs=("exposed",), normal="Nobody from outside may read it.")
    lives = _ask_if_any(
        f"read the lifecycle of {bucket}", lambda: client.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    )
    for rule in lives or []:
        days = rule.get("Expiration", {}).get("Days")
        if rule.get("Status") == "Enabled" and days is not None and days < FEWEST_DAYS:
            words = f"A lifecycle rule of {bucket} deletes what is {days} days old ({rule.get('ID', 'no name')})."
            yield Point("warning", words, signs=("backups at risk",), normal="Backups are deleted by Prune alone.")


def is_open(policy: str) -> bool:
    """Whether a bucket's policy lets everybody do something, without a condition."""
    found = json.loads(policy).get("Statement", [])
    statements = [found] if isinstance(found, dict) else found  # one may stand by itself
    allowed = [one for one in statements if one.get("Effect") == "Allow" and "Condition" not in one]
    return any(_is_everybody(one.get("Principal")) for one in allowed)


def _is_everybody(principal: object) -> bool:
    """Written in any of the ways that IAM takes, also among others."""
    named = principal.get("AWS") if isinstance(principal, dict) else principal
    return "*" in (named if isinstance(named, list) else [named])


def _ask_if_any(what: str, call: Callable[[], T]) -> T | None:
    """None where there is no such thing, or the bot may not look: the rest is worth knowing all the same."""
    try:
        return ask(what, call)
    except AwsRefused:
        return None


def _judge_deleted(surroundings: Surroundings, markers: list[DeleteMarkerEntryTypeDef]) -> Iterator[Point]:
    """Ours are deleted for good, by version; a marker is what somebody else leaves."""
    latest = [one for one in markers if one.get("IsLatest")]
    if not latest:
        return
    newest = max(latest, key=lambda one: one["LastModified"])
    age = show_duration(surroundings.now() - newest["LastModified"])
    names = ", ".join(str(one["Key"]) for one in latest[:SHOWN])
    deleted = show_count(len(latest), "object of the backups was", "objects of the backups were")
    words = f"{deleted} deleted, the last {age} ago ({names}); their versions are there still: removing the delete "
    words += "markers brings them back."
    yield Point("critical", words, signs=("backups gone",), normal="Backups are deleted by Prune alone.")


def _look_at_newest(surroundings: Surroundings) -> Iterator[Point]:
    newest = surroundings.baseline()
    if newest is None:
        return  # told by the check of the verified backups
    place = surroundings.settings.backups
    take = Suggestion(action="back_up_database", label="Back up now", parameters={"database": surroundings.database})
    try:
        confirm_backup(open_bucket(place.bucket, place.region), newest)
    except (ArchiveVanished, ArchiveDamaged) as error:
        yield Point("critical", f"The newest backup is not whole: {error.reason}", (take,), ("backups gone",))
        return
    yield Point("ok", f"Every part of the newest backup is there ({len(newest.parts)}).")


CHECK = BackupsBucket()
