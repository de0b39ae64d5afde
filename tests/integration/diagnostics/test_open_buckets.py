"""A bucket that strangers get at, by its policy or by its rights, is found however it was opened."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from bot.diagnostics.checks.backups_bucket import is_open, judge_openness
from bot.sandbox.cloud import REGION
from tests.stage_fixtures import SharedStage

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

OURS = "arn:aws:iam::123456789012:root"


@pytest.fixture
def bucket(shared_stage: SharedStage, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[S3Client, str]]:
    for name, value in shared_stage.stage.cloud.environment().items():
        monkeypatch.setenv(name, value)
    client = boto3.client("s3", region_name=REGION)
    client.create_bucket(Bucket="perhaps-open")
    yield client, "perhaps-open"
    client.delete_bucket(Bucket="perhaps-open")


@pytest.mark.parametrize(
    ("rights", "state"),
    [("private", None), ("public-read", "critical"), ("public-read-write", "critical"),
     ("authenticated-read", "critical"), ("log-delivery-write", None)],
)  # fmt: skip
def test_by_its_rights(bucket: tuple[S3Client, str], rights: Any, state: str | None) -> None:
    client, name = bucket
    client.put_bucket_acl(Bucket=name, ACL=rights)
    points = list(judge_openness(name, client))
    assert [(one.state, one.signs) for one in points] == ([(state, ("exposed",))] if state else [])


@pytest.mark.parametrize(
    ("principal", "open_to_all"),
    [("*", True), ({"AWS": "*"}, True), ({"AWS": ["*"]}, True), ({"AWS": [OURS, "*"]}, True), ({"AWS": OURS}, False),
     ({"AWS": [OURS]}, False), ({"Service": "logging.s3.amazonaws.com"}, False), (None, False)],
)  # fmt: skip
def test_by_its_policy(principal: object, open_to_all: bool) -> None:
    rule = {"Effect": "Allow", "Principal": principal, "Action": "s3:GetObject"}
    for statement in ([rule], rule, [{**rule, "Principal": {"AWS": OURS}}, rule]):
        assert is_open(json.dumps({"Statement": statement})) is open_to_all
    for harmless in ({**rule, "Effect": "Deny"}, {**rule, "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}):
        assert not is_open(json.dumps({"Statement": [harmless]}))
