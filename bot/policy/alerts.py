"""What monitoring may tell us, how its alerts are put together, and which of them become incidents."""

import re
from functools import cache
from typing import Annotated

import re2
from pydantic import AfterValidator, Field, model_validator

from bot.policy.durations import PositiveDuration
from bot.policy.section import EnvironmentName, Key, Section, Text, matching
from bot.policy.severities import SeverityName

PATTERN_LIMIT = 300
PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_.:/-]{0,99})\}")
PLAIN_FIELDS = ("title", "text", "source", "severity")
"""What every alert has besides its labels; a label of the same name is not seen."""


@cache
def compile_pattern(pattern: str) -> "re2._Regexp":
    """A pattern that takes linear time on any text, which strangers write. Raises ValueError."""
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error.args[0])
        raise ValueError(f'"{pattern}" is not a regular expression (RE2): {reason}') from error


def require_pattern(pattern: str) -> str:
    """Return a regular expression unchanged, or raise ValueError."""
    if len(pattern) > PATTERN_LIMIT:
        raise ValueError(f"a pattern has at most {PATTERN_LIMIT} characters; this one has {len(pattern)}")
    compile_pattern(pattern)
    return pattern


def require_template(text: str) -> str:
    """Return a title with placeholders unchanged, or raise ValueError where braces are anything else."""
    if set("{}") & set(PLACEHOLDER.sub("", text)):
        raise ValueError(f'"{text}": braces hold the name of one label, such as "{{instance}}"')
    return text


Pattern = Annotated[str, AfterValidator(require_pattern)]
TitleTemplate = Annotated[Text, AfterValidator(require_template)]
TopicArn = Annotated[
    str, matching(r"arn:aws(-[a-z]+)*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_.-]{1,256}", "the ARN of an SNS topic")
]


class SecretSource(Section):
    """A source that proves itself with a shared secret."""

    secret_env: EnvironmentName
    """Environment variable with the secret that it shares with us."""


class CloudwatchSource(Section):
    """CloudWatch alarms, through SNS topics with an HTTPS subscription."""

    topic_arns: list[TopicArn] = Field(min_length=1)
    """Topics that are listened to; what comes from any other is refused."""


class AlertSources(Section):
    """Who may send alerts to `/alerts/NAME`; a source that is left out is not known there."""

    cloudwatch: CloudwatchSource | None = None
    """Amazon CloudWatch."""
    alertmanager: SecretSource | None = None
    """Prometheus Alertmanager, with the secret as bearer token."""
    datadog: SecretSource | None = None
    """Datadog's webhook, with the secret in the header X-Holdfast-Secret."""
    pagerduty: SecretSource | None = None
    """PagerDuty's webhooks v3, signed with the secret."""
    generic: SecretSource | None = None
    """Anything else that can send JSON, with the secret as bearer token or as key of an HMAC-SHA256."""

    def set_up(self) -> dict[str, SecretSource | CloudwatchSource]:
        """The sources that may be used, by name."""
        found = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: source for name, source in found.items() if source is not None}


class AlertRule(Section):
    """What is done with some alerts. The first rule that fits an alert holds."""

    name: Key
    """Name of the rule; what it puts together is kept under it."""
    equals: dict[Text, Text] = Field(default_factory=dict)
    """Labels, or `title`, `text`, `source` and `severity`, each with the value that it must have."""
    matches: dict[Text, Pattern] = Field(default_factory=dict, examples=[{"title": "(?i)replication lag"}])
    """The same, each with a regular expression (RE2) that must be found in it."""
    group_by: list[Text] = Field(default_factory=list)
    """Labels whose values must be the same for alerts to be put together; none: all alerts of the rule."""
    title: TitleTemplate = Field(default="{title}", examples=["{alertname} on {instance}"])
    """Title of the group and of the incident; `{label}` stands for a label, `{title}` for the first alert's own."""
    severity: SeverityName | None = None
    """Severity of the incident."""
    category: Key | None = None
    """Category of the incident."""
    components: list[Key] = Field(default_factory=list)
    """Components that are affected in any case."""
    components_from: list[Text] = Field(default_factory=list)
    """Labels whose values are keys of `components` that are affected, too."""
    declare: bool = Field(default=False, examples=[True])
    """Whether the incident is declared at once; otherwise a person decides, with a button on the card."""
    mute: bool = False
    """Whether the alerts are only kept, and nobody is told."""

    @model_validator(mode="after")
    def check_consequences(self) -> "AlertRule":
        """Refuse a rule that declares what it does not describe, or wants and does not want to be heard."""
        if self.declare and (self.severity is None or self.category is None):
            raise ValueError("`severity` and `category` are needed where `declare` is true")
        if self.declare and self.mute:
            raise ValueError("`declare` and `mute` exclude one another")
        return self

    @property
    def takes_all(self) -> bool:
        """Whether every alert fits."""
        return not self.equals and not self.matches


class AlertCeiling(Section):
    """How many incidents alerts may declare by themselves; beyond it they join the newest of those."""

    at_most: int = Field(ge=1)
    """Number of incidents."""
    within: PositiveDuration
    """Time in which they are counted."""


class Prober(Section):
    """The built-in monitoring: the health address of every application is asked (document: Health checks)."""

    every: PositiveDuration
    """Time from one question to the next."""
    failures: int = Field(ge=1, le=100)
    """Bad answers in a row after which an alert is raised, with the source `prober`."""


class Alerts(Section):
    """Alerts of monitoring (document: Step 1, Detection methods)."""

    sources: AlertSources
    """Who may send them."""
    group_within: PositiveDuration
    """Alerts that a rule puts together become one group as long as each comes within this time of the one before."""
    ceiling: AlertCeiling
    """A storm of alerts does not become a storm of incidents."""
    rules: list[AlertRule] = Field(min_length=1)
    """What is done with which alerts, the first that fits."""
    prober: Prober | None = None
    """The built-in monitoring; left out, applications are not asked."""

    @model_validator(mode="after")
    def check_order(self) -> "Alerts":
        """Refuse two rules of one name, and rules that no alert can reach."""
        names = [rule.name for rule in self.rules]
        double = next((name for name in names if names.count(name) > 1), None)
        if double:
            raise ValueError(f'two rules are named "{double}"')
        early = next((rule for rule in self.rules[:-1] if rule.takes_all), None)
        if early:
            raise ValueError(f'the rule "{early.name}" fits every alert, so those below it are never reached')
        return self

    def rule(self, name: str) -> AlertRule | None:
        """The rule of that name, or None."""
        return next((rule for rule in self.rules if rule.name == name), None)
