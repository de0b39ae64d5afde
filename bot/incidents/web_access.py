"""Who may look at the incident pages: links that are signed for one person, and the visits that they open.

A link and a visit name the person and when both end, nothing else; what the person may see is looked up each time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from itsdangerous import BadData, URLSafeSerializer

from bot.clock import Clock, utc_now
from bot.outcome import Refused
from bot.policy import Person, Policy
from bot.settings import Settings

PAGES = "/incidents"
ENTRANCE = f"{PAGES}/enter"
LINK, VISIT = "holdfast incident page link", "holdfast incident page visit"
"""Salts: one can never pass for the other."""

HMAC = {"key_derivation": "hmac", "digest_method": hashlib.sha256}


@dataclass(frozen=True)
class Pass:
    """Leave for one person to look, until then; `incident` is where the link leads, None for the list."""

    person: Person
    until: datetime
    incident: int | None = None


class WebAccess:
    """Makes links and reads them."""

    def __init__(self, settings: Settings, policy: Policy, clock: Clock = utc_now) -> None:
        self.policy, self.clock = policy, clock
        self.url = settings.web_url
        self._secret = settings.web_secret

    @property
    def missing(self) -> list[str]:
        """Variables of the environment without which there are no pages; empty where there are."""
        there: Mapping[str, object] = {"HOLDFAST_WEB_SECRET": self._secret, "HOLDFAST_WEB_URL": self.url}
        return [name for name, value in there.items() if not value]

    @property
    def is_on(self) -> bool:
        return not self.missing

    @property
    def root(self) -> str:
        """The path of our address, which stands before every path that a browser is sent to."""
        return urlsplit(self.url).path

    @property
    def is_secure(self) -> bool:
        return urlsplit(self.url).scheme == "https"

    def make_link(self, person: Person, incident: int | None = None) -> tuple[str, datetime]:
        """An address for this person alone, and until when it is good. Raises `Refused` where there are no pages."""
        if self.missing:
            raise Refused(
                f"The incident pages are off: {' and '.join(self.missing)} "
                f"{'is' if len(self.missing) == 1 else 'are'} not set in the bot's environment.",
                'Whoever runs the bot sets them; the README says how, under "Incident pages".',
            )
        until = self.clock() + self.policy.web.link_good_for
        token = self._sign(LINK, {"person": person.key, "until": int(until.timestamp()), "incident": incident})
        return f"{self.url}{ENTRANCE}?token={token}", until

    def read_link(self, token: str) -> Pass | None:
        """None for one that is not ours, that is too old, or whose person has left the policy."""
        return self._read(LINK, token)

    def sign_visit(self, leave: Pass) -> str:
        """What the browser keeps instead of the link. It ends when the link does."""
        return self._sign(VISIT, {"person": leave.person.key, "until": int(leave.until.timestamp())})

    def read_visit(self, token: str) -> Pass | None:
        """As `read_link`."""
        return self._read(VISIT, token)

    def _sign(self, salt: str, facts: dict[str, str | int | None]) -> str:
        return self._serializer(salt).dumps(facts)

    def _read(self, salt: str, token: str) -> Pass | None:
        try:
            facts = self._serializer(salt).loads(token)
        except BadData:
            return None
        person = self.policy.person(facts["person"])
        until = datetime.fromtimestamp(facts["until"], UTC)
        if person is None or self.clock() >= until:
            return None
        return Pass(person, until, facts.get("incident"))

    def _serializer(self, salt: str) -> URLSafeSerializer:
        assert self._secret is not None, "there are no pages without a secret"
        return URLSafeSerializer(self._secret.get_secret_value(), salt=salt, signer_kwargs=HMAC)
