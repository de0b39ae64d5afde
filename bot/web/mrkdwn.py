"""The words that we wrote for Slack, for a browser: mrkdwn as HTML."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from markupsafe import Markup

from bot.slack.text import unescape

DOTS = ("red_circle", "large_orange_circle", "large_yellow_circle", "large_green_circle", "white_circle")
SIGNS = {"white_check_mark": "✓", "warning": "⚠", "x": "✗"}
TOKENS = re.compile(
    r"<!date\^(?P<at>\d+)\^[^|>]*\|(?P<words>[^>]*)>"
    r"|<(?P<url>https?://[^|>]+)\|(?P<title>[^>]*)>"
    r"|:(?P<sign>[a-z_]+):"
    r"|(?<!\u2060)\*(?P<bold>[^*\n]+)\*(?!\u2060)"
)


def to_html(mrkdwn: str) -> Markup:
    """Times, links, bold words and our signs; all else is text, whatever it looks like."""
    parts, end = [], 0
    for found in TOKENS.finditer(mrkdwn):
        parts += [_plain(mrkdwn[end : found.start()]), _show(found)]
        end = found.end()
    return Markup("").join([*parts, _plain(mrkdwn[end:])])


def _show(found: re.Match[str]) -> Markup:
    if found["at"]:
        moment = datetime.fromtimestamp(int(found["at"]), UTC)
        return Markup('<time datetime="{}">{}</time>').format(moment.isoformat(), found["words"])
    if found["url"]:
        return Markup('<a href="{}" rel="noreferrer">{}</a>').format(unescape(found["url"]), _plain(found["title"]))
    if found["bold"]:
        return Markup("<strong>{}</strong>").format(_plain(found["bold"]))
    if found["sign"] in DOTS:
        return Markup('<span class="dot dot--{}"></span>').format(found["sign"])
    return Markup.escape(SIGNS.get(found["sign"], found.group()))


def _plain(text: str) -> Markup:
    """Without the joiners that keep Slack from formatting."""
    return Markup.escape(unescape(text.replace("\u2060", "")))
