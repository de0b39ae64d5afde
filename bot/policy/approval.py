"""Who may let a plan run: a rule for each risk, exceptions from it, and what a lone responder may do."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol

from pydantic import Field, model_validator

from bot.policy.durations import PositiveDuration
from bot.policy.people import PersonKey
from bot.policy.section import Key, Section, matching

if TYPE_CHECKING:
    from bot.policy.policy import Policy

Risk = Literal["low", "high", "destructive"]
GroupName = Annotated[
    str,
    matching(
        r"S[A-Z0-9]{2,}|[a-z0-9][a-z0-9._-]{0,79}",
        "a Slack user group: its id such as S0614TZR7, or its handle without the @",
    ),
]
WHO_MAY = ("roles", "people", "groups")


class Plannable(Protocol):
    """What of a plan decides which rule applies to it."""

    @property
    def action(self) -> str:
        """Name of the recovery action."""

    @property
    def risk(self) -> Risk:
        """How dangerous it is."""

    @property
    def environment(self) -> str:
        """Of the database that it touches."""


@dataclass(frozen=True)
class Scope:
    """A kind of plan, where there is no plan yet."""

    action: str
    risk: Risk
    environment: str = "production"


class PlanScope(Section):
    """Which plans something is about: those that fit everything that is stated."""

    risks: list[Risk] = Field(default_factory=list, examples=[["high", "destructive"]])
    """Risks that it is about; all where left out."""
    actions: list[Key] = Field(default_factory=list, examples=[["restore_database"]])
    """Recovery actions that it is about; all where left out."""
    environments: list[Key] = Field(default_factory=list, examples=[["development"]])
    """Environments of databases that it is about; all where left out."""

    def covers(self, plan: Plannable) -> bool:
        """Whether a plan is one of those."""
        return all(
            not stated or found in stated
            for stated, found in (
                (self.risks, plan.risk),
                (self.actions, plan.action),
                (self.environments, plan.environment),
            )
        )


class ApprovalRule(Section):
    """What a plan of a given risk needs before it may run."""

    quorum: int = Field(ge=0, le=20)
    """How many different people must approve; 0 lets the plan run at once."""
    roles: list[Key]
    """Roles whose holders may approve."""
    people: list[PersonKey] = Field(default_factory=list, examples=[["amara"]])
    """Keys of people who may approve whatever their roles."""
    groups: list[GroupName] = Field(default_factory=list, examples=[["dba-team"]])
    """Slack user groups whose members may approve as far as they are in `people`, by id or by handle without the @."""
    requester_may_approve: bool
    """Whether the person who asked for the plan counts towards the quorum."""
    expires_after: PositiveDuration
    """How long a plan waits for its approvals before it lapses."""
    typed_confirmation: bool
    """Whether an approver types the name of the target."""

    @model_validator(mode="after")
    def check_roles(self) -> "ApprovalRule":
        """Refuse a quorum that nobody is named for."""
        if self.quorum and not (self.roles or self.people or self.groups):
            raise ValueError(f"a quorum of {self.quorum} needs `roles` whose holders may approve")
        return self


class ApprovalException(PlanScope):
    """Another rule for some plans: what is stated here replaces what the rule of the plan's risk says.

    Who may approve is one thing: stating any of `roles`, `people` and `groups` replaces all three.
    """

    quorum: int | None = Field(default=None, ge=0, le=20, examples=[1])
    """How many different people must approve; 0 lets the plan run at once."""
    roles: list[Key] | None = Field(default=None, examples=[["database_admin"]])
    """Roles whose holders may approve."""
    people: list[PersonKey] | None = Field(default=None, examples=[["amara"]])
    """Keys of people who may approve whatever their roles."""
    groups: list[GroupName] | None = Field(default=None, examples=[["dba-team"]])
    """Slack user groups whose members may approve as far as they are in `people`."""
    requester_may_approve: bool | None = Field(default=None, examples=[True])
    """Whether the person who asked for the plan counts towards the quorum."""
    expires_after: PositiveDuration | None = Field(default=None, examples=["2 hours"])
    """How long a plan waits for its approvals before it lapses."""
    typed_confirmation: bool | None = Field(default=None, examples=[True])
    """Whether an approver types the name of the target."""

    @model_validator(mode="after")
    def check_scope(self) -> "ApprovalException":
        """Refuse an exception that would be the rule, or that changes nothing."""
        if not (self.risks or self.actions or self.environments):
            raise ValueError("an exception says for which `risks`, `actions` or `environments` it holds")
        if not self.stated:
            raise ValueError("an exception states at least one key of the rule, such as `quorum`")
        return self

    @property
    def stated(self) -> dict[str, Any]:
        """What it says, by the rule's keys."""
        said = {name: getattr(self, name) for name in ApprovalRule.model_fields if getattr(self, name) is not None}
        if any(name in said for name in WHO_MAY):
            said = {**{name: [] for name in WHO_MAY}, **said}
        return said

    def apply(self, rule: ApprovalRule) -> ApprovalRule:
        """The rule as it is for the plans that this is about."""
        return rule.model_copy(update=self.stated)


class BreakGlass(Section):
    """When one person alone may start a plan: with a reason, before everybody's eyes."""

    enabled: bool
    """Whether the glass may be broken at all."""
    roles: list[Key]
    """Roles whose holders may."""
    risks: list[Risk]
    """Risks of the plans that may be started so."""
    shortest_reason: int = Field(ge=1, le=500)
    """How many characters a reason must have at least."""

    def covers(self, risk: Risk) -> bool:
        """Whether plans of this risk may be started so."""
        return self.enabled and risk in self.risks


class NudgeTimes(Section):
    """When those who may approve are reminded of a plan that waits for them."""

    first_after: PositiveDuration
    """How long after the plan was made."""
    again_every: PositiveDuration
    """How long between the reminders that follow, until it is decided or lapses."""


class HandoverLimits(Section):
    """How one's approval may be handed to somebody else."""

    longest: PositiveDuration
    """For how long at most."""


def rule_for(policy: "Policy", plan: Plannable) -> ApprovalRule:
    """What this plan needs: the rule of its risk, changed by the first exception that is about the plan."""
    rule = policy.approvals[plan.risk]
    exception = next((one for one in policy.approval_exceptions if one.covers(plan)), None)
    return exception.apply(rule) if exception else rule


def list_rules(policy: "Policy") -> Iterator[ApprovalRule]:
    """Every rule that some plan may come under."""
    yield from policy.approvals.values()
    for exception in policy.approval_exceptions:
        for risk in exception.risks or policy.approvals:
            yield exception.apply(policy.approvals[risk])
