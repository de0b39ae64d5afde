"""The stage with the inventory of secrets in its Secrets Manager, and the world of an action that works on both."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bot.clock import utc_now
from bot.recovery.action import World
from bot.sandbox.demo_policy import write_demo_policy
from bot.sandbox.stage import Stage
from tests.inventory import secrets_in
from tests.stage_fixtures import SharedStage

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager.client import SecretsManagerClient


@pytest.fixture
def stage(shared_stage: SharedStage, monkeypatch: pytest.MonkeyPatch) -> Stage:
    for name, value in shared_stage.stage.cloud.environment().items():
        monkeypatch.setenv(name, value)
    return shared_stage.stage


@pytest.fixture
def secrets(stage: Stage) -> Iterator[SecretsManagerClient]:
    with secrets_in(stage) as client:
        yield client


@pytest.fixture
def world(stage: Stage, secrets: SecretsManagerClient, tmp_path: Path) -> World:
    _, policy = write_demo_policy(
        tmp_path, stage.warehouse_url, supervisor=stage.supervisor_path, log_path=stage.warehouse_log_path
    )
    return World(policy, {**os.environ, **stage.environment()}, utc_now)
