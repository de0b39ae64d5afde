"""The secrets of the policy's inventory in the stage's Secrets Manager, and their values, which nobody may ever see."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import boto3

from bot.sandbox.cloud import REGION
from bot.sandbox.primary_instance import DATABASE_URL_SECRET
from bot.sandbox.stage import Stage

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager.client import SecretsManagerClient

PREFIX = "traitortrack/production"
SESSION, ADMIN, SENDGRID, SENDER = (
    f"{PREFIX}/{name}" for name in ("session-secret", "admin-password", "sendgrid-api-key", "sendgrid-from-email")
)


def make_values(stage: Stage) -> dict[str, str]:
    """By name; awkward to quote, and easy to find where they should not be."""
    return {
        DATABASE_URL_SECRET: stage.application_url,
        SESSION: "planted-session-'$(id)' \"x\" #1",
        ADMIN: "planted-admin-pa$$ word",
        SENDGRID: "SG.planted-api-key-000001.planted-api-key-000002",
        SENDER: "planted-sender@example.com",
    }


@contextmanager
def secrets_in(stage: Stage) -> Iterator[SecretsManagerClient]:
    """All of them, each with one version; they are gone afterwards, and so is the file that they were written to.

    boto3 in this process has to talk to the stage's cloud.
    """
    client: SecretsManagerClient = boto3.client("secretsmanager", region_name=REGION)
    values = make_values(stage)
    for name, value in values.items():
        forget(client, name)
        client.create_secret(Name=name, SecretString=value)
    stage.cloud.forget_calls()
    try:
        yield client
    finally:
        for name in values:
            forget(client, name)
        for path in stage.environment_path.parent.glob(f"{stage.environment_path.name}*"):
            path.unlink()


def forget(client: Any, name: str) -> None:
    """Delete a secret for good, also one that is on its way."""
    try:
        client.restore_secret(SecretId=name)
        client.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    except client.exceptions.ResourceNotFoundException:
        return
