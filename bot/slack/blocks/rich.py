"""Rich text: the one form in which Slack shows everything exactly as written, beside our own marks and times."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from slack_sdk.models.blocks import Block, RichTextBlock
from slack_sdk.models.blocks.block_elements import (
    RichTextElement,
    RichTextElementParts,
    RichTextPreformattedElement,
    RichTextSectionElement,
)

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


def when(moment: datetime) -> RichTextElement:
    """A time that each reader sees in their own zone."""
    return RichTextElementParts.Date(
        timestamp=int(moment.timestamp()),
        format="{date_short_pretty} {time_secs}",
        fallback=moment.strftime("%Y-%m-%d %H:%M:%S UTC"),
    )


def lines(rows: Iterable[Sequence[Piece]]) -> Block:
    """Rows of pieces, one below another; plain strings are shown as written."""
    elements: list[RichTextElement] = []
    for row in rows:
        if elements:
            elements.append(RichTextElementParts.Text(text="\n"))
        elements += [_element(piece) for piece in row if piece != ""]
    return RichTextBlock(elements=[RichTextSectionElement(elements=elements or [_element(" ")])])


def preformatted(text: str) -> Block:
    return RichTextBlock(elements=[RichTextPreformattedElement(elements=[_element(text or " ")])])


def _element(piece: Piece) -> RichTextElement:
    return RichTextElementParts.Text(text=piece) if isinstance(piece, str) else piece
