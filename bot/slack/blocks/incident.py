"""An incident as it is shown: summary, announcement, list, timeline."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from slack_sdk.models.blocks import Block

from bot.slack.blocks import parts
from bot.slack.text import cut, literal, show_duration, show_time
from bot.store.tables import Incident, LedgerEntry, Run

SIGNS = {
    "P1": ":red_circle:",
    "P2": ":large_orange_circle:",
    "P3": ":large_yellow_circle:",
    "P4": ":white_circle:",
}
LISTED = 20
UPDATE_SHOWN = 1500
ENTRY_SHOWN = 300
Name = Callable[[str], str]


def title_of(incident: Incident) -> str:
    """Plain text: number, severity and title; drills are marked."""
    drill = "DRILL · " if incident.drill else ""
    return f"{drill}{incident.severity} · #{incident.id} {incident.title}"


def show_summary(
    incident: Incident,
    *,
    clock: list[tuple[str, str]],
    roles: list[tuple[str, str]],
    runs: list[Run],
    hint: str,
) -> Iterator[Block]:
    """The pinned summary of an incident's channel."""
    yield parts.header(title_of(incident))
    sign = ":white_check_mark:" if not incident.is_open else SIGNS.get(incident.severity, "")
    yield parts.fields([("Status", f"{sign} {incident.status.capitalize()}"), *clock])
    if incident.impact:
        yield parts.marked("*Impact*")
        yield parts.words(incident.impact, UPDATE_SHOWN)
    if incident.last_update and incident.last_update_at:
        yield parts.marked(f"*Last update* {show_time(incident.last_update_at)}")
        yield parts.words(incident.last_update, UPDATE_SHOWN)
    if roles:
        yield parts.fields(roles)
    for run in runs:
        yield parts.context(
            f":gear: Run {run.id}: {run.action.replace('_', ' ')} on `{literal(run.target)}`: {run.state}"
        )
    if incident.is_open:
        yield _actions(incident)
    yield parts.context(hint)


def _actions(incident: Incident) -> Block:
    value = {"incident": incident.id}
    return parts.actions(
        [
            parts.button("Post an update", "incident.update", value, "primary"),
            parts.button("Diagnose", "incident.diagnose", value),
            parts.button("Restore a database", "incident.restore", value),
            parts.button("Resolve", "incident.resolve", value),
        ]
    )


def show_announcement(incident: Incident, prose: str) -> Iterator[Block]:
    """One message in the incidents channel that follows the incident to its end."""
    yield parts.header(title_of(incident))
    yield parts.marked(prose)
    if incident.impact:
        yield parts.words(f"Impact: {incident.impact}", UPDATE_SHOWN)
    if incident.last_update:
        yield parts.words(f"Latest: {incident.last_update}", UPDATE_SHOWN)


def show_list(incidents: list[Incident], name: Name) -> Iterator[Block]:
    if not incidents:
        yield parts.marked("No incident is open. `/incident declare` opens one.")
    for incident in incidents[:LISTED]:
        room = f"<#{incident.channel_id}>" if incident.channel_name else ""
        sign = SIGNS.get(incident.severity, "") if incident.is_open else ":white_check_mark:"
        yield parts.marked(
            f"{sign} *#{incident.id}* {literal(cut(incident.title, 200))}\n"
            f"{incident.severity} · {incident.status} · {show_time(incident.declared_at)} "
            f"by {name(incident.declared_by)} {room}"
        )
    if len(incidents) > LISTED:
        yield parts.context(f"and {len(incidents) - LISTED} more")


def show_timeline(incident: Incident, entries: list[LedgerEntry], name: Name) -> Iterator[Block]:
    """The newest entries that fit one message; the post-mortem has them all."""
    yield parts.header(cut(f"Timeline of {title_of(incident)}", parts.HEADER_LIMIT))
    shown, size = list[str](), 0
    for entry in reversed(entries):
        line = show_entry(entry, name)
        size += len(line)
        if size > parts.MESSAGE_CHARACTERS - 1000 or len(shown) >= 100:
            break
        shown.append(line)
    for chunk in _chunks(list(reversed(shown))):
        yield parts.marked(chunk)
    if len(shown) < len(entries):
        yield parts.context(f"The newest {len(shown)} of {len(entries)} entries.")


def show_entry(entry: LedgerEntry, name: Name) -> str:
    """One line: when, what, who."""
    late = (entry.recorded_at - entry.happened_at).total_seconds()
    recorded = f" _(recorded {show_duration(late)} later)_" if late > 60 else ""
    return f"{show_time(entry.happened_at)}  {literal(cut(entry.text, ENTRY_SHOWN))} — {name(entry.actor)}{recorded}"


def _chunks(lines: list[str]) -> Iterator[str]:
    """Whole lines, joined up to what one section takes."""
    chunk = ""
    for line in lines:
        if chunk and len(chunk) + len(line) + 1 > parts.SECTION_LIMIT:
            yield chunk
            chunk = ""
        chunk = f"{chunk}\n{line}" if chunk else line
    if chunk:
        yield chunk
