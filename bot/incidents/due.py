"""When something is due, as people say it: "14:30", "5pm", "in 2h", "tomorrow 9:00", "friday", "2026-03-05 14:30"."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from bot.policy.durations import parse_duration

EXAMPLES = "by 14:30, by 5pm, in 2h, by friday, by tomorrow 9:00, by 2026-03-05 14:30"
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
END_OF_DAY = time(23, 59)
"""A task that is due on a day may be done on that day."""
LONGEST = timedelta(days=3650)
_MARK = re.compile(r"(?:^|(?<=\s))(?:by|due|in)\s+", re.IGNORECASE)
_TIME = re.compile(r"(?:(.*)\s)?\s*([0-9]{1,2})(?::([0-9]{2}))?(?:\s?([ap])\.?m\.?)?")
NOON = 12


def split_due(text: str, now: datetime, zone: tzinfo) -> tuple[str, datetime | None]:
    """What is to be done, and when it is due where the text ends with that; times of day are those of `zone`."""
    for mark in _MARK.finditer(text):
        due = read_due(text[mark.start() :], now, zone)
        if due is not None:
            return text[: mark.start()].rstrip(" ,"), due
    return text, None


def read_due(text: str, now: datetime, zone: tzinfo) -> datetime | None:
    """The moment, in UTC; None for words that are none."""
    words = " ".join(text.lower().split())
    kind, _, rest = words.partition(" ")
    if kind == "in":
        return _read_span(rest, now)
    if kind in ("by", "due"):
        words = rest
    return _read_moment(words, now, zone)


def _read_span(words: str, now: datetime) -> datetime | None:
    try:
        span = parse_duration(words.replace(" and ", " "))
    except ValueError:
        return None
    return now.astimezone(UTC) + span if timedelta(0) < span <= LONGEST else None


def _read_moment(words: str, now: datetime, zone: tzinfo) -> datetime | None:
    here = now.astimezone(zone)
    clock = _TIME.fullmatch(words)
    if clock and not (clock[3] or clock[4]):  # a number alone is no time
        clock = None
    day_words, at = (clock[1] or "", _read_time(clock[2], clock[3], clock[4])) if clock else (words, END_OF_DAY)
    if at is None or (not clock and not words):
        return None
    if not day_words:
        today = _at(here.date(), at, zone)
        return today if today > now else _at(here.date() + timedelta(days=1), at, zone)
    day = _read_day(day_words.strip(), here.date())
    return _at(day, at, zone) if day else None


def _read_time(hours: str, minutes: str | None, half: str | None) -> time | None:
    """`half`: "a" or "p" where it was said with am or pm."""
    hour, minute = int(hours), int(minutes or 0)
    if half:
        if not 1 <= hour <= NOON:
            return None
        hour = hour % NOON + (NOON if half == "p" else 0)
    return time(hour, minute) if hour < 24 and minute < 60 else None


def _read_day(word: str, today: date) -> date | None:
    """A day of the week is the next one of that name: never today."""
    if word in ("today", "tonight"):
        return today
    if word == "tomorrow":
        return today + timedelta(days=1)
    found = [index for index, name in enumerate(DAYS) if len(word) >= 3 and name.startswith(word)]
    if found:
        return today + timedelta(days=(found[0] - today.weekday() - 1) % 7 + 1)
    try:
        return date.fromisoformat(word) if len(word) == len("2026-03-05") else None
    except ValueError:
        return None


def _at(day: date, at: time, zone: tzinfo) -> datetime:
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)
