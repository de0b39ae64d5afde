"""What a publisher may change in a draft before it goes out, checked field by field."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from bot.incidents.text import TITLE_LIMIT, clean_line, clean_text, known_word
from bot.outcome import Refused
from bot.store.documents import BulletinStage, Statement

OPERATIONAL = "operational"
STATES: dict[str, str] = {
    OPERATIONAL: "Operational",
    "degraded_performance": "Degraded performance",
    "partial_outage": "Partial outage",
    "major_outage": "Major outage",
}
"""How a component may be said to be, in Statuspage's words; the worse, the further down."""
LONGEST = 10_000
"""Characters of one field; Statuspage takes 25,000 for all of them together."""
EXAMPLES = {
    "text": "The restore is running; bags can be scanned again at 14:20.",
    "impact": "Bags cannot be scanned.",
    "next_steps": "We watch the figures for an hour.",
    "estimated_recovery": "14:30 UTC",
}


class Wording(BaseModel):
    """None leaves a field as it is in the draft. `components`: the policy's keys, each with its state."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str | None = None
    text: str | None = None
    impact: str | None = None
    next_steps: str | None = None
    estimated_recovery: str | None = None
    components: dict[str, str] | None = None


def reword(
    draft: Statement, wording: Wording, *, stage: BulletinStage, known: Mapping[str, object],
    affected: Mapping[str, str], status: str, at: datetime,
) -> Statement:  # fmt: skip
    """The statement as it goes out. Raises `Refused` for what may not be said.

    `known`: the policy's components; `affected`: those that the public was told are impaired by this incident.
    """
    given = wording.model_dump(exclude_none=True, exclude={"components", "title"})
    texts = {field: _clean(field, text) for field, text in given.items()}
    title = draft.title if wording.title is None else clean_line(wording.title, "the title", TITLE_LIMIT, draft.title)
    chosen = draft.components if wording.components is None else wording.components
    components = settle_components(chosen, stage=stage, known=known, affected=affected)
    fields = {**draft.model_dump(), **texts, "title": title, "components": components, "status": status, "at": at}
    return Statement.model_validate(fields)


def settle_components(
    chosen: Mapping[str, str], *, stage: BulletinStage, known: Mapping[str, object], affected: Mapping[str, str]
) -> dict[str, str]:
    """Which components change, and to what: back to operational go those that were said to be affected, no others."""
    for key, state in chosen.items():
        known_word(key, tuple(known), "a component", next(iter(known), "database"))
        known_word(state, tuple(STATES), "the state of a component", "partial_outage")
    impaired = {key: state for key, state in chosen.items() if state != OPERATIONAL and stage != "resolved"}
    return {**dict.fromkeys(affected, OPERATIONAL), **impaired}


def _clean(field: str, text: str) -> str:
    what = f"the {field.replace('_', ' ')}" if field != "text" else "the current status"
    if len(text) > LONGEST:
        raise Refused(f"{what.capitalize()} is too long: {len(text):,} characters, {LONGEST:,} fit.", "Shorten it.")
    if not text.strip() and field != "text":
        return ""
    return clean_text(text, what, EXAMPLES[field])
