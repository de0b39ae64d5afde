"""Audiences: from those who must know (policy) to the addresses at which they are told."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from bot.comms.notices import SLACK, Address, slack_channel
from bot.policy import Audience, Policy, SeverityName

WHOLE = "all"
"""Recipient on channels that have just one: a page, a webhook, a pager service."""


@dataclass(frozen=True)
class Audiences:
    """`ready`: the channels that can be used; of the others the policy or the environment lacks something."""

    policy: Policy
    ready: Collection[str] = (SLACK,)

    def told_of(self, severity: SeverityName, *, public: bool) -> list[str]:
        """Keys of those who hear of incidents of a severity, either the public or those within."""
        told = self.policy.severities[severity].audiences
        return [key for key in told if self.policy.audiences[key].public is public]

    def addresses(self, audience: str, severity: SeverityName) -> list[Address]:
        """Where they are told; the incident's own channel in Slack, which hears everything, is not among them."""
        found = self._list_addresses(self.policy.audiences[audience], severity)
        return list(dict.fromkeys(found))

    def pagers(self) -> list[Address]:
        """Where people are woken."""
        return [Address(name, WHOLE) for name in self.policy.channels.serving("pager") if name in self.ready]

    def relying_on_slack(self) -> list[Address]:
        """Where those within who are told in Slack are reached while it does not work."""
        within = [one for one in self.policy.audiences.values() if not one.public and SLACK in one.ways]
        mails = [Address("email", mail) for one in within for mail in one.addresses if "email" in self.ready]
        return list(dict.fromkeys([*mails, *self.pagers()]))

    def _list_addresses(self, audience: Audience, severity: SeverityName) -> Iterator[Address]:
        for way in audience.ways:
            if way == "pager" and severity not in audience.pager_severities:
                continue
            for channel in self.policy.channels.serving(way):
                if channel in self.ready:
                    yield from (Address(channel, one) for one in _recipients(audience, channel))


def _recipients(audience: Audience, channel: str) -> list[str]:
    if channel == SLACK:
        return [slack_channel(name) for name in audience.slack_channels]
    return list(audience.addresses) if channel == "email" else [WHOLE]
