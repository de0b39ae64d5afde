"""The shape that every source is parsed into. All of it is text of strangers: cleaned and bounded here, once."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import JsonValue

State = Literal["firing", "resolved"]

TITLE_LIMIT = 200
TEXT_LIMIT = 2000
WORD_LIMIT = 200
LABELS = 30
LINK_LIMIT = 1000
PAYLOAD_LIMIT_BYTES = 20_000
NEVER_KEPT = ("Cc", "Cs", "Co", "Cn")
TURNING = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""They change the direction of what follows, also of our own words."""
UNTITLED = "Alert without a title"
MILLISECONDS_FROM = 100_000_000_000
"""A count of seconds as large as this would be in the year 5138: it is milliseconds."""


class BadPayload(Exception):
    """What was sent is not what its source sends; the message names the place and the rule."""


class Unverified(Exception):
    """Nobody can tell who sent it: a wrong or missing signature. The message never holds a secret."""


@dataclass(frozen=True)
class Incoming:
    """One alert as it was sent. `at` is when the state that it tells of began, by its source's clock."""

    source: str
    fingerprint: str
    title: str
    state: State
    at: datetime
    text: str
    severity: str
    labels: dict[str, str]
    link: str
    payload: dict[str, JsonValue]


def make_incoming(
    source: str,
    *,
    fingerprint: str,
    title: object,
    state: State,
    at: datetime,
    text: object = "",
    severity: object = "",
    labels: Mapping[str, object] | None = None,
    link: object = "",
    payload: Mapping[str, Any] | None = None,
) -> Incoming:
    """Clean and bound everything that a source says."""
    named = sorted(
        (clean_line(name, WORD_LIMIT), clean_line(value, WORD_LIMIT)) for name, value in (labels or {}).items()
    )
    return Incoming(
        source=source,
        fingerprint=_bounded_fingerprint(fingerprint),
        title=clean_line(title, TITLE_LIMIT) or UNTITLED,
        state=state,
        at=at,
        text=clean_text(text, TEXT_LIMIT),
        severity=clean_line(severity, 40).lower(),
        labels=dict(named[:LABELS]),
        link=clean_link(link),
        payload=_bounded_payload(payload or {}),
    )


def clean_text(value: object, limit: int) -> str:
    """Text without what databases, terminals and readers take badly; empty for what is no text."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        return ""
    lines = "\n".join(value[: limit * 2].splitlines())
    kept = "".join(sign for sign in lines if sign in "\n\t" or _is_kept(sign)).strip()
    return kept if len(kept) <= limit else kept[: limit - 1] + "…"


def clean_line(value: object, limit: int) -> str:
    """The same on one line, with single spaces."""
    return " ".join(clean_text(value, limit).split())


def clean_link(value: object) -> str:
    """A web address that can stand in a message as it is; empty for anything else."""
    if not isinstance(value, str) or len(value) > LINK_LIMIT or any(sign in value for sign in '<>|"` \t\r\n'):
        return ""
    try:
        parts = urlsplit(value)
        named = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return ""
    return value if named and value.isprintable() else ""


def read_time(value: object, now: datetime) -> datetime:
    """An ISO 8601 time or a count of (milli)seconds as UTC; now where it is neither, or lies ahead."""
    found: datetime | None = None
    try:
        if isinstance(value, str) and value.strip().isdigit():
            value = int(value.strip()[:20])
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            found = datetime.fromtimestamp(value / 1000 if value > MILLISECONDS_FROM else value, UTC)
        elif isinstance(value, str):
            found = datetime.fromisoformat(value.strip())
    except (ValueError, OverflowError, OSError):
        return now
    if found is None or found.tzinfo is None or found.year < 2000:
        return now
    return min(found.astimezone(UTC), now)


def need(payload: Mapping[str, Any], key: str, kind: type, where: str = "") -> Any:
    """A field of a payload. Raises `BadPayload` that names it."""
    value = payload.get(key)
    if not isinstance(value, kind) or (isinstance(value, str) and not value.strip()):
        kinds: dict[type, str] = {str: "a text", list: "a list", dict: "an object"}
        found = "is missing" if value is None else f"is {describe(value)}"
        raise BadPayload(f"`{where}{key}` {found}; it must be {kinds[kind]}.")
    return value


def describe(value: object) -> str:
    """What a value is, in the words of JSON."""
    kinds: dict[type, str] = {
        bool: "true or false",
        str: "a text",
        list: "a list",
        dict: "an object",
        type(None): "null",
    }
    return kinds.get(type(value), "a number") if value != "" else "empty"


def _is_kept(sign: str) -> bool:
    return unicodedata.category(sign) not in NEVER_KEPT and sign not in TURNING


def _bounded_fingerprint(fingerprint: str) -> str:
    plain = clean_line(fingerprint, WORD_LIMIT)
    if plain == fingerprint and plain:
        return plain
    return hashlib.sha256(fingerprint.encode("utf-8", "surrogatepass")).hexdigest()


def _bounded_payload(payload: Mapping[str, Any]) -> dict[str, JsonValue]:
    """As it came, while it is of a reasonable size and can be kept; for people who want to know exactly."""
    written = json.dumps(payload, ensure_ascii=False, default=str)
    try:
        size_bytes = len(written.encode())
    except UnicodeEncodeError:  # half of a surrogate pair
        return {"left_out": "it is no Unicode text"}
    if size_bytes > PAYLOAD_LIMIT_BYTES or "\\u0000" in written:
        return {"left_out": f"{size_bytes} bytes"}
    kept: dict[str, JsonValue] = json.loads(written)
    return kept
