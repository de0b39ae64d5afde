"""Rich text: the one form in which Slack shows everything exactly as written, beside our own marks and times."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import accumulate, takewhile

from slack_sdk.models.blocks import Block, RichTextBlock
from slack_sdk.models.blocks.block_elements import (
    RichTextElement,
    RichTextElementParts,
    RichTextPreformattedElement,
    RichTextSectionElement,
)

from bot.slack.blocks.parts import count_characters

LINES_LIMIT = 9000
"""Characters of one block, so that a message has room for others."""
LINE_END = len("text\n")
Piece = str | RichTextElement
Style = RichTextElementParts.TextStyle


def bold(text: str) -> RichTextElement:
    return RichTextElementParts.Text(text=text or " ", style=Style(bold=True))


def faint(text: str) -> RichTextElement:
    return RichTextElementParts.Text(text=text or " ", style=Style(italic=True))


def code(text: str) -> RichTextElement:
    return RichTextElementParts.Text(text=text or " ", style=Style(code=True))


def emoji(name: str) -> RichTextElement:
    return RichTextElementParts.Emoji(name=name)


def room(channel_id: str) -> RichTextElement:
    return RichTextElementParts.Channel(channel_id=channel_id)


def link(url: str, text: str) -> RichTextElement:
    return RichTextElementParts.Link(url=url, text=text or url)


def when(moment: datetime) -> RichTextElement:
    """A time that each reader sees in their own zone."""
    return RichTextElementParts.Date(
        timestamp=int(moment.timestamp()),
        format="{date_short_pretty} {time_secs}",
        fallback=moment.strftime("%Y-%m-%d %H:%M:%S UTC"),
    )


def lines(rows: Iterable[Sequence[Piece]]) -> Block:
    """Rows of pieces, one below another; plain strings are shown as written. How many did not fit is said."""
    shown = list(rows)
    fitting = _count_fitting(shown)
    if fitting < len(shown):
        shown = [*shown[:fitting], (faint(f"… and {len(shown) - fitting} more"),)]
    elements: list[RichTextElement] = []
    for row in shown:
        if elements:
            elements.append(_element("\n"))
        elements += [_element(piece) for piece in row if piece != ""]
    return RichTextBlock(elements=[RichTextSectionElement(elements=elements or [_element(" ")])])


def keep_newest(rows: Sequence[Sequence[Piece]]) -> Sequence[Sequence[Piece]]:
    """Those at the end, as many as `lines` shows."""
    fitting = _count_fitting(rows[::-1])
    return rows[len(rows) - fitting :]


def _count_fitting(rows: Sequence[Sequence[Piece]]) -> int:
    """How many of the first rows fit into one block."""
    sizes = accumulate(count_characters([_element(piece).to_dict() for piece in row]) + LINE_END for row in rows)
    return sum(1 for _ in takewhile(lambda size: size <= LINES_LIMIT, sizes))


def preformatted(text: str) -> Block:
    return RichTextBlock(elements=[RichTextPreformattedElement(elements=[_element(text or " ")])])


def _element(piece: Piece) -> RichTextElement:
    return RichTextElementParts.Text(text=piece) if isinstance(piece, str) else piece
