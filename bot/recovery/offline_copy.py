"""The offline copy of the secrets: made and read back in memory, compared by fingerprints. (Document: Manual Secret
Recovery.)

What is in it is told by names and fingerprints; the values are in this process and in the encrypted file, nowhere else.
A value that goes back is put as a version that nobody reads, under a label of its own: which one readers get is decided
by a plan of `roll_back_secret`, which is approved like any other. No value is stored while an approval is waited for.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import SecretStr

from bot.outcome import Failed, Refused
from bot.recovery.action import World
from bot.recovery.secret_versions import find_entry, require_current
from bot.systems.gpg import decrypt, encrypt
from bot.systems.offline_copies import Copy, OfflineCopies
from bot.systems.secrets import SecretUnusable, fingerprint, token_for

LABEL = "holdfast-offline"
FORMAT = 1
SHORTEST_PASSPHRASE = 12
State = Literal["the same", "another value", "missing", "scheduled for deletion"]


@dataclass(frozen=True)
class Made:
    """A copy that was made and read back."""

    place: str
    archive: str
    fingerprints: dict[str, str]


@dataclass(frozen=True)
class Difference:
    """One secret of a copy against what Secrets Manager has now."""

    variable: str
    state: State
    copied: str
    """Fingerprint in the copy."""
    present: str | None
    """Fingerprint of the current version; None where there is none."""


def make_copy(world: World, passphrase: SecretStr) -> Made:
    """Encrypt what the policy says, store it, and prove it by decrypting what was stored."""
    refuse_weak(passphrase)
    copies, now = open_copies(world), world.now()
    values = read_values(world)
    body = encrypt(_write(world, values, now), passphrase, world.policy.secrets_offline_copy.cipher)
    archive = copies.key_at(now)
    copies.store(archive, body, once=True)
    copies.store(copies.newest_key, body, once=False)
    for key in (archive, copies.newest_key):
        _prove(copies, key, values, passphrase)
    return Made(copies.look(copies.newest_key).place, archive, tell(values))


def read_copy(world: World, passphrase: SecretStr, key: str | None = None) -> tuple[Copy, dict[str, SecretStr]]:
    """The newest copy, or the one with the key, and what is in it."""
    copies = open_copies(world)
    copy = copies.read(key or copies.newest_key)
    return copy, _read(decrypt(copy.body, passphrase))


def compare(world: World, values: dict[str, SecretStr]) -> list[Difference]:
    """Each secret of the copy that the policy knows, against what there is now; changes nothing."""
    known = [variable for variable in values if variable in world.policy.secrets]
    return [_compare_one(world, variable, values[variable]) for variable in known]


def put_back(world: World, variable: str, value: SecretStr) -> str | None:
    """The version that the value has now, beside the current one; nobody reads it yet.

    None where the secret was missing: then it is made with this value. Nothing read it, since it was not there.
    """
    entry = find_entry(world, variable)
    token = token_for(f"offline {variable} {fingerprint(value)}")
    try:
        require_current(entry)
    except SecretUnusable:
        entry.secrets.create(entry.name, value, token=token)
        return None
    entry.secrets.put(entry.name, value, token=token, label=LABEL)
    return token


def read_values(world: World) -> dict[str, SecretStr]:
    """What the copy is to hold, at the current versions."""
    values = {}
    for variable in world.policy.secrets_offline_copy.holds:
        entry = find_entry(world, variable)
        _, version = require_current(entry)
        values[variable] = entry.secrets.read(entry.name, version)
    return values


def tell(values: dict[str, SecretStr]) -> dict[str, str]:
    """By name, what may be shown."""
    return {name: fingerprint(value) for name, value in values.items()}


def open_copies(world: World) -> OfflineCopies:
    return OfflineCopies(world.policy.secrets_offline_copy, world.policy.infrastructure.regions.primary)


def refuse_weak(passphrase: SecretStr) -> None:
    """What guards every secret must not be guessed by who has the file and time."""
    if len(passphrase.get_secret_value()) < SHORTEST_PASSPHRASE:
        raise Refused(
            f"The passphrase has fewer than {SHORTEST_PASSPHRASE} characters.",
            "Take five words that nobody would guess.",
        )


def _write(world: World, values: dict[str, SecretStr], now: datetime) -> bytes:
    """Readable to whoever has only gpg and the passphrase."""
    secrets = {variable: value.get_secret_value() for variable, value in values.items()}
    found = {"format": FORMAT, "product": world.policy.product, "made_at": now.isoformat(), "secrets": secrets}
    return json.dumps(found, indent=1, ensure_ascii=False).encode()


def _read(text: bytes) -> dict[str, SecretStr]:
    try:
        found = json.loads(text)
        return {str(name): SecretStr(str(value)) for name, value in found["secrets"].items()}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Refused("What was decrypted is no copy that was made here.", "Read it with gpg by hand.") from error


def _prove(copies: OfflineCopies, key: str, values: dict[str, SecretStr], passphrase: SecretStr) -> None:
    copy = copies.read(key)
    read = _read(decrypt(copy.body, passphrase))
    wanted = copies.settings.server_side_encryption
    if tell(read) != tell(values):
        raise Failed(f"{copy.place} does not hold what was put into it.", "It was stored.", "Make another copy.")
    if copy.encryption != wanted:
        raise Failed(f"S3 encrypts {copy.place} with {copy.encryption or 'nothing'}, not {wanted}.", "It was stored.")


def _compare_one(world: World, variable: str, value: SecretStr) -> Difference:
    copied = fingerprint(value)
    try:
        entry = find_entry(world, variable)
        secret = entry.look()
    except SecretUnusable:
        return Difference(variable, "missing", copied, None)
    if secret.deleted_at is not None:
        return Difference(variable, "scheduled for deletion", copied, None)
    present = entry.fingerprint(secret.current) if secret.current else None
    return Difference(variable, "the same" if present == copied else "another value", copied, present)
