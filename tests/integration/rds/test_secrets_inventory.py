"""The inventory of secrets against Secrets Manager: what is missing, going, or without a current version."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
import pytest

from bot.diagnostics.check import Surroundings
from bot.diagnostics.checks.secrets_inventory import CHECK
from bot.sandbox.primary_instance import OTHER_SECRETS
from bot.store.documents import Finding
from tests.aws_calls import watch_check
from tests.integration.rds.conftest import REGION, Aws

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager.client import SecretsManagerClient

VALUE = "geheimnis-42"
ONE = OTHER_SECRETS[0]


@pytest.fixture
def client(aws: Aws, secret: str) -> Iterator[SecretsManagerClient]:
    """Every secret of the inventory is there."""
    client: SecretsManagerClient = boto3.client("secretsmanager", region_name=REGION)
    for name in OTHER_SECRETS:
        client.create_secret(Name=name, SecretString=VALUE)
    yield client
    for name in OTHER_SECRETS:
        client.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)


def run(aws: Aws) -> Finding:
    return CHECK.run(Surroundings(aws.world.policy, aws.world.environment, aws.world.now, "traitortrack"))


def test_all_of_them_with_their_age_and_never_a_value(aws: Aws, client: SecretsManagerClient) -> None:
    with watch_check(CHECK) as rights:
        found = run(aws)
    assert rights == set(CHECK.permissions)
    assert found.state == "ok", found
    assert len(found.evidence) == len(aws.world.policy.secrets)
    assert all("changed" in line for line in found.evidence)
    assert VALUE not in found.model_dump_json()


def test_one_that_is_scheduled_for_deletion(aws: Aws, client: SecretsManagerClient) -> None:
    client.delete_secret(SecretId=ONE, RecoveryWindowInDays=7)
    try:
        found = run(aws)
    finally:
        client.restore_secret(SecretId=ONE)
    assert found.state == "critical"
    assert ONE in found.summary
    assert "scheduled for deletion" in found.summary


def test_one_that_is_missing(aws: Aws, client: SecretsManagerClient) -> None:
    client.delete_secret(SecretId=ONE, ForceDeleteWithoutRecovery=True)
    try:
        found = run(aws)
    finally:
        client.create_secret(Name=ONE, SecretString=VALUE)
    assert (found.state, f"{ONE}) does not exist" in found.summary) == ("critical", True)
    assert len(found.evidence) == len(aws.world.policy.secrets)


def test_one_without_a_current_version(aws: Aws, client: SecretsManagerClient) -> None:
    client.delete_secret(SecretId=ONE, ForceDeleteWithoutRecovery=True)
    client.create_secret(Name=ONE)
    found = run(aws)
    assert (found.state, "no version with AWSCURRENT" in found.summary) == ("critical", True)


def test_none_at_all_is_another_place_rather_than_a_loss(aws: Aws) -> None:
    found = run(aws)
    assert (found.state, "None of the" in found.summary) == ("unknown", True)


def test_one_that_is_kept_elsewhere_is_said_to_be(aws: Aws, client: SecretsManagerClient) -> None:
    policy = aws.world.policy
    vault = policy.secrets["ADMIN_PASSWORD"].model_copy(update={"storage": "A safe"})
    changed = policy.model_copy(update={"secrets": {**policy.secrets, "ADMIN_PASSWORD": vault}})
    found = CHECK.run(Surroundings(changed, {}, aws.world.now, "traitortrack"))
    assert (found.state, "Kept where the bot does not look: ADMIN_PASSWORD." in found.evidence) == ("ok", True)
    safe = {"ADMIN_PASSWORD": vault}
    found = CHECK.run(Surroundings(policy.model_copy(update={"secrets": safe}), {}, aws.world.now, "traitortrack"))
    assert found.state == "unknown"
