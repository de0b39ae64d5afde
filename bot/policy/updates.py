"""How people are kept to the cadence of updates, who may speak to the public, and which days are working days."""

from datetime import date, datetime, time
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from bot.policy.durations import Duration, PositiveDuration
from bot.policy.people import PersonKey
from bot.policy.public_holidays import refuse_unknown_place
from bot.policy.section import EnvironmentName, Key, Section, Text, WebAddress, matching

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


def require_time_of_day(text: str) -> str:
    """Return a time of day such as "09:00" unchanged, or raise ValueError."""
    try:
        parsed = time.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f'"{text}" is not a time of day such as "09:00"') from error
    if parsed.tzinfo is not None or len(text) != len("09:00"):
        raise ValueError(f'"{text}" is not a time of day such as "09:00"')
    return text


def require_local_moment(text: str) -> str:
    """Return a local time such as "2026-01-05 09:00" unchanged, or raise ValueError where there is none such."""
    try:
        datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f'"{text}" is not a local time such as "2026-01-05 09:00": {error}') from error
    return text


def require_day(text: str) -> str:
    """Return a date such as "2026-12-24" unchanged, or raise ValueError where there is none such."""
    try:
        date.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f'"{text}" is not a date such as 2026-12-24: {error}') from error
    return text


TimeOfDay = Annotated[str, AfterValidator(require_time_of_day)]
LocalMoment = Annotated[
    str,
    matching(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}", 'a local time such as "2026-01-05 09:00"'),
    AfterValidator(require_local_moment),
]
Day = Annotated[str, matching(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "a date such as 2026-12-24"), AfterValidator(require_day)]


class Updates(Section):
    """How the cadence of `severities.*.cadence` is kept."""

    remind_before: Duration
    """How long before an update is due the person responsible is reminded, by direct message."""
    escalate_after: PositiveDuration
    """How long after it was due the next one up the line hears of it, and the next after as long again."""
    responsible: list[Key] = Field(min_length=1)
    """Roles that see to updates, the first one held is reminded; the others are the line upwards."""
    publishers: list[Key] = Field(min_length=1)
    """Roles whose holders may publish to the public."""
    longest_snooze: PositiveDuration
    """Longest time by which an update may be put off."""
    nag_coordinator_every: PositiveDuration
    """How often the channel is told that nobody coordinates, while that is so."""


class Calendar(Section):
    """Working days, in the policy's time zone; what is due on the next business day is due then."""

    workdays: list[Weekday] = Field(min_length=1)
    """Days of the week on which people work."""
    opens: TimeOfDay
    """When the working day begins."""
    country: Text | None = Field(default=None, examples=["US"])
    """Country whose public holidays are no working days, as ISO 3166-1 has it; none where left out."""
    subdivision: Text | None = Field(default=None, examples=["CA"])
    """State or province with holidays of its own, as ISO 3166-2 has it."""
    closed_on: list[Day] = Field(default_factory=list, examples=[["2026-12-24", "2026-12-31"]])
    """Other days on which nobody works."""

    @model_validator(mode="after")
    def check_place(self) -> "Calendar":
        """Refuse a country or a part of one whose holidays nobody knows."""
        if self.country is not None:
            refuse_unknown_place(self.country, self.subdivision)
        elif self.subdivision is not None:
            raise ValueError("`subdivision` needs `country`")
        return self


class Rota(Section):
    """Who is on call for a role, taking turns; or whom a schedule elsewhere names."""

    people: list[PersonKey] = Field(default_factory=list)
    """Keys of `people` in the order of their turns; one alone is always on call."""
    shift: PositiveDuration | None = Field(default=None, examples=["7 days"])
    """How long a turn is."""
    starts: LocalMoment | None = Field(default=None, examples=["2026-01-05 09:00"])
    """When the first turn began, in the policy's time zone."""
    pagerduty_schedule: Text | None = Field(default=None, examples=["PI7DH85"])
    """Id of a PagerDuty schedule that says who is on call; asked first."""
    opsgenie_schedule: Text | None = Field(default=None, examples=["dba-rotation"])
    """Name of an Opsgenie schedule that says who is on call; asked first."""
    api_key_env: EnvironmentName | None = Field(default=None, examples=["PAGERDUTY_API_KEY"])
    """Environment variable with the key for that schedule."""
    api_url: WebAddress | None = Field(default=None, examples=["https://api.pagerduty.com"])
    """Where the schedule's interface is, unless it is the vendor's usual address."""

    @model_validator(mode="after")
    def check_turns(self) -> "Rota":
        """Refuse turns that nobody can tell, and a schedule elsewhere that cannot be asked."""
        if len(self.people) > 1 and (self.shift is None or self.starts is None):
            raise ValueError("`shift` and `starts` are needed where several people take turns")
        if self.pagerduty_schedule and self.opsgenie_schedule:
            raise ValueError("either `pagerduty_schedule` or `opsgenie_schedule`, not both")
        if self.is_elsewhere and self.api_key_env is None:
            raise ValueError("`api_key_env` is needed to ask a schedule elsewhere")
        if not self.people and not self.is_elsewhere:
            raise ValueError("`people`, `pagerduty_schedule` or `opsgenie_schedule` is needed")
        return self

    @property
    def is_elsewhere(self) -> bool:
        """Whether a schedule elsewhere says who is on call."""
        return bool(self.pagerduty_schedule or self.opsgenie_schedule)
