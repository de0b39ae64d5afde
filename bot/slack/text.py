"""Text on its way to and from Slack: escaping, cutting, times in the reader's zone.

Limits and traps: Slack's docs on formatting text and Block Kit.
"""

from __future__ import annotations

import re
from datetime import datetime

from bot.words import cut, show_duration, show_size

__all__ = [
    "code", "cut", "escape", "literal", "mention", "show_duration", "show_size", "show_time", "strong", "unescape",
    "unsmart",
]  # fmt: skip

SECTION_LIMIT = 3000
HEADER_LIMIT = 150
FALLBACK_LIMIT = 3000

_SMART = str.maketrans({"“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "–": "--", "—": "--", "\u00a0": " "})
_ESCAPED_NAME = re.compile(r"<([@#!])([A-Za-z0-9^]+)(?:\|([^>]*))?>")
_ESCAPED_LINK = re.compile(r"<((?:https?|mailto):[^|>]+)(?:\|([^>]*))?>")
_FORMATTING = re.compile(r"(?<![A-Za-z0-9])[*_~]|[*_~](?![A-Za-z0-9])|`")


def escape(text: str) -> str:
    """What a user or a machine wrote, so that Slack shows it and does not obey it (`<!channel>`)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def literal(text: str) -> str:
    """Escaped, and kept from opening a format, for short names inside our own mrkdwn.

    mrkdwn has no escape for `*_~` and backticks; a word joiner on both sides keeps one from opening a format where
    a word begins or ends. What people write at length is shown as rich or plain text instead, exactly as written.
    """
    return _FORMATTING.sub("\u2060\\g<0>\u2060", escape(text))


def strong(text: str) -> str:
    """A short name in bold, as `literal`; plain where it has an asterisk, which would end the bold within it."""
    return literal(text) if "*" in text or not text.strip() else f"*{literal(text)}*"


def code(text: str) -> str:
    """A block of code that text cannot break out of."""
    return "```" + escape(text).replace("```", "`\u200b`\u200b`") + "```"


def show_time(moment: datetime) -> str:
    """A time that Slack shows in each reader's own zone; UTC where it cannot."""
    fallback = moment.strftime("%Y-%m-%d %H:%M UTC")
    return f"<!date^{int(moment.timestamp())}^{{date_short_pretty}} {{time_secs}}|{fallback}>"


def mention(user_id: str) -> str:
    return f"<@{user_id}>"


def unsmart(text: str) -> str:
    """What the person typed: clients turn quotes curly and two hyphens into a dash."""
    return text.translate(_SMART)


def unescape(text: str) -> str:
    """Text of a command or message as typed: names and links back to words, entities to signs."""
    text = _ESCAPED_NAME.sub(lambda found: _plain_name(*found.groups()), text)
    text = _ESCAPED_LINK.sub(lambda found: found.group(1).removeprefix("mailto:"), text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _plain_name(sign: str, identifier: str, label: str | None) -> str:
    """`@channel` for `<!channel>`; a label may begin with its sign already (`<!subteam^S1|@keepers>`)."""
    shown = "#" if sign == "#" else "@"
    return shown + (label or identifier).removeprefix(shown)
