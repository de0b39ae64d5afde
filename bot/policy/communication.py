"""Where people are told, and what remains to be done when it is over."""

from typing import Annotated, Literal

from pydantic import Field

from bot.policy.durations import PositiveDuration
from bot.policy.section import ChannelName, Key, Section, Text, matching
from bot.policy.severities import SeverityName

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
    pin_emoji: Annotated[str, matching(r"[a-z0-9_+-]{1,100}", "the name of an emoji, without colons")]
    """Reaction that puts a message on the timeline, without its colons."""
    archive_after: PositiveDuration
    """How long after an incident was closed its channel is archived."""


Occasion = Literal["status_page_resolved", "resolution_sent", "post_mortem_drafted"]


class FollowUp(Section):
    """Something left to do after an incident (document: Step 7)."""

    title: Text
    """What is to be done."""
    due: PositiveDuration
    """By when, counted from the resolution. Where it is more than a day, a day off counts as the next opening."""
    owner: Key | None = Field(default=None, examples=["communications_lead"])
    """Role whose holder sees to it; whoever takes it where left out."""
    done_when: Occasion | None = Field(default=None, examples=["resolution_sent"])
    """What completes it by itself: the resolution is on the status page, was sent to all, or the draft is there."""
