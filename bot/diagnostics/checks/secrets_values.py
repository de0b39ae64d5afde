"""Do the secrets hold values, or has somebody overwritten one by a placeholder, by nothing, or by another's value?

The values are held in memory for the moment of the look. What is told of them is what is wrong, never what they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import SecretStr

from bot.diagnostics.check import Surroundings
from bot.diagnostics.points import Point, PointCheck
from bot.diagnostics.secret_traits import find_flaw, is_address, list_former, suggest_version
from bot.outcome import Failed, Refused
from bot.policy.secret_inventory import Secret as SecretPolicy
from bot.store.documents import Suggestion
from bot.systems.secrets import Secret, Secrets, SecretUnusable

NORMAL = "Each secret holds a value of its own."
LONG_AGO = datetime.min.replace(tzinfo=UTC)
NEXT = "What starts next starts with it."


@dataclass(frozen=True)
class Held:
    """A secret and what readers get."""

    variable: str
    policy: SecretPolicy
    secret: Secret
    value: SecretStr

    @property
    def who(self) -> str:
        return f"{self.variable} ({self.policy.name})"

    @property
    def text(self) -> str:
        return self.value.get_secret_value().strip()


class SecretsValues(PointCheck):
    name = "secrets_values"
    title = "What the secrets hold"
    scope = "secrets"
    permissions = ("secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue")
    timeout_s = 30.0

    def look(self, surroundings: Surroundings) -> Iterator[Point]:
        policy = surroundings.policy
        secrets, held = Secrets(policy.infrastructure.regions.primary), list[Held]()
        for variable, one in policy.secrets.items():
            try:
                found = _read(secrets, variable, one) if one.in_secrets_manager else None
            except (Refused, Failed) as trouble:
                yield Point("unknown", f"{variable} cannot be read: {trouble.reason}")
                continue
            if found is not None:
                held.append(found)
                yield _judge(secrets, found)
        yield from _find_equal(secrets, held)
        if not held:
            yield Point("ok", "No secret can be read here; see the inventory of secrets.")


def _read(secrets: Secrets, variable: str, policy: SecretPolicy) -> Held | None:
    """What the inventory tells of already, as missing or about to be deleted, is not read."""
    try:
        secret = secrets.observe(policy.name)
    except SecretUnusable:
        return None
    if secret.current is None or secret.deleted_at is not None:
        return None
    return Held(variable, policy, secret, secrets.read(policy.name, secret.current))


def _judge(secrets: Secrets, held: Held) -> Point:
    flaw = find_flaw(held.variable, held.policy, held.text, next(_list_former(secrets, held), ("", None))[1])
    if flaw is None:
        return Point("ok", f"{held.who} holds a value.", normal=NORMAL)
    back = _suggest_former(secrets, held)
    told = "" if back else " No better version before it is to be had: put the right value as a new version."
    words = f"{held.who} {flaw.words}. {NEXT}{told}"
    return Point("critical" if flaw.certain else "warning", words, back, ("secret wrong",), normal=NORMAL)


def _suggest_former(secrets: Secrets, held: Held) -> tuple[Suggestion, ...]:
    for version, text in _list_former(secrets, held):
        if text.strip() != held.text and find_flaw(held.variable, held.policy, text) is None:
            return (suggest_version(held.variable, version),)
    return ()


def _list_former(secrets: Secrets, held: Held) -> Iterator[tuple[str, str]]:
    """Version and text of those that can be read; a former one that cannot is no way back."""
    for version in list_former(held.secret):
        try:
            yield version, secrets.read(held.secret.name, version).get_secret_value()
        except (Refused, Failed):
            continue


def _find_equal(secrets: Secrets, held: list[Held]) -> Iterator[Point]:
    """Two with one value, the last one changed written over the other; an address may serve two purposes."""
    by_text = dict[str, dict[str, Held]]()
    for one in held:
        if not is_address(one.text) and one.policy.renewal != "database":
            by_text.setdefault(one.text, {})[one.policy.name] = one
    for same in (list(found.values()) for found in by_text.values() if len(found) > 1):
        who = " and ".join(one.variable for one in same)
        changed = [one.secret.changed_at or LONG_AGO for one in same]
        last = [one for one, moment in zip(same, changed, strict=True) if moment == max(changed)]
        words = f"{who} have the same value: one may have been written over the other, and who knows one knows both."
        back = tuple(suggestion for one in last for suggestion in _suggest_former(secrets, one))
        yield Point("warning", words, back, ("secret wrong",), normal=NORMAL)


CHECK = SecretsValues()
