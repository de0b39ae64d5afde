"""The backups that a database has from its first day.

A verified one, which what is there later is compared with, and a base backup, without which no moment can be restored.
"""

from __future__ import annotations

import logging
import subprocess
from collections.abc import Mapping

import boto3

from bot.outcome import Failed, Refused
from bot.policy import Policy
from bot.sandbox.children import module_command, module_environment
from bot.sandbox.postgres_cluster import RECOVERY_ROLE
from bot.sandbox.stage import DATABASE, Stage
from bot.systems.archives import Bucket
from bot.systems.wal.base_backup import take_base_backup

log = logging.getLogger(__name__)
TAKEN_WITHIN_S = 300


def take_first_backup(own: Mapping[str, str]) -> None:
    """As a person would from the terminal, so that it stands in the ledger; `own`: the bot's environment."""
    ended = subprocess.run(
        module_command("bot", "dr", "backup"), env=module_environment(dict(own)), capture_output=True, text=True,
        timeout=TAKEN_WITHIN_S, check=False,
    )  # fmt: skip
    if ended.returncode:
        log.warning("The sandbox starts without a backup: %s", ended.stderr.strip() or ended.stdout.strip())


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
