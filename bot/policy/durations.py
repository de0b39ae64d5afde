"""How the policy writes spans of time: "5 minutes", "1h30m", "immediate", "next business day"."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from annotated_types import Gt
from pydantic import BeforeValidator, PlainSerializer

SPELLINGS = {
    "second": ("s", "sec", "secs", "second", "seconds"),
    "minute": ("m", "min", "mins", "minute", "minutes"),
    "hour": ("h", "hr", "hrs", "hour", "hours"),
    "day": ("d", "day", "days"),
    "week": ("w", "week", "weeks"),
}
SECONDS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400, "week": 604_800}
UNIT_OF = {spelling: unit for unit, spellings in SPELLINGS.items() for spelling in spellings}
PART = re.compile(r"\s*([0-9]{1,6})\s*([A-Za-z]+)\s*")

ACCEPTABLE_LOSS = "acceptable loss"
CLOCKLESS_WORDS = ("next business day", "next sprint")


def parse_duration(text: object) -> timedelta:
    """Read a duration such as "5 minutes", "30 min", "1 hour", "24 hours", "1h30m" or "0 minutes".

    Units go from the largest to the smallest, each at most once; every number is whole and has its unit.
    A timedelta is returned as it is. Raises ValueError with the reason for anything else.
    """
    if isinstance(text, timedelta):
        return text
    if not isinstance(text, str):
        raise ValueError(f'a duration is a number with its unit, such as "5 minutes"; found {text!r}')
    total_s, smallest, position = 0, "", 0
    while position < len(text) or not smallest:
        part = PART.match(text, position)
        if part is None:
            raise ValueError(f'"{text}" is not a duration: write whole numbers with units, such as "1h30m"')
        unit = read_unit(part[2], text)
        if smallest and SECONDS[unit] >= SECONDS[smallest]:
            raise ValueError(f'"{text}" is not a duration: units go from large to small, each once')
        total_s, smallest, position = total_s + int(part[1]) * SECONDS[unit], unit, part.end()
    return timedelta(seconds=total_s)


def read_unit(spelling: str, text: str) -> str:
    """The unit that a spelling stands for; ValueError names the units when there is none."""
    unit = UNIT_OF.get(spelling.lower())
    if unit is None:
        raise ValueError(f'"{text}": unknown unit "{spelling}"; use seconds, minutes, hours, days or weeks')
    return unit


def format_duration(duration: timedelta) -> str:
    """Write a duration of whole seconds in words, "1 hour 30 minutes"; `parse_duration` reads it back."""
    left_s, parts = int(duration.total_seconds()), []
    for unit in ("day", "hour", "minute", "second"):
        count, left_s = divmod(left_s, SECONDS[unit])
        if count:
            parts.append(f"{count} {unit}{'' if count == 1 else 's'}")
    return " ".join(parts) or "0 minutes"


@dataclass(frozen=True)
class Deadline:
    """By when something is due, counted from when the clock starts.

    `within` is zero for "immediate" and None where the document gives a word that only a calendar can
    turn into a time ("next business day", "next sprint"); `text` is what to show people.
    """

    text: str
    within: timedelta | None

    def __str__(self) -> str:
        return self.text


def parse_deadline(text: object) -> Deadline:
    """Read "immediate", "next business day", "next sprint" or a duration. Raises ValueError otherwise."""
    if isinstance(text, Deadline):
        return text
    word = text.strip().lower() if isinstance(text, str) else ""
    if word == "immediate":
        return Deadline(word, timedelta(0))
    if word in CLOCKLESS_WORDS:
        return Deadline(word, None)
    try:
        duration = parse_duration(text)
    except ValueError as error:
        raise ValueError(f'{error} (or "immediate", "next business day", "next sprint")') from None
    return Deadline(format_duration(duration), duration)


def parse_loss(text: object) -> timedelta | None:
    """Read how much data may be lost: a duration, or "acceptable loss" (None: any amount)."""
    if isinstance(text, str) and text.strip().lower() == ACCEPTABLE_LOSS:
        return None
    try:
        return parse_duration(text)
    except ValueError as error:
        raise ValueError(f'{error} (or "{ACCEPTABLE_LOSS}")') from None


def format_loss(target: timedelta | None) -> str:
    """The opposite of `parse_loss`."""
    return ACCEPTABLE_LOSS if target is None else format_duration(target)


Duration = Annotated[timedelta, BeforeValidator(parse_duration), PlainSerializer(format_duration)]
PositiveDuration = Annotated[Duration, Gt(timedelta(0))]
DeadlineText = Annotated[Deadline, BeforeValidator(parse_deadline), PlainSerializer(str)]
LossTarget = Annotated[timedelta | None, BeforeValidator(parse_loss), PlainSerializer(format_loss)]
