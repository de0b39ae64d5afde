"""Microsoft Teams: an adaptive card to a workflow that posts cards (202), or to an incoming webhook of old (200).

Limits (learn.microsoft.com, "Create an Incoming Webhook" and "Rate limiting for connectors"): 28 kB in all; 4 requests
in a second, 60 in 30 seconds, 100 in an hour, 150 in two, 1,800 in a day. Ours are kept apart for the first two; beyond
the others, what is refused is tried again until it is taken. Others saw cards of 21 to 27 kB refused, by a workflow
after its 202, which nobody hears of: so ours stay well below. Old connectors answer 200 and say in the body that it
failed. Teams knows no key for doing a thing once: what is sent again after a lost answer says so.
"""

from __future__ import annotations

import re
from typing import Any

from bot.comms.channels import NotSetUp, Wiring
from bot.comms.deliveries import ChannelDown, ChannelRefused, Parcel, Receipt
from bot.comms.outgoing import Outgoing, OutgoingPage
from bot.comms.phrasing import Phrasing, list_components
from bot.comms.sending import far_side_outcomes, open_parcel
from bot.policy import TeamsSettings
from bot.systems.far_side import FarSide, post, write_json
from bot.systems.pace import Pace
from bot.words import cut

NAME = "teams"
SIZE_LIMIT_BYTES = 20_000
SPACING_S = 0.5
TEXT_LIMIT = 5000
FACT_LIMIT = 1000
LONGEST_TITLE = 500
FAILED_INSIDE = re.compile(r"HTTP error (\d{3})")
MARKDOWN = re.compile(r"[\\`*_]|\((?<=\]\()")
"""What opens something in the little Markdown that cards know: bold, slanted, links."""


class Teams:
    """Posts cards. The webhook's address is a secret."""

    name = NAME

    def __init__(self, wiring: Wiring, settings: TeamsSettings, pace: Pace) -> None:
        self.wiring, self.settings, self.pace = wiring, settings, pace
        self.phrasing = Phrasing(wiring.policy, wiring.prose)
        self.far_side = FarSide("Microsoft Teams", settings.webhook_env)

    def send(self, parcel: Parcel) -> Receipt:
        if parcel.sent_before:
            return parcel.delivery.receipt
        outgoing = open_parcel(self.wiring.database, parcel)
        content = self._write(outgoing, repeated=parcel.may_have_been_sent)
        self.pace.wait()
        with far_side_outcomes():
            accepted = post(self.far_side, self.wiring.secret(self.settings.webhook_env), content, {})
        _look_inside(accepted.text)
        receipt: Receipt = {"status": accepted.status}
        return {**receipt, "repeated": True} if parcel.may_have_been_sent else receipt

    def _write(self, outgoing: Outgoing, *, repeated: bool) -> bytes:
        """The card, with as much of the text as it takes."""
        limit = TEXT_LIMIT
        while True:
            content = write_json(self._card(outgoing, repeated, limit))
            if len(content) <= SIZE_LIMIT_BYTES or limit < LONGEST_TITLE:
                return content
            limit //= 2

    def _card(self, outgoing: Outgoing, repeated: bool, limit: int) -> dict[str, Any]:
        title = cut(self.phrasing.line("teams", "title.txt", outgoing), LONGEST_TITLE)
        text = self.phrasing.text("teams", "text.txt", outgoing, repeated=repeated).strip()
        body: list[dict[str, Any]] = [
            {"type": "TextBlock", "text": _literal(title), "weight": "Bolder", "size": "Medium", "wrap": True},
            {"type": "TextBlock", "text": _literal(cut(text, limit)), "wrap": True},
        ]
        facts = self._facts(outgoing, min(limit, FACT_LIMIT))
        if facts:
            body.append({"type": "FactSet", "facts": facts})
        card = {
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4",
            "body": body,
        }  # fmt: skip
        attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
        return {"type": "message", "attachments": [attachment]}

    def _facts(self, outgoing: Outgoing, limit: int) -> list[dict[str, str]]:
        if isinstance(outgoing, OutgoingPage):
            return []
        said, over, due_at = outgoing.statement, outgoing.stage == "resolved", outgoing.next_update_at
        affected = ", ".join(
            f"{part['title']} ({part['state']})" for part in list_components(self.wiring.policy, outgoing)
        )
        rows = {
            "Severity": f"{said.severity}-{said.severity_title}",
            "Detected": f"{said.detected_at:%Y-%m-%d %H:%M:%S} UTC",
            "Impact while it lasted" if over else "Impact": said.impact or "not known yet",
            "Affected components": affected or "not known yet",
            "Status": said.status.capitalize(),
            **({} if over else {"Estimated recovery": said.estimated_recovery or "not known yet"}),
            **({"Next update": f"by {due_at:%Y-%m-%d %H:%M:%S} UTC"} if due_at else {}),
            "DR Coordinator": said.coordinator or "not assigned yet",
            "As of": f"{said.at:%Y-%m-%d %H:%M:%S} UTC",
        }
        return [{"title": title, "value": _literal(cut(value, limit))} for title, value in rows.items()]


def build(wiring: Wiring) -> Teams:
    """Raises `NotSetUp` without the webhook's address."""
    settings = wiring.policy.channels.teams
    if settings is None:
        raise NotSetUp("the policy does not set it up")
    wiring.require(settings.webhook_env)
    return Teams(wiring, settings, Pace(SPACING_S))


def _look_inside(text: str) -> None:
    """Old connectors hide a failure in a good answer: "… endpoint returned HTTP error 429 …"."""
    found = FAILED_INSIDE.search(text)
    if found is None:
        return
    status = int(found.group(1))
    words = f"Microsoft Teams took it and then answered {status}"
    if status == 429 or status >= 500:
        raise ChannelDown(words, not_begun=status == 429)
    raise ChannelRefused(words)


def _literal(text: str) -> str:
    """What people wrote, so that the card's Markdown shows it; two line ends make one."""
    return MARKDOWN.sub(r"\\\g<0>", text).replace("\n", "\n\n")
