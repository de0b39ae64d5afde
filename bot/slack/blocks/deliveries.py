"""What became of everything that was said about an incident, as it is shown: troubles first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from slack_sdk.models.blocks import Block

from bot.slack.blocks import parts
from bot.slack.blocks.rich import Piece, bold, emoji, faint, keep_newest, lines, when
from bot.slack.text import cut, literal, strong

SIGNS = {"sent": "white_check_mark", "failed": "x"}
NOTE_SHOWN = 200
SHOWN = 60


class Told(Protocol):
    """A delivery in words."""

    @property
    def said_at(self) -> datetime: ...
    @property
    def what(self) -> str: ...
    @property
    def channel(self) -> str: ...
    @property
    def recipient(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def note(self) -> str: ...
    @property
    def waits(self) -> bool: ...


def show_deliveries(title: str, told: Sequence[Told], lacking: Mapping[str, str]) -> Iterator[Block]:
    """`lacking`: channels that cannot be used, and why."""
    yield parts.header(f"Deliveries of {title}")
    waiting, failed = [one for one in told if one.waits], [one for one in told if one.state == "failed"]
    sent = [one for one in told if not one.waits and one.state != "failed"]
    yield parts.marked(f"*{len(sent)}* got through, *{len(waiting)}* wait, *{len(failed)}* were refused or given up")
    for heading, group in (("Refused or given up", failed), ("Waiting", waiting), ("Got through", sent)):
        if group:
            yield parts.marked(f"*{heading}*")
            yield lines(keep_newest([_show(one) for one in group[-SHOWN:]]))
    for channel, reason in lacking.items():
        yield parts.marked(f":no_entry_sign: {strong(channel)} is not set up: {literal(reason)}")


def _show(one: Told) -> Sequence[Piece]:
    sign = SIGNS.get(one.state, "hourglass_flowing_sand")
    note = faint(f" ({cut(one.note, NOTE_SHOWN)})") if one.note else ""
    return (
        emoji(sign), " ", when(one.said_at), f"  {one.what} to ", bold(cut(one.recipient, 100)), f" by {one.channel}",
        note,
    )  # fmt: skip
