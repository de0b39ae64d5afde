"""What templates outside Slack are given: the values beside each `samples.yml`, from what is to be said."""

from __future__ import annotations

from typing import Any

from bot.comms.outgoing import Outgoing, OutgoingBulletin, OutgoingPage
from bot.comms.prose import Prose
from bot.policy import Policy

Values = dict[str, Any]


class Phrasing:
    """Chooses the templates of a message and renders them."""

    def __init__(self, policy: Policy, prose: Prose) -> None:
        self.policy, self.prose = policy, prose

    def line(self, surface: str, part: str, outgoing: Outgoing, *, repeated: bool = False) -> str:
        """`templates/<surface>/<message>/<part>` as one line; `repeated`: it may have reached them before."""
        return self.prose.line(_path(surface, part, outgoing), **self.values(outgoing, repeated))

    def text(self, surface: str, part: str, outgoing: Outgoing, *, repeated: bool = False) -> str:
        """As plain text."""
        return self.prose.plain(_path(surface, part, outgoing), **self.values(outgoing, repeated))

    def html(self, surface: str, part: str, outgoing: Outgoing, *, subject: str, repeated: bool = False) -> str:
        """As HTML."""
        values = self.values(outgoing, repeated)
        return self.prose.html(_path(surface, part, outgoing), **values, subject=subject)

    def values(self, outgoing: Outgoing, repeated: bool = False) -> Values:
        """What every template of a message is given; `subject` besides, where it is HTML."""
        common = {"product": self.policy.product, "incident": outgoing.incident_id, "repeated": repeated}
        if isinstance(outgoing, OutgoingPage):
            return {**common, "page": outgoing}
        return {
            **common,
            "kind": kind_of(outgoing),
            "resolved": outgoing.stage == "resolved",
            "said": outgoing.statement,
            "next_update": outgoing.next_update_at,
            "components": list_components(self.policy, outgoing),
            "status_page_url": self.policy.channels.status_page_url,
        }


def kind_of(outgoing: OutgoingBulletin) -> str:
    """The word in brackets of the document's Notification Template."""
    if outgoing.statement.drill:
        return "DRILL"
    return "RESOLVED" if outgoing.stage == "resolved" else "INCIDENT"


def list_components(policy: Policy, outgoing: OutgoingBulletin) -> list[dict[str, str]]:
    """Title and state, in words, of every component that is affected."""
    return [
        {
            "title": policy.components[key].title if key in policy.components else key,
            "state": state.replace("_", " "),
        }
        for key, state in outgoing.statement.components.items()
    ]


def _path(surface: str, part: str, outgoing: Outgoing) -> str:
    message = "page" if isinstance(outgoing, OutgoingPage) else "bulletin"
    return f"{surface}/{message}/{part}"
