"""Pages about incidents for a browser. Where they are, and the key of their links, the environment says."""

from datetime import timedelta

from pydantic import Field

from bot.policy.durations import PositiveDuration
from bot.policy.section import Section


class WebPages(Section):
    """Read-only pages, opened by a link that is made for one person."""

    link_good_for: PositiveDuration = Field(default=timedelta(hours=12), examples=["12 hours"])
    """How long somebody can look, from when their link was made."""
    refresh_every: PositiveDuration = Field(default=timedelta(seconds=20), examples=["20 seconds"])
    """How often a page that is open looks for news."""
