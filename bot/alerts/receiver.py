"""From a request to alerts: which source it is, whether it is who it says, and what it sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.alerts.alert import Incoming
from bot.alerts.call import Access, Call
from bot.alerts.sources import source_modules
from bot.policy import CloudwatchSource, Policy


class UnknownSource(Exception):
    """There is no such source, or the policy has not set it up; `known` are those that it has."""

    def __init__(self, name: str, known: list[str]) -> None:
        super().__init__(f"{name[:60]!r} is no source of alerts here.")
        self.known = known


class NoSecret(Exception):
    """The environment lacks the secret of a source; the message names the variable."""


@dataclass(frozen=True)
class Receiver:
    """Knows the sources of the policy; secrets are read from the environment when they are needed."""

    policy: Policy
    environment: Mapping[str, str]

    def read(self, name: str, call: Call) -> list[Incoming]:
        """The alerts that were sent.

        Raises `UnknownSource`, `NoSecret`, `Unverified`, `BadPayload`, and `Failed` where the source's own side does
        not answer.
        """
        access, source = self._find_access(name), source_modules()[name]
        source.verify(call, access)
        payload = call.read_json()
        if hasattr(source, "confirm"):
            source.confirm(payload)
        alerts: list[Incoming] = source.parse(payload, call.now)
        return alerts

    def _find_access(self, name: str) -> Access:
        set_up = self.policy.alerts.sources.set_up()
        settings = set_up.get(name)
        if settings is None:
            raise UnknownSource(name, sorted(set_up))
        if isinstance(settings, CloudwatchSource):
            return Access(topic_arns=tuple(settings.topic_arns))
        secret = self.environment.get(settings.secret_env, "").strip()
        if not secret:
            raise NoSecret(f"{settings.secret_env} is not set in the bot's environment.")
        return Access(secret=secret)
