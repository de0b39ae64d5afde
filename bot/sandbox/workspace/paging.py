"""Cursors (docs.slack.dev, "Pagination through collections")."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import TypeVar

from bot.sandbox.workspace.calls import Call
from bot.sandbox.workspace.errors import SlackError

T = TypeVar("T")


def page(call: Call, entries: Sequence[T], default: int = 100, highest: int = 1000) -> tuple[list[T], str]:
    """One page of `entries` by the call's `limit` and `cursor`, and the cursor of the next ("" at the end).

    SlackError invalid_limit, invalid_cursor.
    """
    limit = call.integer("limit", default)
    if not 1 <= limit <= highest:
        raise SlackError("invalid_limit")
    start = _decode(call.text("cursor"))
    end = start + limit
    return list(entries[start:end]), _encode(end) if end < len(entries) else ""


def _encode(offset: int) -> str:
    return base64.b64encode(f"offset:{offset}".encode()).decode()


def _decode(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        word, _, number = base64.b64decode(cursor, validate=True).decode().partition(":")
        if word != "offset":
            raise SlackError("invalid_cursor")
        return int(number)
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise SlackError("invalid_cursor") from None
