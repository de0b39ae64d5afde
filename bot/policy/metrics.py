"""What is measured over time, and how long it is kept."""

from datetime import timedelta

from pydantic import Field, model_validator

from bot.policy.durations import PositiveDuration
from bot.policy.section import Section

SHORTEST, LONGEST = timedelta(seconds=1), timedelta(hours=1)


class Metrics(Section):
    """The series behind the charts and behind what is usual (document: Step 1, Initial assessment).

    The first figures are kept one by one, then put together, then forgotten: what is kept does not grow for ever.
    """

    every: PositiveDuration = Field(examples=["1 minute"])
    """Time from one measurement to the next; from a second to an hour."""
    keep_for: PositiveDuration = Field(examples=["3 days"])
    """How long every single figure is kept."""
    thin_to: PositiveDuration = Field(examples=["15 minutes"])
    """Older figures are put together, one for each such time, with the lowest and the highest."""
    keep_thinned_for: PositiveDuration = Field(examples=["5 weeks"])
    """How long those are kept."""

    @model_validator(mode="after")
    def check_order(self) -> "Metrics":
        """Refuse an interval that would wear systems out, and times that contradict one another."""
        if not SHORTEST <= self.every <= LONGEST:
            raise ValueError("`every` must be from 1 second to 1 hour")
        if self.thin_to < self.every:
            raise ValueError("`thin_to` is shorter than `every`")
        if self.keep_for < self.thin_to:
            raise ValueError("`keep_for` is shorter than `thin_to`")
        if self.keep_thinned_for < self.keep_for:
            raise ValueError("`keep_thinned_for` is shorter than `keep_for`")
        return self
