"""The ways on which people are told, one section for each; a way that is left out is not used."""

from typing import Literal

from pydantic import Field, model_validator

from bot.policy.section import (
    AbsolutePath,
    AwsRegion,
    Email,
    EnvironmentName,
    Key,
    S3Location,
    Section,
    Text,
    WebAddress,
)

Way = Literal["slack", "email", "pager", "status_page", "teams", "webhook"]
"""What an audience is told on; `pager` and `status_page` each have two kinds, of which any number may be set up."""


class EmailSettings(Section):
    """How e-mail is sent. Names of environment variables, never their values."""

    transport: Literal["smtp", "sendgrid", "ses"]
    """Through a mail server, SendGrid's API, or Amazon SES."""
    sender: Email
    """Address that the messages come from."""
    host: Text | None = Field(default=None, examples=["smtp.example.com"])
    """Mail server; `smtp` only."""
    port: int = Field(default=587, ge=1, le=65535, examples=[587])
    """Its port; `smtp` only."""
    security: Literal["starttls", "tls", "none"] = Field(default="starttls", examples=["starttls"])
    """How the connection is protected; `none` is for a mail server on the same machine."""
    user_env: EnvironmentName | None = Field(default=None, examples=["SMTP_USER"])
    """Environment variable with the login name; `smtp` only."""
    password_env: EnvironmentName | None = Field(default=None, examples=["SMTP_PASSWORD"])
    """Environment variable with the password; `smtp` only."""
    api_key_env: EnvironmentName | None = Field(default=None, examples=["SENDGRID_API_KEY"])
    """Environment variable with the key; `sendgrid` only."""
    region: AwsRegion | None = Field(default=None, examples=["us-east-1"])
    """Region of the service; `ses` only."""
    api_url: WebAddress = Field(default="https://api.sendgrid.com", examples=["https://api.sendgrid.com"])
    """Where the interface is; `sendgrid` only."""

    @model_validator(mode="after")
    def check_transport(self) -> "EmailSettings":
        """Refuse a transport without what it cannot work without."""
        needed = {"smtp": "host", "sendgrid": "api_key_env", "ses": "region"}[self.transport]
        if getattr(self, needed) is None:
            raise ValueError(f"`{needed}` is needed for the transport {self.transport}")
        return self


class PagerDutySettings(Section):
    """Paging through PagerDuty's Events API v2."""

    routing_key_env: EnvironmentName
    """Environment variable with the integration's routing key."""
    api_url: WebAddress = Field(default="https://events.pagerduty.com", examples=["https://events.pagerduty.com"])
    """Where the interface is."""


class OpsgenieSettings(Section):
    """Paging through Opsgenie's Alert API."""

    api_key_env: EnvironmentName = Field(examples=["OPSGENIE_API_KEY"])
    """Environment variable with the key of the API integration."""
    api_url: WebAddress = Field(default="https://api.opsgenie.com", examples=["https://api.opsgenie.com"])
    """Where the interface is; https://api.eu.opsgenie.com in Europe."""


class StatuspageSettings(Section):
    """The public status page at Atlassian Statuspage."""

    page_id: Text
    """Id of the page."""
    api_key_env: EnvironmentName
    """Environment variable with the key."""
    components: dict[Key, Text] = Field(default_factory=dict)
    """Statuspage's component id for each of our `components`; those left out are not on the page."""
    api_url: WebAddress = Field(default="https://api.statuspage.io", examples=["https://api.statuspage.io"])
    """Where the interface is."""


class StatusSiteSettings(Section):
    """The built-in status page: files that any web server can show, written where the failing system is not."""

    folder: AbsolutePath | None = Field(default=None, examples=["/srv/status"])
    """Folder that it is written to."""
    location: S3Location | None = Field(default=None, examples=[{"bucket": "status-example", "prefix": "site/"}])
    """Folder in an S3 bucket that it is written to."""
    region: AwsRegion | None = Field(default=None, examples=["us-west-2"])
    """Region of the bucket."""
    components: list[Key] = Field(default_factory=list, examples=[["database", "application"]])
    """Keys of `components` that it shows; all of them where left out."""

    @model_validator(mode="after")
    def check_place(self) -> "StatusSiteSettings":
        """Refuse a page that is written nowhere."""
        if self.folder is None and self.location is None:
            raise ValueError("either `folder` or `location` is needed")
        return self


class TeamsSettings(Section):
    """A channel of Microsoft Teams, through its incoming webhook (a workflow that posts adaptive cards)."""

    webhook_env: EnvironmentName = Field(examples=["TEAMS_WEBHOOK_URL"])
    """Environment variable with the webhook's address, which is a secret."""


class WebhookSettings(Section):
    """Any other system: JSON by POST, signed with HMAC-SHA256."""

    url: WebAddress = Field(examples=["https://hooks.example.com/incidents"])
    """Where it is sent."""
    secret_env: EnvironmentName = Field(examples=["INCIDENT_WEBHOOK_SECRET"])
    """Environment variable with the secret that it is signed with."""


class Channels(Section):
    """Where people are told besides Slack (document: Communication Channels)."""

    status_page_url: WebAddress
    """Address of the public status page, for people to open."""
    email: EmailSettings | None = None
    """E-mail."""
    pagerduty: PagerDutySettings | None = None
    """Pager and SMS through PagerDuty."""
    opsgenie: OpsgenieSettings | None = Field(default=None, examples=[{"api_key_env": "OPSGENIE_API_KEY"}])
    """Pager and SMS through Opsgenie."""
    statuspage: StatuspageSettings | None = None
    """Public status page at Statuspage."""
    status_site: StatusSiteSettings | None = Field(default=None, examples=[{"folder": "/srv/status"}])
    """Public status page of our own."""
    teams: TeamsSettings | None = Field(default=None, examples=[{"webhook_env": "TEAMS_WEBHOOK_URL"}])
    """Microsoft Teams."""
    webhook: WebhookSettings | None = Field(
        default=None, examples=[{"url": "https://hooks.example.com/incidents", "secret_env": "INCIDENT_WEBHOOK_SECRET"}]
    )
    """Any other system."""

    def serving(self, way: Way) -> list[str]:
        """Names of the channels that are set up for a way, as deliveries name them."""
        kinds: dict[str, tuple[str, ...]] = {
            "pager": ("pagerduty", "opsgenie"),
            "status_page": ("statuspage", "status_site"),
        }
        names = kinds.get(way, (way,))
        return [name for name in names if name == "slack" or getattr(self, name) is not None]
