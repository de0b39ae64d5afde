"""Working days by the policy's calendar: which they are, and when the next one opens."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, get_args
from zoneinfo import ZoneInfo

from bot.policy.durations import Deadline
from bot.policy.public_holidays import find_holidays
from bot.policy.updates import Calendar, Weekday

if TYPE_CHECKING:
    from bot.policy.policy import Policy

WEEKDAYS = get_args(Weekday)
DAY = timedelta(days=1)
NEXT_BUSINESS_DAY = "next business day"


class BusinessDays:
    """The calendar in a time zone. Moments are aware; what is returned is UTC."""

    def __init__(self, calendar: Calendar, zone: ZoneInfo) -> None:
        self.calendar, self.zone = calendar, zone

    @cached_property
    def _closed_on(self) -> frozenset[date]:
        return frozenset(map(date.fromisoformat, self.calendar.closed_on))

    def is_working_day(self, day: date) -> bool:
        """Neither a weekend, nor a public holiday, nor one of `closed_on`."""
        if WEEKDAYS[day.weekday()] not in self.calendar.workdays or day in self._closed_on:
            return False
        country = self.calendar.country
        return country is None or day not in find_holidays(country, self.calendar.subdivision)

    def is_working(self, moment: datetime) -> bool:
        """Whether a moment falls on a working day, at whatever hour."""
        return self.is_working_day(self._day_of(moment))

    def open_next(self, moment: datetime) -> datetime:
        """When the first working day after the day of `moment` opens; never on that day itself."""
        return next(self._openings(self._day_of(moment) + DAY))

    def open_after(self, moment: datetime) -> datetime:
        """The first opening after `moment`, on the same day where it has not opened yet."""
        return next(opens for opens in self._openings(self._day_of(moment)) if opens > moment)

    def _day_of(self, moment: datetime) -> date:
        return moment.astimezone(self.zone).date()

    def _openings(self, day: date) -> Iterator[datetime]:
        opens = time.fromisoformat(self.calendar.opens)
        while True:
            if self.is_working_day(day):
                # In UTC, since times of one zone are compared as its clock shows them, also when it is put back.
                yield datetime.combine(day, opens, self.zone).astimezone(UTC)
            day += DAY


def find_business_days(policy: "Policy") -> BusinessDays:
    """The policy's calendar in the policy's time zone."""
    return BusinessDays(policy.calendar, policy.zone)


def find_due_time(deadline: Deadline, since: datetime, days: BusinessDays) -> datetime | None:
    """When something is due whose clock started at `since`.

    "next business day" is that day's opening. "next sprint" has no clock (None): when a sprint begins is decided
    elsewhere, so nobody is reminded, and the task in that team's tracker is what counts.
    """
    if deadline.within is not None:
        return since + deadline.within
    return days.open_next(since) if deadline.text == NEXT_BUSINESS_DAY else None
