"""Secrets Manager, strict about versions: labels are on one version at a time, a token names one value for ever, and a
secret that is scheduled for deletion can only be described, listed and restored.

Rules from the API's model (botocore, `secretsmanager/2017-10-17`). moto stores the secrets and answers the rest.
"""

from __future__ import annotations

import copy
import json
import time
import uuid

from moto.secretsmanager import urls
from moto.secretsmanager.exceptions import (
    InvalidParameterException,
    InvalidRequestException,
    OperationNotPermittedOnReplica,
    ResourceExistsException,
    SecretNotFoundException,
)
from moto.secretsmanager.models import FakeSecret, ReplicaSecret
from moto.secretsmanager.responses import SecretsManagerResponse

CURRENT, PREVIOUS = "AWSCURRENT", "AWSPREVIOUS"
MARKED = "You can't perform this operation on the secret because it was marked for deletion."


def install() -> None:
    """Put ourselves in moto's place for Secrets Manager."""
    urls.url_paths = {"{0}/$": StrictSecretsManager.dispatch}


class StrictSecretsManager(SecretsManagerResponse):
    """The operations on a secret's versions; each method is named for its operation."""

    def create_secret(self) -> str:
        existing = self.backend.secrets.get(self._get_param("Name"))
        if existing is not None and existing.is_deleted():
            raise InvalidRequestException(
                "You can't create this secret because a secret with this name is already scheduled for deletion."
            )
        return super().create_secret()

    def get_secret_value(self) -> str:
        if not isinstance(self.backend.secrets.get(self._get_param("SecretId")), ReplicaSecret):
            self._secret()
        return super().get_secret_value()

    def update_secret(self) -> str:
        self._secret()
        return super().update_secret()

    def put_secret_value(self) -> str:
        secret = self._secret()
        token = self._get_param("ClientRequestToken") or str(uuid.uuid4())
        if not 32 <= len(token) <= 64:
            raise InvalidParameterException("ClientRequestToken must be 32-64 characters long.")
        value = {"secret_string": self._get_param("SecretString"), "secret_binary": self._get_param("SecretBinary")}
        value = {name: given for name, given in value.items() if given is not None}
        if len(value) != 1:
            raise InvalidRequestException("You must provide either SecretString or SecretBinary.")
        if token not in secret.versions:
            self._add_version(secret, token, value)
        elif any(secret.versions[token].get(name) != given for name, given in value.items()):
            raise ResourceExistsException(
                f"You can't use ClientRequestToken {token} because that value is already in use for a version of "
                f"secret {secret.arn}."
            )
        return secret.to_short_dict(include_version_stages=True, version_id=token)

    def update_secret_version_stage(self) -> str:
        secret = self._secret()
        label = self._get_param("VersionStage")
        take_from, move_to = self._get_param("RemoveFromVersionId"), self._get_param("MoveToVersionId")
        for version in (take_from, move_to):
            if version and version not in secret.versions:
                raise InvalidParameterException(f"Not a valid version: {version}")
        holder = find_holder(secret, label)
        if holder is not None and holder != take_from:
            raise InvalidParameterException(
                f"The parameter RemoveFromVersionId can't be empty or wrong. Staging label {label} is currently on "
                f"version {holder}, so you must explicitly reference that version in RemoveFromVersionId."
            )
        if holder is None and take_from:
            raise InvalidParameterException(f"Version stage {label} not found in version {take_from}")
        if label == CURRENT and not move_to:
            raise InvalidParameterException("You can only move staging label AWSCURRENT to a different secret version.")
        move_label(secret, label, move_to)
        return json.dumps({"ARN": secret.arn, "Name": secret.name})

    def stop_replication_to_replica(self) -> str:
        """The replica becomes a secret of its own, with the versions that it has by then."""
        replica = self.backend.secrets.get(self._get_param("SecretId"))
        if replica is None:
            raise SecretNotFoundException
        if not isinstance(replica, ReplicaSecret):
            raise InvalidRequestException("You can't stop replication of a secret that is not a replica.")
        own = copy.deepcopy(replica.source)
        own.region, own.arn, own.replicas = replica.region, replica.arn, []
        replica.source.replicas.remove(replica)
        dict.pop(self.backend.secrets, replica.arn)
        self.backend.secrets[own.name] = own
        return json.dumps({"ARN": own.arn})

    def list_secret_version_ids(self) -> str:
        secret = self._find()
        deprecated_too = self._get_bool_param("IncludeDeprecated", False)
        versions = [
            {"VersionId": name, "VersionStages": entry["version_stages"], "CreatedDate": entry["createdate"]}
            for name, entry in secret.versions.items()
            if entry["version_stages"] or deprecated_too
        ]
        return json.dumps({"ARN": secret.arn, "Name": secret.name, "Versions": versions})

    def _find(self) -> FakeSecret:
        secret = self.backend.secrets.get(self._get_param("SecretId"))
        if isinstance(secret, ReplicaSecret):
            raise OperationNotPermittedOnReplica
        if secret is None:
            raise SecretNotFoundException
        return secret

    def _secret(self) -> FakeSecret:
        """Return the secret asked for, unless it is scheduled for deletion."""
        secret = self._find()
        if secret.is_deleted():
            raise InvalidRequestException(MARKED)
        return secret

    def _add_version(self, secret: FakeSecret, token: str, value: dict[str, str]) -> None:
        labels = self._get_param("VersionStages") or [CURRENT]
        if not secret.versions:
            labels = [*dict.fromkeys([*labels, CURRENT])]
        secret.versions[token] = {"createdate": time.time(), "version_id": token, "version_stages": [], **value}
        for label in labels:
            move_label(secret, label, token)


def find_holder(secret: FakeSecret, label: str) -> str | None:
    """Return the version that a label is on."""
    return next((name for name, entry in secret.versions.items() if label in entry["version_stages"]), None)


def move_label(secret: FakeSecret, label: str, to: str | None) -> None:
    """Put a label on a version, or on none; where AWSCURRENT was, AWSPREVIOUS comes."""
    holder = find_holder(secret, label)
    if holder is not None:
        secret.versions[holder]["version_stages"].remove(label)
        if label == CURRENT and holder != to:
            move_label(secret, PREVIOUS, holder)
    if to is not None:
        secret.versions[to]["version_stages"].append(label)
    secret.set_default_version_id(find_holder(secret, CURRENT))
    secret.last_changed_date = int(time.time())
