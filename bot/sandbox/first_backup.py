"""The backups that an installation has from its first day: a verified dump, and a base to replay the log on."""

from __future__ import annotations

import logging

import boto3

from bot.outcome import Failed, Refused
from bot.policy import Policy
from bot.sandbox.postgres_cluster import RECOVERY_ROLE
from bot.sandbox.stage import DATABASE, Stage
from bot.systems.archives import Bucket
from bot.systems.dumps.backup import back_up
from bot.systems.wal.base_backup import take_base_backup

log = logging.getLogger(__name__)


def take_first_backup(stage: Stage, policy: Policy) -> None:
    """A verified dump, such as any installation has of last week: what is broken later is seen against it."""
    place = policy.databases[DATABASE].backups
    bucket = Bucket(stage.cloud.s3, place.bucket)
    try:
        back_up(stage.cluster.url(DATABASE, role=RECOVERY_ROLE), bucket, prefix=place.prefix, run="first")
    except (Refused, Failed) as error:
        log.warning("The sandbox starts without a backup: %s", error)


def take_first_base_backup(stage: Stage, policy: Policy) -> None:
    """Take it while people look around; without it the sandbox works, but for point-in-time recovery."""
    place, cloud = policy.backups.base.location, stage.cloud.environment()
    client = boto3.client(
        "s3",
        endpoint_url=stage.cloud.url,
        region_name=place.region,
        aws_access_key_id=cloud["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=cloud["AWS_SECRET_ACCESS_KEY"],
    )
    try:
        take_base_backup(
            stage.cluster.url(DATABASE, role=RECOVERY_ROLE),
            Bucket(client, place.bucket),
            prefix=place.prefix,
            run="first",
        )
    except (Refused, Failed) as error:
        log.warning("The sandbox starts without a base backup: %s", error)
