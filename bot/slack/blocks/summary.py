"""The live summary of an incident: what somebody who has just arrived, on a phone, needs to know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from slack_sdk.models.blocks import Block

from bot.slack.blocks import parts
from bot.slack.blocks.incident import UPDATE_SHOWN, Name, show_run_line, title_of
from bot.slack.blocks.rich import Piece, bold, emoji, faint, lines, link, when
from bot.slack.text import cut, literal, show_time
from bot.store.tables import Incident, Link, Run, Task

TASKS_SHOWN = 3
TASK_SHOWN = 120


@dataclass(frozen=True)
class SeatShown:
    """A role, and the name of its holder; empty where nobody holds it."""

    key: str
    title: str
    holder: str


@dataclass(frozen=True)
class Summary:
    """Everything that the summary shows. Names of components and people are plain words."""

    incident: Incident
    fields: Sequence[tuple[str, str]]
    seats: Sequence[SeatShown]
    components: str
    dependents: str
    tasks: Sequence[Task]
    """The open ones, the most pressing first."""
    links: Sequence[Link]
    runs: Sequence[Run]
    name: Name
    now: datetime
    hint: str
    has_page: bool = False
    """Whether it can be looked at in a browser."""


def show_summary(summary: Summary) -> Iterator[Block]:
    """The pinned summary of an incident's channel."""
    incident = summary.incident
    yield parts.header(title_of(incident))
    yield from _marks(incident)
    for start in range(0, len(summary.fields), parts.FIELDS):
        yield parts.fields(summary.fields[start : start + parts.FIELDS])
    if summary.seats:
        yield lines([_show_seat(seat) for seat in summary.seats])
    yield from _show_details(summary)
    yield from _show_work(summary)
    if incident.is_open:
        yield _actions(incident, summary.has_page)
    elif summary.has_page:
        yield parts.actions([_page_button(incident)])
    yield parts.context(summary.hint, f"As of {show_time(summary.now)}")


def _marks(incident: Incident) -> Iterator[Block]:
    if incident.private:
        yield parts.context(":lock: *Private*: only its members may know of it. `/incident members` says who.")
    if incident.drill:
        yield parts.context(":test_tube: *Drill*: a rehearsal on targets that may be destroyed.")


def _show_seat(seat: SeatShown) -> Sequence[Piece]:
    if seat.holder:
        return (f"{seat.title}: ", bold(seat.holder))
    return (f"{seat.title}: ", emoji("warning"), bold(" nobody"), faint(f"  /incident role {seat.key} takes it"))


def _show_details(summary: Summary) -> Iterator[Block]:
    incident = summary.incident
    if summary.components:
        yield parts.marked(f"*Affected* {literal(summary.components)}")
        if summary.dependents:
            yield parts.context(f"What depends on them: {literal(summary.dependents)}")
    if incident.impact:
        yield lines([(bold("Impact"),), (cut(incident.impact, UPDATE_SHOWN),)])
    if incident.last_update and incident.last_update_at:
        said = (bold("Last update "), when(incident.last_update_at))
        yield lines([said, (cut(incident.last_update, UPDATE_SHOWN),)])
    if incident.next_steps:
        yield lines([(bold("Next steps"),), (cut(incident.next_steps, UPDATE_SHOWN),)])


def _show_work(summary: Summary) -> Iterator[Block]:
    rows: list[Sequence[Piece]] = []
    if summary.tasks:
        rows.append((bold(f"{len(summary.tasks)} open task{'s' if len(summary.tasks) != 1 else ''}"),))
        rows += [show_task(task, summary.name) for task in summary.tasks[:TASKS_SHOWN]]
        if len(summary.tasks) > TASKS_SHOWN:
            rows.append((faint(f"and {len(summary.tasks) - TASKS_SHOWN} more: /incident tasks"),))
    rows += [show_run_line(run) for run in summary.runs]
    rows += [(emoji("link"), " ", link(one.url, one.title)) for one in summary.links]
    if rows:
        yield lines(rows)


def show_task(task: Task, name: Name) -> Sequence[Piece]:
    """One line: what, who, by when."""
    owner = f", {name(task.owner)}" if task.owner else ", nobody's yet"
    due: tuple[Piece, ...] = (", by ", when(task.due_at)) if task.due_at else ()
    return (f"{task.id}. {cut(task.title, TASK_SHOWN)}{owner}", *due)


def _actions(incident: Incident, has_page: bool) -> Block:
    value = {"incident": incident.id}
    return parts.actions(
        [
            parts.button("Post an update", "incident.update", value, "primary"),
            parts.button("Details…", "incident.details", value),
            parts.button("Severity…", "incident.severity", value),
            parts.button("Diagnose", "incident.diagnose", value),
            parts.button("Restore…", "incident.restore", value),
            parts.button("Resolve", "incident.resolve", value, confirm=f"Is #{incident.id} over for everybody?"),
            *([_page_button(incident)] if has_page else []),
        ]
    )


def _page_button(incident: Incident) -> parts.ButtonElement:
    return parts.button("On the web", "incident.web", {"incident": incident.id})
