"""Versions of a secret as actions change them: the present one kept under a name, a new one beside it, the label moved.

What is stored and shown are names, versions and fingerprints. Every call is made once: what a run may have done before
a crash, or what AWS gave no answer to, is seen in the secret's labels.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from bot.outcome import Refused
from bot.policy.secret_inventory import Secret as SecretPolicy
from bot.recovery.action import Context, Facts, World
from bot.recovery.connection_secret import refuse_unusable
from bot.recovery.instances import act_once
from bot.systems.aws import AwsRefused
from bot.systems.secrets import CURRENT, PENDING, Secret, Secrets, fingerprint, token_for

READ_PERMISSIONS = ("secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue")
MOVE_PERMISSIONS = (*READ_PERMISSIONS, "secretsmanager:UpdateSecretVersionStage")
VERSION = r"^[A-Za-z0-9-]{32,64}$"
KEPT = re.compile(r"holdfast-before-run\d+-([0-9a-f]+)")
KEPT_AT_MOST = 10
"""Secrets Manager has place for 20 labels on all versions of a secret together."""


@dataclass(frozen=True)
class Entry:
    """A secret of the inventory."""

    variable: str
    policy: SecretPolicy
    secrets: Secrets

    @property
    def name(self) -> str:
        return self.policy.name

    def look(self) -> Secret:
        """Its versions and labels as they are now."""
        return self.secrets.observe(self.name)

    def fingerprint(self, version: str) -> str:
        return fingerprint(self.secrets.read(self.name, version))


def find_entry(world: World, variable: str) -> Entry:
    """Raises `Refused` where the policy does not know it, or keeps it elsewhere than in Secrets Manager."""
    entry = world.policy.secrets.get(variable)
    if entry is None:
        raise Refused(f"{variable[:60]!r} is not a secret of the policy.", f"Known: {', '.join(world.policy.secrets)}.")
    if not entry.in_secrets_manager:
        raise Refused(f"{variable} is kept in {entry.storage}, where the bot does nothing.", entry.recovery)
    return Entry(variable, entry, Secrets(world.policy.infrastructure.regions.primary))


def list_entries(world: World, fits: Callable[[SecretPolicy], bool] = lambda one: True) -> list[tuple[str, str]]:
    """Secrets that fit, as (variable, label)."""
    known = world.policy.secrets.items()
    return [(key, f"{key} ({one.purpose})") for key, one in known if one.in_secrets_manager and fits(one)]


def require_current(entry: Entry) -> tuple[Secret, str]:
    """The secret and its current version. Raises `Refused` where it cannot be changed now."""
    secret = entry.look()
    refuse_unusable(secret)
    return secret, str(secret.current)


def keep_version(context: Context[Any], entry: Entry, version: str) -> Facts:
    """AWSPREVIOUS moves on with the next change; a name of our own stays."""
    label = kept_label(context)
    if not _is_on(entry, label, version):
        _make_room(entry)
        act_once(
            context,
            lambda: entry.secrets.move_label(entry.name, label, to=version, away_from=None),
            lambda: _is_on(entry, label, version),
        )
    return {"version": version, "words": f"version {version} is kept as {label}"}


def put_version(context: Context[Any], entry: Entry, make: Callable[[], SecretStr]) -> Facts:
    """A new version as AWSPENDING, which nobody reads yet. Its id is derived from the run, so that it is added once."""
    token = token_for(context.mark)
    if token not in entry.look().labels:
        try:
            act_once(
                context,
                lambda: entry.secrets.put(entry.name, make(), token=token, label=PENDING),
                lambda: token in entry.look().labels,
            )
        except AwsRefused as refusal:
            if refusal.code != "ResourceExistsException":  # with another value, before a crash: that one counts
                raise
    return tell_version(entry, token)


def move_current(context: Context[Any], entry: Entry, before: str, wanted: str) -> Facts:
    """Only from the version that was planned: AWS refuses when somebody else has moved the label."""
    if entry.look().current != wanted:
        act_once(
            context,
            lambda: entry.secrets.move_label(entry.name, CURRENT, to=wanted, away_from=before),
            lambda: entry.look().current == wanted,
        )
    return tell_version(entry, wanted, "is AWSCURRENT")


def drop_labels(context: Context[Any], entry: Entry) -> None:
    """What only this run made goes; a version without a label is thrown away by Secrets Manager in time."""
    found = entry.look()
    kept = found.find_version(kept_label(context))
    if kept is not None:
        entry.secrets.drop_label(entry.name, kept_label(context), version=kept)
    if found.find_version(PENDING) == token_for(context.mark):
        entry.secrets.drop_label(entry.name, PENDING, version=token_for(context.mark))


def tell_version(entry: Entry, version: str, what: str = "") -> Facts:
    """A version by its fingerprint."""
    shown = entry.fingerprint(version)
    return {"version": version, "fingerprint": shown, "words": f"version {version} {what} ({shown})".replace("  ", " ")}


def kept_label(context: Context[Any]) -> str:
    return f"holdfast-before-{context.mark}"


def _is_on(entry: Entry, label: str, version: str) -> bool:
    return entry.look().find_version(label) == version


def _make_room(entry: Entry) -> None:
    """The oldest of our own names go where there are too many of them."""
    labels = {label: version for version, found in entry.look().labels.items() for label in found if KEPT.match(label)}
    by_age = sorted(labels, key=lambda label: int(KEPT.match(label)[1], 16))  # type: ignore[index]
    for label in by_age[: max(0, len(by_age) - KEPT_AT_MOST + 1)]:
        entry.secrets.drop_label(entry.name, label, version=labels[label])
