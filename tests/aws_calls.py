"""Whoever calls AWS has declared it: calls of the bots under test, against what their actions and checks declare."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.client import BaseClient

from bot.diagnostics.check import Check, all_checks
from bot.recovery.registry import all_actions

RECORDER = Path(__file__).parent / "aws_recorder"
FILE = "TEST_AWS_CALLS"

# What IAM calls an operation of S3, where that is not its own name (Service Authorization Reference, Amazon S3).
S3_RIGHTS = {
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "HeadBucket": "ListBucket",
    "ListObjectVersions": "ListBucketVersions",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListParts": "ListMultipartUploadParts",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "HeadObject": "GetObject",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "CompleteMultipartUpload": "PutObject",
}
IAM_SERVICES = {"elbv2": "elasticloadbalancing", "sesv2": "ses"}
"""What IAM calls a service, where that is not boto3's name."""
OF_A_VERSION = ("GetObject", "DeleteObject")
"""Rights of S3 that have another name where the call names a version."""


@dataclass(frozen=True)
class Call:
    """One call as it was made: by whom, and with which arguments."""

    actor: str
    service: str
    operation: str
    given: tuple[str, ...]


def list_needed(call: Call) -> Iterator[str]:
    """What IAM wants for a call. `DeleteObjects` is taken for one of versions: that is how ours makes it."""
    if call.service == "s3":
        right = S3_RIGHTS.get(call.operation, call.operation)
        if right == "DeleteObjects":
            right = "DeleteObjectVersion"
        yield f"s3:{right}Version" if right in OF_A_VERSION and "VersionId" in call.given else f"s3:{right}"
        return
    yield f"{IAM_SERVICES.get(call.service, call.service)}:{call.operation}"
    if call.service == "rds" and "Tags" in call.given:
        yield "rds:AddTagsToResource"
    if call.service == "rds" and "MonitoringRoleArn" in call.given:
        yield "iam:PassRole"
    if call.service == "sesv2" and call.operation == "SendEmail":
        yield "ses:SendRawEmail"  # ours are whole messages


def find_undeclared(calls: Sequence[Call]) -> list[str]:
    """Who needs what without having declared it."""
    declared: dict[str, tuple[str, ...]] = {
        **{f"bot.recovery.actions.{name}": action.permissions for name, action in all_actions().items()},
        **{f"bot.diagnostics.checks.{name}": check.permissions for name, check in all_checks().items()},
    }
    return sorted(
        {
            f"{call.actor} needs {right} for {call.operation}"
            for call in calls
            if call.actor
            for right in list_needed(call)
            if right not in declared.get(call.actor, ())
        }
    )


def read_calls(file: Path) -> list[Call]:
    """What has been written down so far; a line that is being written is left for later."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    facts = [json.loads(line) for line in lines if line.endswith("}")]
    return [Call(one["actor"], one["service"], one["operation"], tuple(one["given"])) for one in facts]


@contextmanager
def watch_calls(name: str) -> Iterator[set[str]]:
    """What IAM wants for the calls that are made in this process, under a name; full at the end."""
    rights: set[str] = set()
    client: Any = BaseClient
    call = client._make_api_call

    def watched(self: Any, operation: str, arguments: dict[str, Any]) -> Any:
        made = Call(name, self.meta.service_model.service_name, operation, tuple(arguments))
        rights.update(list_needed(made))
        return call(self, operation, arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "_make_api_call", watched)
        yield rights


@contextmanager
def watch_check(check: Check) -> Iterator[set[str]]:
    """The same for a check."""
    with watch_calls(check.name) as rights:
        yield rights


@pytest.fixture(scope="session")
def aws_calls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the calls of every bot that is started from now on are written down."""
    file = tmp_path_factory.mktemp("aws") / "calls.jsonl"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FILE, str(file))
        patch.setenv("PYTHONPATH", str(RECORDER), prepend=os.pathsep)
        yield file


@pytest.fixture(scope="module", autouse=True)
def _declared_calls(aws_calls: Path) -> Iterator[None]:
    """Around the bots of a file: whatever they did in AWS was declared."""
    yield
    assert find_undeclared(read_calls(aws_calls)) == []
