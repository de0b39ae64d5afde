"""The whole policy: what the organisation decided, in one immutable object."""

from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, model_validator

from bot.policy.alerts import Alerts
from bot.policy.applications import Application
from bot.policy.approval import (
    ApprovalException,
    ApprovalRule,
    BreakGlass,
    HandoverLimits,
    NudgeTimes,
    Risk,
)
from bot.policy.blackouts import Blackout
from bot.policy.channels import Channels
from bot.policy.coherence import Contradictions, find_contradictions
from bot.policy.communication import FollowUp, SlackSettings
from bot.policy.components import Component, SinglePointOfFailure
from bot.policy.databases import BackupSchedule, Database
from bot.policy.drills import DrillPlan
from bot.policy.hosts import Host
from bot.policy.infrastructure import Infrastructure
from bot.policy.metrics import Metrics
from bot.policy.people import Person, Role
from bot.policy.playbooks import Playbook
from bot.policy.secret_inventory import OfflineCopy, Secret
from bot.policy.section import EnvironmentName, Key, Section, Text
from bot.policy.severities import Audience, Category, Severity, SeverityName
from bot.policy.targets import BusinessImpact, Disaster, RpoTarget
from bot.policy.updates import Calendar, Rota, Updates
from bot.policy.web import WebPages


