"""How old is the encrypted offline copy of the secrets, and has one of them changed since? (Document: Manual Secret
Recovery.)
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from bot.diagnostics.check import Surroundings
from bot.diagnostics.points import Point, PointCheck
from bot.systems.offline_copies import CopyMissing, OfflineCopies
from bot.systems.secrets import Secrets, SecretUnusable
from bot.words import show_duration

CLOCKS = timedelta(seconds=1)
"""S3 tells whole seconds."""
HOW = "`holdfast secrets export` makes a new one."


class SecretsOfflineCopy(PointCheck):
    name = "secrets_offline_copy"
    title = "Offline copy of the secrets"
    scope = "secrets"
    permissions = ("s3:GetObject", "secretsmanager:DescribeSecret")
    timeout_s = 30.0

    def look(self, surroundings: Surroundings) -> Iterator[Point]:
        policy = surroundings.policy
        settings, region = policy.secrets_offline_copy, policy.infrastructure.regions.primary
        copies = OfflineCopies(settings, region)
        try:
            copy = copies.look(copies.newest_key)
        except CopyMissing as missing:
            yield Point("warning", f"{missing.reason} {HOW}", signs=("backups at risk",))
            return
        age = surroundings.now() - copy.stored_at
        told = f"The copy at {copy.place} is {show_duration(age)} old"
        if age > settings.renew_after:
            yield Point("warning", f"{told}, more than {show_duration(settings.renew_after)}. {HOW}")
        else:
            yield Point("ok", f"{told}.")
        if copy.encryption != settings.server_side_encryption:
            yield Point(
                "warning", f"S3 encrypts it with {copy.encryption or 'nothing'}, not {settings.server_side_encryption}."
            )
        newer = _list_newer(Secrets(region), {key: policy.secrets[key].name for key in settings.holds}, copy.stored_at)
        if newer:
            yield Point("warning", f"Changed since it was made: {', '.join(newer)}. {HOW}")


def _list_newer(secrets: Secrets, names: dict[str, str], moment: datetime) -> list[str]:
    found = []
    for variable, name in names.items():
        try:
            changed = secrets.observe(name).changed_at
        except SecretUnusable:
            continue  # what is missing is told by the inventory
        if changed is not None and changed > moment + CLOCKS:
            found.append(variable)
    return found


CHECK = SecretsOfflineCopy()
