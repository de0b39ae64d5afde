"""Is every secret of the inventory where it is to be had again, and how old is it? Never its value.

(Document: Secrets Inventory.)
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from bot.diagnostics.check import Surroundings
from bot.diagnostics.points import Point, PointCheck
from bot.systems.secrets import CURRENT, Secret, Secrets, SecretUnusable
from bot.words import show_duration


class SecretsInventory(PointCheck):
    name = "secrets_inventory"
    title = "Secrets of the inventory"
    scope = "secrets"
    permissions = ("secretsmanager:DescribeSecret",)
    timeout_s = 30.0

    def look(self, surroundings: Surroundings) -> Iterator[Point]:
        policy, region = surroundings.policy, surroundings.policy.infrastructure.regions.primary
        kept = {key: one for key, one in policy.secrets.items() if one.in_secrets_manager}
        elsewhere = [key for key in policy.secrets if key not in kept]
        if elsewhere:
            yield Point("ok" if kept else "unknown", f"Kept where the bot does not look: {', '.join(elsewhere)}.")
        secrets = Secrets(region)
        found = {key: _find(secrets, one.name) for key, one in kept.items()}
        if kept and not any(found.values()):
            words = f"None of the {len(kept)} secrets is in {region}: another account or region, or all are gone."
            yield Point("unknown", words)
            return
        for key, one in kept.items():
            yield judge_secret(key, one.name, found[key], surroundings.now())


def judge_secret(key: str, name: str, secret: Secret | None, now: datetime) -> Point:
    """Without a current version whoever starts next starts without it."""
    who = f"{key} ({name})"
    if secret is None:
        return Point("critical", f"{who} does not exist.", signs=("secret gone",))
    if secret.deleted_at is not None:
        date = f"{secret.deleted_at:%Y-%m-%d %H:%M} UTC"
        return Point("critical", f"{who} is scheduled for deletion ({date}); RestoreSecret brings it back until then.",
                     signs=("secret gone",))  # fmt: skip
    if secret.current is None:
        return Point("critical", f"{who} has no version with {CURRENT}: nobody can read it.", signs=("secret gone",))
    if secret.changed_at is None:
        return Point("ok", f"{who} is there.")
    age = show_duration(max(0.0, (now - secret.changed_at).total_seconds()))
    return Point("ok", f"{who} is there, changed {age} ago{'; it rotates by itself' if secret.rotates else ''}.")


def _find(secrets: Secrets, name: str) -> Secret | None:
    try:
        return secrets.observe(name)
    except SecretUnusable:
        return None


CHECK = SecretsInventory()