def require_time_zone(name: str) -> str:
    """Return the name of an IANA time zone unchanged, or raise ValueError."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # OSError: "Europe" is a folder
        raise ValueError(f'"{name}" is not an IANA time zone such as "America/New_York" or "UTC"') from error
    return name


TimeZone = Annotated[str, AfterValidator(require_time_zone)]


class Policy(Section):
    """What the organisation decided; read it with `load_policy`.

    It cannot be had in a state that contradicts itself: every reference leads somewhere and every approval
    rule can be satisfied by the people listed.
    """

    product: Text
    """What is protected; appears in every notice."""
    description: Text
    """What the product does, in a few words."""
    time_zone: TimeZone
    """IANA time zone in which the organisation lives; schedules and business days are counted in it."""
    business_impact: BusinessImpact
    """What a day without the product costs."""
    roles: dict[Key, Role] = Field(min_length=1)
    """Roles of the disaster recovery team."""
    people: list[Person] = Field(min_length=1)
    """Members of the team."""
    requesters: list[Key] = Field(min_length=1)
    """Roles whose holders may ask for a recovery plan."""
    approvals: dict[Risk, ApprovalRule]
    """What a plan needs before it may run, by its risk: low, high and destructive."""
    approval_exceptions: list[ApprovalException] = Field(default_factory=list)
    """Other rules for some plans; of those that are about a plan the first holds."""
    blackouts: list[Blackout] = Field(default_factory=list)
    """Windows in which no run may start."""
    break_glass: BreakGlass
    """When one person alone may start a plan."""
    nudges: NudgeTimes
    """When approvers are reminded of a plan that waits for them."""
    handovers: HandoverLimits
    """How one's approval may be handed to somebody else."""
    categories: dict[Key, Category] = Field(min_length=1)
    """Kinds of disaster with their response times."""
    severities: dict[SeverityName, Severity]
    """P1 to P4, the gravest first."""
    audiences: dict[Key, Audience] = Field(min_length=1)
    """People who must know."""
    disasters: dict[Key, Disaster] = Field(min_length=1)
    """Types of disaster with their recovery time objectives."""
    rpo: dict[Key, RpoTarget] = Field(min_length=1)
    """Recovery point objectives by kind of data."""
    components: dict[Key, Component] = Field(min_length=1)
    """Parts of the product."""
    single_points_of_failure: list[SinglePointOfFailure]
    """What stops the product when it alone fails."""
    slack: SlackSettings
    """How incidents appear in Slack."""
    channels: Channels
    """Where else people are told."""
    updates: Updates
    """How the cadence of updates is kept."""
    calendar: Calendar
    """Which days are working days."""
    on_call: dict[Key, Rota] = Field(default_factory=dict)
    """Who is on call, for each role that has a rota."""
    alerts: Alerts
    """What monitoring tells us, and what comes of it."""
    post_incident: list[FollowUp]
    """What remains to be done after an incident."""
    applications: dict[Key, Application] = Field(min_length=1)
    """Applications that must answer again after a recovery."""
    databases: dict[Text, Database] = Field(min_length=1)
    """Databases that are recovered, by their name on the server."""
    hosts: dict[Key, Host] = Field(default_factory=dict)
    """Machines that the applications run on."""
    metrics: Metrics | None = None
    """What is measured over time; left out, nothing is, and there are no charts of it."""
    backups: BackupSchedule
    """When what is backed up, and how long it is kept."""
    secrets: dict[EnvironmentName, Secret]
    """Secrets of the product, by environment variable. Never their values."""
    secrets_offline_copy: OfflineCopy
    """The encrypted copy of the secrets."""
    infrastructure: Infrastructure
    """What the product runs on, and what takes over."""
    drills: dict[Key, DrillPlan] = Field(min_length=1)
    """Rehearsals."""
    playbooks: dict[Key, Playbook] = Field(default_factory=dict)
    """What is run for a kind of disaster."""
    web: WebPages = Field(default_factory=WebPages)
    """Pages about incidents for a browser."""

    @model_validator(mode="after")
    def check_coherence(self) -> "Policy":
        """Refuse a policy whose sections contradict one another, naming all places at once."""
        contradictions = list(find_contradictions(self))
        if contradictions:
            raise Contradictions(contradictions)
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The policy's time zone."""
        return ZoneInfo(self.time_zone)

    def person(self, key: str) -> Person | None:
        """The person with this key, or None."""
        return next((person for person in self.people if person.key == key), None)

    def person_by_email(self, email: str) -> Person | None:
        """The person with this e-mail address, in whatever case, or None."""
        return next((person for person in self.people if person.email.lower() == email.lower()), None)

    def person_by_slack_id(self, user_id: str) -> Person | None:
        """The person whose entry names this Slack member id, or None."""
        return next((person for person in self.people if person.slack_user_id == user_id), None)

    def person_by_os_user(self, os_user: str) -> Person | None:
        """The person who uses this login name in the terminal, or None."""
        return next((person for person in self.people if person.os_user == os_user), None)

    def person_by_any_name(self, name: str) -> Person | None:
        """The one person whose key, name, Slack id, address, or address before the @ this is, or None."""
        wanted = name.strip().removeprefix("@").lower()
        found = [
            person
            for person in self.people
            if wanted
            in {
                person.key,
                person.name.lower(),
                (person.slack_user_id or "").lower(),
                person.email.lower(),
                person.email.lower().partition("@")[0],
            }
        ]
        return self.person(wanted) or (found[0] if wanted and len(found) == 1 else None)

    def holders_of(self, *roles: str) -> list[Person]:
        """The people who may hold one of these roles, in the order of the policy, each once."""
        return [person for person in self.people if set(roles) & set(person.roles)]

    def may_request(self, person: Person) -> bool:
        """Whether the person may ask for a recovery plan."""
        return bool(set(self.requesters) & set(person.roles))

    def who_may_approve(self, rule: ApprovalRule) -> list[Person]:
        """The people who may approve under a rule by role or by name; who may by user group, Slack knows.

        Whether a plan's requester counts, the rule says.
        """
        roles = set(rule.roles)
        return [person for person in self.people if roles & set(person.roles) or person.key in rule.people]

    def environments(self) -> set[str]:
        """The environments that there are: those of the databases, and production."""
        return {"production"} | {database.environment for database in self.databases.values()}

    def invitees(self, severity: SeverityName) -> list[Person]:
        """The people to invite to the channel of an incident of this severity."""
        return self.holders_of(*self.slack.invite_roles[severity])
