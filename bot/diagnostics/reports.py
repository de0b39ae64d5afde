"""Reports that an application gives of itself over HTTP: JSON as facts, anything else as that it answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

import requests
from pydantic import JsonValue

from bot.store.documents import FindingState
from bot.systems.web_application import tell_no_answer
from bot.words import cut

TIMEOUT_S = 6
KEPT_BYTES = 256 * 1024
FACTS, FACT_SHOWN = 30, 200
LARGEST = 1e300
BAD_WORDS = ("error", "critical", "unhealthy", "down", "exhausted", "failed")
"""What a `status` in a report says when something is wrong."""


@dataclass(frozen=True)
class Report:
    state: FindingState
    words: str
    lines: list[str] = field(default_factory=list)
    facts: dict[str, float] = field(default_factory=dict)
    """Its figures, by their path in the report."""


def read_report(url: str) -> Report:
    """GET it; a JSON report whose own `status` says that something is wrong is a warning."""
    try:
        with requests.get(url, timeout=TIMEOUT_S, allow_redirects=False, stream=True) as answer:
            body = answer.raw.read(KEPT_BYTES, decode_content=True)
            status, kind = answer.status_code, answer.headers.get("Content-Type", "")
    except requests.RequestException as error:
        return Report("critical", f"{url} does not answer: {tell_no_answer(error)}.")
    if status == requests.codes.not_found:
        return Report("unknown", f"{url} is not there (404): the application has no such report.")
    if status != requests.codes.ok:
        return Report("critical", f"{url} answered {status}.", [cut(body.decode("utf-8", "replace"), FACT_SHOWN)])
    facts = _parse(body)
    if facts is None:
        return Report("ok", f"{url} answers ({kind.partition(';')[0] or 'no type'}); it is no JSON that could be read.")
    said = str(facts.get("status", "")).lower()
    state: FindingState = "warning" if any(word in said for word in BAD_WORDS) else "ok"
    words = f"Status: {cut(said, 60) or 'none stated'}."
    return Report(state, words, list(_flatten(facts))[:FACTS], dict(_find_figures(facts)))


def _parse(body: bytes) -> dict[str, JsonValue] | None:
    try:
        found = json.loads(body)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _flatten(value: JsonValue, path: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flatten(inner, f"{path}.{key}" if path else str(key))
    else:
        yield cut(f"{path}: {value}", FACT_SHOWN)


def _find_figures(value: JsonValue, path: str = "") -> Iterator[tuple[str, float]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _find_figures(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < LARGEST:  # no NaN either
        yield path, float(value)
