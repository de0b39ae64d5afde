"""The tasks of an incident, with what can be done about each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from slack_sdk.models.blocks import Block

from bot.slack.blocks import parts
from bot.slack.blocks.incident import Name, title_of
from bot.slack.blocks.rich import lines
from bot.slack.blocks.summary import show_task
from bot.store.tables import Incident, Task

LISTED = 15


def show_tasks(incident: Incident, tasks: Sequence[Task], name: Name) -> Iterator[Block]:
    """The open ones, the most pressing first; of the others only how many there are."""
    pending = [task for task in tasks if task.done_at is None]
    yield parts.header(f"Tasks of {title_of(incident)}")
    for task in pending[:LISTED]:
        yield lines([show_task(task, name)])
        yield _actions(task)
    if not pending:
        yield parts.marked("Nothing is to be done. `/incident task TEXT @owner by 14:30` adds something.")
    dropped = sum(task.dropped for task in tasks)
    more = f"and {len(pending) - LISTED} more · " if len(pending) > LISTED else ""
    yield parts.context(f"{more}{len(tasks) - len(pending) - dropped} done, {dropped} dropped")


def _actions(task: Task) -> Block:
    value = {"task": task.id}
    return parts.actions(
        [
            parts.button("Done", "task.done", value, "primary"),
            parts.button("Take", "task.take", value),
            parts.button("Drop", "task.drop", value, confirm=f"Task {task.id} need not be done?"),
        ]
    )
