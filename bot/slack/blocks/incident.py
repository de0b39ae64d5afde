"""An incident as it is shown: summary, announcement, list, timeline."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from slack_sdk.models.blocks import Block

from bot.slack.blocks import parts
from bot.slack.blocks.rich import Piece, bold, emoji, faint, keep_newest, lines, room, when
from bot.slack.text import cut, show_duration
from bot.store.tables import Incident, LedgerEntry, Run

SIGNS = {"P1": "red_circle", "P2": "large_orange_circle", "P3": "large_yellow_circle", "P4": "white_circle"}
RESOLVED_SIGN = "white_check_mark"
LISTED = 20
UPDATE_SHOWN = 1500
ENTRY_SHOWN = 300
TIMELINE_SHOWN = 60
Name = Callable[[str], str]
"""From the key of a person to a name, as written."""


def title_of(incident: Incident) -> str:
    """Plain text: number, severity and title; drills and private ones are marked."""
    marks = ("DRILL · " if incident.drill else "") + ("PRIVATE · " if incident.private else "")
    return f"{marks}{incident.severity} · #{incident.id} {incident.title}"


def sign_of(incident: Incident) -> str:
    return SIGNS.get(incident.severity, "white_circle") if incident.is_open else RESOLVED_SIGN


def show_run_line(run: Run) -> Sequence[Piece]:
    return (emoji("gear"), f" Run {run.id}: {run.action.replace('_', ' ')} on {run.target}: ", bold(run.state))


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
        where: Sequence[Piece] = (" · ", room(incident.channel_id or "")) if incident.channel_name else ()
        title = (emoji(sign_of(incident)), " ", bold(f"#{incident.id} "), cut(incident.title, 200))
        state = f"{incident.severity} · {incident.status} · declared by {name(incident.declared_by)} "
        yield lines([title, (state, when(incident.declared_at), *where)])
    if len(incidents) > LISTED:
        yield parts.context(f"and {len(incidents) - LISTED} more")


def show_timeline(incident: Incident, entries: list[LedgerEntry], name: Name) -> Iterator[Block]:
    """The newest entries that fit one message; the post-mortem has them all."""
    yield parts.header(f"Timeline of {title_of(incident)}")
    shown = keep_newest([show_entry(entry, name) for entry in entries[-TIMELINE_SHOWN:]])
    if shown:
        yield lines(shown)
    if len(shown) < len(entries):
        yield parts.context(f"The newest {len(shown)} of {len(entries)} entries.")


def show_entry(entry: LedgerEntry, name: Name) -> Sequence[Piece]:
    """One line: when, what, who."""
    late = (entry.recorded_at - entry.happened_at).total_seconds()
    recorded = faint(f" (recorded {show_duration(late)} later)") if late > 60 else ""
    return (when(entry.happened_at), f"  {cut(entry.text, ENTRY_SHOWN)} ", faint(f"— {name(entry.actor)}"), recorded)
