"""Which secrets the product needs, and where they can be had again. Never their values."""

from datetime import timedelta
from typing import Literal

from pydantic import Field

from bot.policy.durations import PositiveDuration
from bot.policy.section import EnvironmentName, S3Location, Section, Text


class Secret(Section):
    """A secret of the product (document: Secrets Inventory); its key is the environment variable."""

    purpose: Text
    """What it is for."""
    storage: Text
    """Where it is kept."""
    recovery: Text
    """How it is had again."""
    name: Text
    """Its name in that storage."""
    renewal: Literal["random", "database", "by_hand"] = Field(default="by_hand", examples=["random"])
    """How a new value comes to be: made here at random; as a new password of the role that its URL logs in with; or by
    a person, at whoever gives it out."""
    by_hand: Text | None = Field(default=None, examples=["Make a new key, put it as a new version, delete the old key"])
    """What that person does."""

    @property
    def in_secrets_manager(self) -> bool:
        """Whether it is kept where the bot looks, by what people call that place."""
        return "secrets manager" in self.storage.lower()


class OfflineCopy(Section):
    """The encrypted copy of the secrets (document: Manual Secret Recovery)."""

    location: S3Location
    """Where it lies."""
    file: Text
    """Name of the file there."""
    cipher: Literal["AES256"]
    """Cipher that GPG encrypts it with."""
    server_side_encryption: Literal["AES256", "aws:kms"]
    """How S3 encrypts it once more."""
    renew_after: PositiveDuration = Field(default=timedelta(days=90), examples=["90 days"])
    """How old it may become; the document says nothing of it."""
    holds: list[EnvironmentName] = Field(min_length=1)
    """Keys of `secrets` that are in it."""
