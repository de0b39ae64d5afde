"""Kinds of disaster, how severe an incident is, whom it concerns and how often they hear of it."""

from typing import Literal

from pydantic import Field, model_validator

from bot.policy.channels import Way
from bot.policy.durations import DeadlineText, PositiveDuration
from bot.policy.section import ChannelName, Email, Key, Section, Text

SeverityName = Literal["P1", "P2", "P3", "P4"]
DiagnosisScope = Literal[
    "all", "application", "backups", "code", "database", "infrastructure", "network", "secrets", "system"
]  # fmt: skip


class Category(Section):
    """A kind of disaster (document: Disaster Categories)."""

    title: Text
    """Name of the category."""
    examples: list[Text]
    """What belongs to it."""
    severity_label: Literal["Critical", "High", "Medium", "Low"]
    """How severe the category is as a whole."""
    response_time: DeadlineText
    """By when somebody must be working on it."""
    default_severity: SeverityName
    """Severity offered when such an incident is declared."""
    diagnose_at_declare: bool | None = Field(default=None, examples=[True])
    """Whether the systems are looked at by themselves when one is declared; where unset, the severity decides."""
    diagnose_scope: DiagnosisScope = Field(default="all", examples=["database"])
    """What is looked at then, as `/dr diagnose` names it."""
    disaster_types: list[Key]
    """Keys of `disasters` that belong to it; their RTO applies. Empty where the document names none."""
    private: bool = False
    """Whether such incidents are private unless somebody says otherwise: only members know of them."""
    private_roles: list[Key] = Field(default_factory=list, examples=[["security_officer"]])
    """Roles whose holders are members of such private incidents from the start, besides whoever declares one."""


class Cadence(Section):
    """When people hear about an incident (document: Stakeholder Updates)."""

    first_update: PositiveDuration = Field(examples=["15 minutes"])
    """Longest time from the declaration to the first update."""
    ongoing: PositiveDuration = Field(examples=["30 minutes"])
    """Longest time from one update to the next."""
    resolution: DeadlineText = Field(examples=["immediate"])
    """By when the resolution is announced, counted from the resolution."""


class Severity(Section):
    """One of P1 to P4 (document: Severity Classification)."""

    title: Text
    """Name of the severity."""
    meaning: Text
    """What an incident of this severity looks like."""
    instruction: Text
    """What to do about it."""
    action_within: DeadlineText
    """By when something must be done about it."""
    diagnose_at_declare: bool = False
    """Whether the systems are looked at by themselves when one is declared; once, and nobody waits for it."""
    cadence: Cadence
    """How often people hear about it."""
    cadences: dict[Key, Cadence] = Field(
        default_factory=dict,
        examples=[{"customers": {"first_update": "1 hour", "ongoing": "4 hours", "resolution": "immediate"}}],
    )
    """Another cadence for some of the audiences, by their keys."""
    audiences: list[Key] = Field(min_length=1)
    """Keys of `audiences` that are told."""


class Audience(Section):
    """People who must know (document: Stakeholders); which severities, `severities.*.audiences` says."""

    title: Text
    """Who they are."""
    how: Text
    """How they are told, in words."""
    ways: list[Way] = Field(min_length=1)
    """On which ways they are told; those that `channels` does not set up are left out."""
    addresses: list[Email] = Field(default_factory=list)
    """E-mail addresses; a distribution list is one."""
    slack_channels: list[ChannelName] = Field(default_factory=list, examples=[["support"]])
    """Slack channels in which they hear of it, without the #; those in the incident's own channel hear it anyway."""
    public: bool = False
    """Whether what they are told is looked at by somebody who may publish (`updates.publishers`) before it goes out."""
    pager_severities: list[SeverityName] = Field(default_factory=lambda: list[SeverityName](("P1",)))
    """Severities at which the way `pager` is used; at others it is not."""

    @model_validator(mode="after")
    def check_addresses(self) -> "Audience":
        """Refuse e-mail to nobody, and a public page without somebody who looks at it first."""
        if "email" in self.ways and not self.addresses:
            raise ValueError("`addresses` is needed where `ways` names email")
        if "status_page" in self.ways and not self.public:
            raise ValueError("`public: true` is needed where `ways` names status_page")
        return self


def cadence_for(severity: Severity, audience: str) -> Cadence:
    """How often an audience hears of incidents of a severity."""
    return severity.cadences.get(audience, severity.cadence)
