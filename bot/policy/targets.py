"""How much downtime and how much loss of data is acceptable, and what a disaster costs."""

from datetime import timedelta

from pydantic import Field, model_validator

from bot.policy.durations import Duration, LossTarget, PositiveDuration, format_duration
from bot.policy.section import Section, Text


class BusinessImpact(Section):
    """What a day without the product costs (document: Business Impact)."""

    revenue_loss_per_day_usd_low: int = Field(ge=0)
    """Lower estimate of the revenue lost in a day, in US dollars."""
    revenue_loss_per_day_usd_high: int = Field(ge=0)
    """Upper estimate of the revenue lost in a day, in US dollars."""
    consequences: list[Text]
    """What stops working."""

    @model_validator(mode="after")
    def check_order(self) -> "BusinessImpact":
        """Refuse an estimate that is upside down."""
        if self.revenue_loss_per_day_usd_low > self.revenue_loss_per_day_usd_high:
            raise ValueError("the lower estimate of the loss is above the upper one")
        return self


class Phase(Section):
    """A stretch of a recovery."""

    name: Text
    """What is done in it."""
    expected: Duration
    """How long it should take."""


class Disaster(Section):
    """A type of disaster with its recovery time objective (document: RTO, Calculation Examples)."""

    title: Text
    """Name of the type."""
    rto: PositiveDuration
    """Longest acceptable downtime."""
    procedure: Text
    """How it is recovered from."""
    phases: list[Phase] = Field(default_factory=list)
    """What the recovery consists of, with expected times; they must fit into the RTO."""

    @property
    def expected_total(self) -> timedelta:
        """Sum of the expected phases; zero where none are stated."""
        return sum((phase.expected for phase in self.phases), timedelta(0))

    @model_validator(mode="after")
    def check_phases_fit(self) -> "Disaster":
        """Refuse a plan that misses its own objective."""
        if self.expected_total > self.rto:
            raise ValueError(
                f"the phases take {format_duration(self.expected_total)} together,"
                f" longer than the RTO of {format_duration(self.rto)}"
            )
        return self


class RpoTarget(Section):
    """How much of a kind of data may be lost (document: Recovery Point Objective)."""

    title: Text
    """What the data is."""
    target: LossTarget
    """Longest acceptable loss, or "acceptable loss" where any will do."""
    implementation: Text
    """What makes it hold."""
