"""Where people are told, and what remains to be done when it is over."""

from typing import Annotated

from bot.policy.durations import PositiveDuration
from bot.policy.section import Email, Key, Section, Text, WebAddress, matching
from bot.policy.severities import SeverityName

ChannelName = Annotated[
    str, matching(r"[a-z0-9_-]{1,80}", "a channel name: up to 80 lower-case letters, digits, - and _, no #")
]
# Leaves room for a number and some words of the title in Slack's 80 characters.
ChannelPrefix = Annotated[
    str, matching(r"[a-z0-9][a-z0-9_-]{0,19}", "a prefix of up to 20 lower-case letters, digits, - and _")
]


class SlackSettings(Section):
    """How incidents appear in Slack."""

    incidents_channel: ChannelName
    """Channel where every incident is announced, without the #."""
    channel_prefix: ChannelPrefix
    """What the name of an incident's own channel begins with."""
    invite_roles: dict[SeverityName, list[Key]]
    """Roles whose holders are invited to an incident's channel, for each severity."""


class Notifications(Section):
    """Where else people are told (document: Communication Channels)."""

    team_email: Email
    """Distribution list of the disaster recovery team."""
    critical_sms: Text
    """Service that sends text messages to critical members."""
    status_page: WebAddress
    """Public status page."""


class FollowUp(Section):
    """Something left to do after an incident (document: Step 7)."""

    title: Text
    """What is to be done."""
    due: PositiveDuration
    """By when, counted from the resolution."""
