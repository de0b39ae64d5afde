"""Blackout windows: when no run may start, by the clock in the policy's time zone."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated, get_args
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from bot.policy.approval import Plannable, PlanScope
from bot.policy.databases import Weekday, Window
from bot.policy.section import Text

if TYPE_CHECKING:
    from bot.policy.policy import Policy

WEEKDAYS = get_args(Weekday)
DAY = timedelta(days=1)
LOOK_AHEAD = timedelta(days=366)


def read_dates(text: str) -> tuple[date, date]:
    """First and last day of "2026-12-24" or of "2026-12-20 to 2027-01-02". Raises ValueError."""
    first, _, last = text.partition(" to ")
    days = date.fromisoformat(first), date.fromisoformat(last or first)
    if days[0] > days[1]:
        raise ValueError("the last day is before the first")
    return days


def require_dates(text: str) -> str:
    """Return a date, or the first and the last of several, unchanged, or raise ValueError."""
    try:
        read_dates(text)
    except ValueError as error:
        raise ValueError(f'"{text}" is not a date such as 2026-12-24 or 2026-12-20 to 2027-01-02: {error}') from error
    return text


Dates = Annotated[str, AfterValidator(require_dates)]


class Blackout(PlanScope):
    """A window in which no run may start, unless the glass is broken."""

    title: Text = Field(examples=["Bag sorting at the weekend"])
    """What people call it."""
    window: Window = Field(examples=["08:00-20:00"])
    """From when to when, in the policy's time zone; an end that is not after its beginning is on the next day."""
    weekdays: list[Weekday] = Field(default_factory=list, examples=[["saturday", "sunday"]])
    """Days on which it begins; every day where left out."""
    dates: list[Dates] = Field(default_factory=list, examples=[["2026-12-20 to 2027-01-02"]])
    """Dates on which it begins, each one day or first to last; every date where left out."""

    @model_validator(mode="after")
    def check_end(self) -> "Blackout":
        """Refuse a window that never closes."""
        if self.opens == self.closes and not self.dates and set(self.weekdays or WEEKDAYS) == set(WEEKDAYS):
            raise ValueError("a blackout of every day and the whole day would never end")
        return self

    @property
    def opens(self) -> time:
        """When it begins."""
        return time.fromisoformat(self.window[:5])

    @property
    def closes(self) -> time:
        """When it ends."""
        return time.fromisoformat(self.window[6:])

    def begins_on(self, day: date) -> bool:
        """Whether the window opens on that day."""
        if self.weekdays and WEEKDAYS[day.weekday()] not in self.weekdays:
            return False
        return not self.dates or any(first <= day <= last for first, last in map(read_dates, self.dates))

    def end_at(self, moment: datetime, zone: ZoneInfo) -> datetime | None:
        """When the window that is open at the moment closes, in UTC; None while it is not open."""
        today = moment.astimezone(zone).date()
        for day in (today, today - DAY):
            last = day if self.closes > self.opens else day + DAY
            # In UTC, since times of one zone are compared as its clock shows them, also when it is put back.
            opened = datetime.combine(day, self.opens, zone).astimezone(UTC)
            closed = datetime.combine(last, self.closes, zone).astimezone(UTC)
            if self.begins_on(day) and opened <= moment < closed:
                return closed
        return None


@dataclass(frozen=True)
class Closure:
    """Why no run may start now, and until when (UTC); None where no end is in sight."""

    title: str
    until: datetime | None


def find_closure(policy: "Policy", plan: Plannable, moment: datetime) -> Closure | None:
    """The blackout that keeps this plan from starting, to the end of all that follow without a gap."""
    concerned = [one for one in policy.blackouts if one.covers(plan)]
    title, until = "", moment
    while found := next(_find_open(concerned, until, policy.zone), None):
        title, until = title or found[0], found[1]
        if until - moment > LOOK_AHEAD:
            return Closure(title, None)
    return Closure(title, until) if title else None


def _find_open(blackouts: list[Blackout], moment: datetime, zone: ZoneInfo) -> Iterator[tuple[str, datetime]]:
    for blackout in blackouts:
        end = blackout.end_at(moment, zone)
        if end:
            yield blackout.title, end
