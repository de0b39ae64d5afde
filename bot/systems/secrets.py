"""Secrets in AWS Secrets Manager: their versions and labels. A value leaves this file only for whom it is meant.

A cut-over puts a new version and moves AWSCURRENT to it; the way back moves AWSCURRENT, it does not put the old value
again.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import SecretStr

from bot.systems.aws import ACTING, READING, AwsRefused, act, ask, open_client
from bot.systems.outcomes import SystemRefused
from bot.systems.rds_database import move_url
from bot.systems.redaction import learn

if TYPE_CHECKING:
    from datetime import datetime

    from mypy_boto3_secretsmanager.client import SecretsManagerClient

CURRENT, PENDING, PREVIOUS = "AWSCURRENT", "AWSPENDING", "AWSPREVIOUS"
NAMESPACE = uuid.UUID("8d0f4a52-52c1-4f0b-9d9e-0f3a8c6f7b11")
FINGERPRINT_DIGITS = 12


class SecretUnusable(SystemRefused):
    """There is no such secret or version, it is being deleted, or its text is not understood."""


@dataclass(frozen=True)
class Secret:
    """A secret without its value: which versions there are, with their labels."""

    name: str
    labels: dict[str, tuple[str, ...]]
    deleted_at: datetime | None
    rotates: bool
    changed_at: datetime | None = None
    """When its value, its labels or its description were last changed, UTC; None where AWS does not say."""
    replica_of: str | None = None
    """The region of which it is a copy that nobody can write to; None where it is a secret of its own."""

    @property
    def current(self) -> str | None:
        """Version that readers get."""
        return self.find_version(CURRENT)

    def find_version(self, label: str) -> str | None:
        return next((version for version, labels in self.labels.items() if label in labels), None)


class Secrets:
    """The secrets of one region."""

    def __init__(self, region: str) -> None:
        self.region = region
        self._reading: SecretsManagerClient = open_client("secretsmanager", region_name=region, config=READING)
        self._acting: SecretsManagerClient = open_client("secretsmanager", region_name=region, config=ACTING)

    def observe(self, name: str) -> Secret:
        """The secret. Raises SecretUnusable where there is none."""
        try:
            answer = ask(f"describe secret {name}", lambda: self._reading.describe_secret(SecretId=name))
        except AwsRefused as refusal:
            if refusal.code != "ResourceNotFoundException":
                raise
            raise SecretUnusable(
                f"There is no secret {name} in {self.region}.", "Check its name in the policy's `secrets`."
            ) from refusal
        labels = {version: tuple(sorted(found)) for version, found in answer.get("VersionIdsToStages", {}).items()}
        return Secret(
            name,
            labels,
            answer.get("DeletedDate"),
            answer.get("RotationEnabled", False),
            answer.get("LastChangedDate", answer.get("CreatedDate")),
            primary if (primary := answer.get("PrimaryRegion")) not in (None, self.region) else None,
        )

    def read(self, name: str, version: str) -> SecretStr:
        """The text of one version. Raises SecretUnusable where it is gone, or is no text."""
        try:
            answer = ask(
                f"read a version of secret {name}",
                lambda: self._reading.get_secret_value(SecretId=name, VersionId=version),
            )
        except AwsRefused as refusal:
            if refusal.code not in ("ResourceNotFoundException", "InvalidRequestException"):
                raise
            raise SecretUnusable(f"Version {version} of secret {name} cannot be read.", refusal.reason) from refusal
        text = answer.get("SecretString")
        if text is None:
            raise SecretUnusable(f"Secret {name} holds bytes, not text.", "Switch the application by hand.")
        learn(text)
        return SecretStr(text)

    def put(self, name: str, value: SecretStr, *, token: str, label: str) -> None:
        """Add a version under a label of its own; nobody reads it yet. The same token again adds nothing."""
        learn(value.get_secret_value())
        act(
            f"add a version to secret {name}",
            lambda: self._acting.put_secret_value(
                SecretId=name,
                ClientRequestToken=token,
                SecretString=value.get_secret_value(),
                VersionStages=[label],
            ),
        )

    def create(self, name: str, value: SecretStr, *, token: str) -> None:
        """A secret that is missing, with its first version. The same token again adds nothing."""
        learn(value.get_secret_value())
        act(
            f"create secret {name}",
            lambda: self._acting.create_secret(
                Name=name, SecretString=value.get_secret_value(), ClientRequestToken=token
            ),
        )

    def restore(self, name: str) -> None:
        """Take back that a secret was scheduled for deletion."""
        act(f"restore secret {name}", lambda: self._acting.restore_secret(SecretId=name))

    def move_label(self, name: str, label: str, *, to: str, away_from: str | None) -> None:
        """Move a label between versions. Where it is AWSCURRENT, AWS moves AWSPREVIOUS to the version it leaves."""
        source = {} if away_from is None else {"RemoveFromVersionId": away_from}
        act(
            f"move {label} of secret {name}",
            lambda: self._acting.update_secret_version_stage(
                SecretId=name, VersionStage=label, MoveToVersionId=to, **source
            ),
        )

    def stop_replication(self, name: str) -> None:
        """Make a replica a secret of its own, for good: asked in its region, so the primary one may be gone."""
        act(f"end the replication of secret {name}", lambda: self._acting.stop_replication_to_replica(SecretId=name))

    def drop_label(self, name: str, label: str, *, version: str) -> None:
        """Take a label from a version; one without labels is deprecated, and AWS deletes it some day."""
        act(
            f"drop {label} of secret {name}",
            lambda: self._acting.update_secret_version_stage(
                SecretId=name, VersionStage=label, RemoveFromVersionId=version
            ),
        )


def token_for(mark: str) -> str:
    """The ClientRequestToken, and thus the version id, of what a run adds: the same after a crash."""
    return str(uuid.uuid5(NAMESPACE, mark))


def fingerprint(value: SecretStr) -> str:
    """What may be shown of a value, so that two can be told apart."""
    return fingerprint_text(value.get_secret_value())


def fingerprint_text(text: str) -> str:
    """The same of what is no secret."""
    return hashlib.sha256(text.encode()).hexdigest()[:FINGERPRINT_DIGITS]


def read_url(value: SecretStr, name: str) -> str:
    """The connection URL in a secret that is one, as libpq takes it. Raises SecretUnusable.

    The document stores it as plain text; a driver's name in the scheme (SQLAlchemy's) is none of libpq's business.
    """
    scheme, separator, rest = value.get_secret_value().strip().partition("://")
    if separator and scheme.partition("+")[0] in ("postgres", "postgresql"):
        return f"postgresql://{rest}"
    raise SecretUnusable(f"Secret {name} is not a PostgreSQL URL.", "Switch the application by hand.")


def move_secret_url(value: SecretStr, name: str, host: str, port: int) -> SecretStr:
    """The same URL, as it is written, with another address. Raises SecretUnusable where it is none."""
    read_url(value, name)
    return SecretStr(move_url(value.get_secret_value().strip(), host, port))
