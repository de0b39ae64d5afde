"""Where a bulletin goes, in words, for the person who lets it out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bot.comms.audiences import Audiences
from bot.comms.notices import SLACK
from bot.store.tables import Bulletin


@dataclass(frozen=True)
class Reach:
    """One audience; `ways` is empty where nothing reaches it, `lacking` says why not everything does."""

    audience: str
    ways: tuple[str, ...]
    lacking: tuple[str, ...]

    @property
    def words(self) -> str:
        """For example "Customers: e-mail to 1 address"."""
        found = ", ".join(self.ways) or "nothing reaches them"
        missing = "".join(f"; not on {one}" for one in self.lacking)
        return f"{self.audience}: {found}{missing}"


def list_reach(audiences: Audiences, lacking: Mapping[str, str], bulletin: Bulletin) -> list[Reach]:
    """Each audience of a bulletin with what it is told on. `lacking`: channels that cannot be used, with the reason."""
    return [_describe(audiences, lacking, key, bulletin) for key in bulletin.audiences if key in _known(audiences)]


def _describe(audiences: Audiences, lacking: Mapping[str, str], key: str, bulletin: Bulletin) -> Reach:
    policy, severity = audiences.policy, bulletin.statement.severity
    audience = policy.audiences[key]
    name = next(one for one in policy.severities if one == severity)
    counted = Counter(address.channel for address in audiences.addresses(key, name))
    serving = [channel for way in audience.ways for channel in policy.channels.serving(way)]
    missing = tuple(f"{channel} ({lacking[channel]})" for channel in serving if channel in lacking)
    return Reach(audience.title, tuple(dict.fromkeys(_list_ways(audiences, counted))), missing)


def _list_ways(audiences: Audiences, counted: Counter[str]) -> Iterator[str]:
    for channel, number in counted.items():
        if channel == "email":
            yield f"e-mail to {number} address{'es' if number > 1 else ''}"
        elif channel in audiences.policy.channels.serving("status_page"):
            yield f"status page {audiences.policy.channels.status_page_url}"
        elif channel == SLACK:
            yield f"{number} Slack channel{'s' if number > 1 else ''}"
        else:
            yield channel


def _known(audiences: Audiences) -> Mapping[str, object]:
    return audiences.policy.audiences
