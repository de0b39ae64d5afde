"""Versions and labels of secrets, as strictly as AWS keeps them."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from .asking import refused
from .conftest import OpenClient

FIRST, SECOND, THIRD = (letter * 32 for letter in "abc")


@pytest.fixture
def secrets(open_client: OpenClient) -> Any:
    return open_client("secretsmanager")


@pytest.fixture
def secret(secrets: Any) -> str:
    """A secret with two versions: the second is current."""
    name = f"secret-{uuid.uuid4()}"
    secrets.create_secret(Name=name, SecretString="one", ClientRequestToken=FIRST)
    secrets.put_secret_value(SecretId=name, SecretString="two", ClientRequestToken=SECOND)
    return name


def labels(secrets: Any, name: str) -> dict[str, list[str]]:
    stages: dict[str, list[str]] = secrets.describe_secret(SecretId=name)["VersionIdsToStages"]
    return {version: sorted(found) for version, found in stages.items() if found}


def value(secrets: Any, name: str, **which: str) -> str:
    return str(secrets.get_secret_value(SecretId=name, **which)["SecretString"])


def test_moving_the_label_back_brings_the_old_value_back(secrets: Any, secret: str) -> None:
    assert labels(secrets, secret) == {FIRST: ["AWSPREVIOUS"], SECOND: ["AWSCURRENT"]}
    assert value(secrets, secret) == "two"
    move = {"SecretId": secret, "VersionStage": "AWSCURRENT"}
    secrets.update_secret_version_stage(RemoveFromVersionId=SECOND, MoveToVersionId=FIRST, **move)
    assert value(secrets, secret) == "one"
    assert value(secrets, secret, VersionStage="AWSPREVIOUS") == "two"
    assert labels(secrets, secret) == {FIRST: ["AWSCURRENT"], SECOND: ["AWSPREVIOUS"]}
    secrets.put_secret_value(SecretId=secret, SecretString="three", ClientRequestToken=THIRD)
    assert labels(secrets, secret) == {FIRST: ["AWSPREVIOUS"], THIRD: ["AWSCURRENT"]}


def test_a_label_is_moved_only_from_where_it_is(secrets: Any, secret: str) -> None:
    wrong, move = "InvalidParameterException", secrets.update_secret_version_stage
    current = {"SecretId": secret, "VersionStage": "AWSCURRENT"}
    refused(wrong, move, MoveToVersionId=FIRST, **current)
    refused(wrong, move, MoveToVersionId=FIRST, RemoveFromVersionId=FIRST, **current)
    refused(wrong, move, MoveToVersionId=THIRD, RemoveFromVersionId=SECOND, **current)
    refused(wrong, move, RemoveFromVersionId=SECOND, **current)
    refused(wrong, move, SecretId=secret, VersionStage="mine", RemoveFromVersionId=SECOND)
    assert labels(secrets, secret) == {FIRST: ["AWSPREVIOUS"], SECOND: ["AWSCURRENT"]}


def test_a_version_can_wait_under_a_label_of_its_own(secrets: Any, secret: str) -> None:
    pending = {"SecretId": secret, "VersionStages": ["AWSPENDING"]}
    secrets.put_secret_value(SecretString="three", ClientRequestToken=THIRD, **pending)
    assert (value(secrets, secret), value(secrets, secret, VersionStage="AWSPENDING")) == ("two", "three")
    again = {"SecretString": "another", "ClientRequestToken": THIRD}
    refused("ResourceExistsException", secrets.put_secret_value, **again, **pending)
    assert value(secrets, secret, VersionStage="AWSPENDING") == "three"


def test_a_token_makes_one_version(secrets: Any, secret: str) -> None:
    again = secrets.put_secret_value(SecretId=secret, SecretString="one", ClientRequestToken=FIRST)
    assert again["VersionId"] == FIRST
    assert labels(secrets, secret) == {FIRST: ["AWSPREVIOUS"], SECOND: ["AWSCURRENT"]}
    other = {"SecretId": secret, "SecretString": "another", "ClientRequestToken": FIRST}
    refused("ResourceExistsException", secrets.put_secret_value, **other)


def test_a_secret_that_is_to_be_deleted_must_be_restored_first(secrets: Any, secret: str) -> None:
    secrets.delete_secret(SecretId=secret, RecoveryWindowInDays=7)
    marked = "InvalidRequestException"
    refused(marked, secrets.get_secret_value, SecretId=secret)
    refused(marked, secrets.put_secret_value, SecretId=secret, SecretString="three")
    move = {"VersionStage": "AWSCURRENT", "RemoveFromVersionId": SECOND, "MoveToVersionId": FIRST}
    refused(marked, secrets.update_secret_version_stage, SecretId=secret, **move)
    refused(marked, secrets.create_secret, Name=secret, SecretString="new")
    assert "DeletedDate" in secrets.describe_secret(SecretId=secret)
    secrets.restore_secret(SecretId=secret)
    assert value(secrets, secret) == "two"


def test_versions_without_a_label_are_listed_only_when_asked_for(secrets: Any, secret: str) -> None:
    secrets.put_secret_value(SecretId=secret, SecretString="three", ClientRequestToken=THIRD)

    def listed(**options: bool) -> set[str]:
        versions = secrets.list_secret_version_ids(SecretId=secret, **options)["Versions"]
        return {version["VersionId"] for version in versions}

    assert listed() == {SECOND, THIRD}
    assert listed(IncludeDeprecated=True) == {FIRST, SECOND, THIRD}
