"""Details of an incident that change as people learn more: title, impact, next steps, recovery, components."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from bot.incidents.changes import Changes, Changing
from bot.incidents.text import LINE_LIMIT, TITLE_LIMIT, bounded, clean_line, known_key
from bot.outcome import Refused
from bot.policy import Policy
from bot.store.tables import Incident


@dataclass(frozen=True)
class Wanted:
    """What the details are to be; None leaves one as it is, empty text takes it away."""

    title: str | None = None
    impact: str | None = None
    next_steps: str | None = None
    estimated_recovery: str | None = None
    components: Sequence[str] | None = None
    """Keys or titles."""


class Details:
    def __init__(self, changes: Changes) -> None:
        self.changes = changes

    def change(self, incident_id: int, *, actor: str, wanted: Wanted) -> Incident:
        """Each that differs becomes an entry of its own. Raises `Refused` where none does."""
        policy = self.changes.policy
        cleaned = _clean(policy, wanted)
        with self.changes.to(incident_id, actor) as change:
            changed = [name for name, value in cleaned.items() if getattr(change.incident, name) != value]
            if not changed:
                raise Refused(f"#{incident_id} says so already.", "Nothing was changed.")
            for name in changed:
                self._set(change, name, cleaned[name])
            change.tell("details")
            return change.incident

    def _set(self, change: Changing, name: str, value: str | list[str]) -> None:
        before = getattr(change.incident, name)
        setattr(change.incident, name, value)
        data: dict[str, JsonValue] = {name: list(value) if isinstance(value, list) else value, "before": before}
        change.record(f"incident.{name}", _describe(self.changes.policy, name, value), data)


def known_components(policy: Policy, words: Iterable[str]) -> list[str]:
    """Keys of the components named, each once, in the policy's order. Raises `Refused`, naming the nearest."""
    titles = {key: component.title for key, component in policy.components.items()}
    named = {known_key(word, titles, "a component", "database") for word in words if word.strip()}
    return [key for key in titles if key in named]


def list_dependents(policy: Policy, components: Iterable[str]) -> list[str]:
    """Keys of what depends on these components, at once or by others in between; not they themselves."""
    affected = set(components)
    found: list[str] = []
    grown = True
    while grown:
        new = [
            key
            for key, component in policy.components.items()
            if key not in affected and affected & set(component.depends_on)
        ]
        affected.update(new)
        found += new
        grown = bool(new)
    return found


def name_components(policy: Policy, keys: Iterable[str]) -> str:
    """Titles of components, in plain words; the key of one that has left the policy."""
    return ", ".join(policy.components[key].title if key in policy.components else key for key in keys)


def _clean(policy: Policy, wanted: Wanted) -> dict[str, str | list[str]]:
    cleaned: dict[str, str | list[str]] = {}
    if wanted.title is not None:
        cleaned["title"] = clean_line(wanted.title, "the title", TITLE_LIMIT, "Database connection failure")
    if wanted.impact is not None:
        cleaned["impact"] = bounded(wanted.impact)
    if wanted.next_steps is not None:
        cleaned["next_steps"] = bounded(wanted.next_steps)
    if wanted.estimated_recovery is not None:
        line = " ".join(bounded(wanted.estimated_recovery).split())
        cleaned["estimated_recovery"] = line if len(line) <= LINE_LIMIT else line[: LINE_LIMIT - 1] + "…"
    if wanted.components is not None:
        cleaned["components"] = known_components(policy, wanted.components)
    return cleaned


def _describe(policy: Policy, name: str, value: str | list[str]) -> str:
    if isinstance(value, list):
        if not value:
            return "No component is affected"
        text = f"Affected: {name_components(policy, value)}"
        dependents = list_dependents(policy, value)
        return f"{text}. What depends on them: {name_components(policy, dependents)}" if dependents else text
    label = {"title": "Renamed", "impact": "Impact", "next_steps": "Next steps"}.get(name, "Estimated recovery")
    return f"{label}: {value}" if value else f"{label}: no longer said"
