"""The AWS of the sandbox: moto as a server in a process of its own, with the bucket for backups."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from bot.sandbox.children import Child, http_answers, module_command, module_environment
from bot.sandbox.ports import free_port

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "traitortrack-backups"
REGION = "us-east-1"
START_DEADLINE_S = 30.0
ONE_QUICK_TRY = Config(connect_timeout=1, read_timeout=2, retries={"max_attempts": 0}, proxies={})


class Cloud:
    """moto on loopback; what is stored in it is gone when it stops."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._child = Child(
            "cloud",
            module_command("moto.server", "-H", "127.0.0.1", "-p", str(self.port)),
            log_path=directory / "cloud.log",
            env=module_environment(self.environment()),
        )

    @property
    def pid(self) -> int | None:
        """Process id of moto, None when it is down."""
        return self._child.pid

    def environment(self) -> dict[str, str]:
        """Return what boto3 needs to talk to this cloud; the keys are made up."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "sandbox",
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    def start(self) -> None:
        """Start moto and create the bucket, with versioning. Raises ChildFailed."""
        self._child.start()
        self._child.wait_until(lambda: http_answers(f"{self.url}/", timeout_s=10), "answering", START_DEADLINE_S)
        self.s3.create_bucket(Bucket=BUCKET)
        self.s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})

    def stop(self) -> None:
        """Stop moto."""
        self._child.stop(grace_s=1.0)

    @cached_property
    def s3(self) -> S3Client:
        """A client of this cloud's S3 that gives up after a second or two."""
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="sandbox",
            aws_secret_access_key="sandbox",  # noqa: S106 (moto asks for any)
            config=ONE_QUICK_TRY,
        )
