"""Links that responders want at hand."""

from __future__ import annotations

from urllib.parse import urlsplit

import sqlalchemy as sa

from bot.incidents.changes import Changes
from bot.incidents.text import LINE_LIMIT, clean_line
from bot.outcome import Refused
from bot.store.tables import Link

URL_LIMIT = 2000
EXAMPLE = "/incident link https://grafana.example.com/d/7 Dashboard"


class Links:
    def __init__(self, changes: Changes) -> None:
        self.changes = changes

    def add(self, incident_id: int, *, actor: str, url: str, title: str = "") -> Link:
        """Keep an address. Raises `Refused` for one that no browser opens, or that is there already."""
        address = clean_address(url)
        title = clean_line(title or address, "the title", LINE_LIMIT, EXAMPLE)
        with self.changes.to_any(incident_id, actor) as change:
            there = sa.select(Link.id).where(Link.incident_id == incident_id, Link.url == address)
            if change.session.scalar(there) is not None:
                raise Refused(f"#{incident_id} has that link already.", "Nothing was changed.")
            link = Link(
                incident_id=incident_id, url=address, title=title, added_by=actor, added_at=self.changes.clock()
            )
            change.session.add(link)
            change.record("incident.link", f"Link: {title}: {address}", {"url": address, "title": title})
            change.tell("details")
            return link


def clean_address(url: str) -> str:
    """A web address. Raises `Refused` for anything else."""
    address = url.strip()
    if not _is_plain(address) or not _has_host(address):
        raise Refused(f"{url[:60]!r} is not a web address.", f"Example: `{EXAMPLE}`.")
    return address


def _has_host(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:  # a bracket that is not closed
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _is_plain(address: str) -> bool:
    """What can stand in Slack's `<url|title>` without ending it."""
    return address.isprintable() and len(address) <= URL_LIMIT and not set(address) & set(" <>|\"'`")
