"""The files of the status page, made from its record: HTML without scripts, one style sheet, an Atom feed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bot.comms.status_site.record import ComponentRecord, IncidentRecord, Record
from bot.comms.status_site.uptime import DAYS, Day
from bot.comms.wording import STATES
from bot.words import show_duration

PAST_DAYS = 14
FEED_ENTRIES = 30
LABELS = {**STATES, "under_maintenance": "Under maintenance"}
HEADLINES = {
    "operational": "All systems operational",
    "under_maintenance": "Maintenance is under way",
    "degraded_performance": "Degraded performance",
    "partial_outage": "Partial outage",
    "major_outage": "Major outage",
}
OURS = re.compile(r"incidents/[0-9]+\.html|history/[0-9]{4}-[0-9]{2}\.html")
"""Pages that may have to go again."""
UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
"""What XML cannot hold, not even escaped (XML 1.0, Char)."""


@dataclass(frozen=True)
class Month:
    """The incidents that the public first heard of in one month, the newest first."""

    first: date
    incidents: list[IncidentRecord]

    @property
    def name(self) -> str:
        """Of its page: 2026-11."""
        return f"{self.first:%Y-%m}"


class Pages:
    """Renders a record; the same record gives the same bytes. `address`: where the site is, without a last slash."""

    def __init__(self, templates: Path, product: str, address: str) -> None:
        folder = templates / "status_page"
        self._style = (folder / "style.css").read_bytes()
        environment = Environment(
            loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
            lstrip_blocks=True, finalize=_printable,
        )  # fmt: skip
        environment.filters |= {"moment": _moment, "day": _day, "iso": _iso, "month": lambda one: f"{one:%B %Y}"}
        environment.globals |= {
            "product": product, "address": address.rstrip("/"), "labels": LABELS, "headlines": HEADLINES,
            "uptime_days": DAYS, "past_days": PAST_DAYS, "tell_days": tell_days, "tell_bars": tell_bars,
        }  # fmt: skip
        self._environment = environment

    def render(self, record: Record) -> dict[str, bytes]:
        """Every file by its path; what others link to comes before what links to it."""
        titles = {one.key: one.title for one in record.components}
        public = {one.id for one in record.incidents}
        known = {"titles": titles, "public": public, "at": record.at}
        files = {"style.css": self._style}
        for incident in record.incidents:
            page = self._render("incident.html", root="../", incident=incident, **known)
            files[f"incidents/{incident.id}.html"] = page
        months = list_months(record.incidents)
        for month in months:
            files[f"history/{month.name}.html"] = self._render("month.html", root="../", month=month, **known)
        files["history/index.html"] = self._render("history.html", root="../", months=months, **known)
        files["feed.xml"] = self._render("feed.xml", record=record, entries=record.incidents[:FEED_ENTRIES], **known)
        past = list(list_past_days(record))
        files["index.html"] = self._render("index.html", root="", record=record, past=past, **known)
        return files

    def _render(self, template: str, **values: object) -> bytes:
        return self._environment.get_template(template).render(**values).encode()


def is_ours(path: str) -> bool:
    """Whether a file of this path can only be an older page of the site."""
    return OURS.fullmatch(path) is not None


def list_months(incidents: list[IncidentRecord]) -> list[Month]:
    """The months with incidents, the newest first."""
    firsts = sorted({one.began_at.date().replace(day=1) for one in incidents}, reverse=True)
    return [Month(first, [one for one in incidents if one.began_at.date().replace(day=1) == first]) for first in firsts]


def list_past_days(record: Record) -> Iterator[tuple[date, list[IncidentRecord]]]:
    """The last days, today first, each with the incidents that the public first heard of on it."""
    today = record.at.astimezone(UTC).date()
    for number in range(PAST_DAYS):
        day = today - timedelta(days=number)
        yield day, [one for one in record.incidents if one.began_at.date() == day]


def tell_days(component: ComponentRecord) -> list[tuple[date, str]]:
    """The days on which something was wrong, the newest first, in words: the bars for those who cannot see them."""
    return [(day.date, _tell(day)) for day in reversed(component.uptime.days) if day.lasted_s]


def tell_bars(component: ComponentRecord) -> list[tuple[int, str, str]]:
    """Each bar: its place, the worst state of its day, and its words."""
    return [
        (number, day.worst, f"{_day(day.date)}: {_tell(day) or 'nothing was reported'}")
        for number, day in enumerate(component.uptime.days)
    ]


def _tell(day: Day) -> str:
    return ", ".join(f"{LABELS.get(state, state).lower()} for {show_duration(s)}" for state, s in day.lasted_s.items())


def _printable(value: object) -> object:
    return UNPRINTABLE.sub("", value) if type(value) is str else value


def _moment(at: datetime) -> str:
    at = at.astimezone(UTC)
    return f"{at.day} {at:%B %Y, %H:%M} UTC"


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def _iso(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
